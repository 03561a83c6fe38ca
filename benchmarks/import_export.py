"""How fast, and in how much memory, is a chat export imported? `python -m benchmarks.import_export [MEGABYTES]`

Writes a seeded export of that size (300 MB), imports it in a process of its own into a scratch database, imports
it once more (nothing is new then), and compares with a plain `json.load` of the same file. Removes what it made.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = "benchmark_import"
_DISCORD_EPOCH = 1_420_070_400_000
_SMALL_TALK = (
    "the light was lovely this morning so I took a long exposure of waves by the pier and it came out better than "
    "I hoped thanks for the tip about filters see you on saturday ⚓ 📷 haha yes maybe next week"
)
_WORDS = _SMALL_TALK.split()


def write_export(path: Path, *, megabytes: float, people: int = 2_000, seed: int = 1) -> int:
    """Write an export of about this size, indented as the exporter does it; answer how many messages it has."""
    chance = random.Random(seed)
    authors = [_author(chance, number) for number in range(people)]
    # As in life, few write much: the k-th person writes in proportion to 1/k.
    weights = [1 / rank for rank in range(1, people + 1)]
    at = datetime(2019, 1, 1, tzinfo=UTC)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(_beginning())
        while file.tell() < megabytes * 1_000_000:
            for author in chance.choices(authors, weights, k=500):
                at += timedelta(milliseconds=chance.randrange(1, 400_000))
                text = json.dumps(_message(chance, at, count, author, authors), indent=2, ensure_ascii=False)
                file.write((",\n    " if count else "\n    ") + text.replace("\n", "\n    "))
                count += 1
        file.write(f'\n  ],\n  "messageCount": {count}\n}}\n')
    return count


def _beginning() -> str:
    header = {
        "guild": {"id": "300000000000000001", "name": "Benchmark", "iconUrl": ""},
        "channel": {
            "id": "300000000000000002",
            "type": "GuildTextChat",
            "categoryId": None,
            "category": None,
            "name": "general",
            "topic": None,
        },
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2026-01-01T00:00:00+00:00",
    }
    return json.dumps(header, indent=2).removesuffix("\n}") + ',\n  "messages": ['


def _author(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": str(200_000_000_000_000_000 + number * 4_194_304),
        "name": f"keeper_{number}",
        "discriminator": "0000",
        "nickname": f"Keeper {number} ⚓",
        "color": "#3498DB",
        "isBot": number % 200 == 199,
        "roles": [{"id": "300000000000000009", "name": "Crew", "color": "#3498DB", "position": 2}],
        "avatarUrl": f"https://cdn.discordapp.com/avatars/{number}/{chance.getrandbits(128):032x}.png?size=512",
    }


def _message(
    chance: random.Random, at: datetime, count: int, author: dict[str, Any], authors: list[dict[str, Any]]
) -> dict[str, Any]:
    milliseconds = int(at.timestamp() * 1000)
    reacted = chance.random() < 0.1
    return {
        "id": str((milliseconds - _DISCORD_EPOCH) << 22 | (count & 0xFFF)),
        "type": "Reply" if chance.random() < 0.2 else "Default",
        "timestamp": at.isoformat(timespec="milliseconds"),
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": " ".join(chance.choices(_WORDS, k=chance.randrange(1, 40))),
        "author": author,
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [
            {
                "emoji": {"id": "", "name": "⚓", "code": "anchor", "isAnimated": False, "imageUrl": ""},
                "count": 2,
                "users": [],
            }
        ]
        if reacted
        else [],
        "mentions": [chance.choice(authors)] if chance.random() < 0.15 else [],
        "inlineEmojis": [],
    }


def main() -> None:
    """Parse the command line; the two hidden words are this script's own processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=float, default=300)
    parser.add_argument("--process", choices=["import", "load"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        _report(_import if options.process == "import" else _load, options.file)
    else:
        _compare(options.megabytes)


def _compare(megabytes: float) -> None:
    _set_up()
    from django.db import connection

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        count = write_export(path, megabytes=megabytes)
        print(f"file: {path.stat().st_size / 1e6:,.0f} MB, {count:,} messages")
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            first, again = (_in_own_process("import", path) for _ in range(2))
            load = _in_own_process("load", path)
        finally:
            connection.creation.destroy_test_db("checkback", verbosity=0)
    for name, result in (("import", first), ("import again", again), ("json.load", load)):
        print(
            f"{name:13}{result['seconds']:7.1f} s {count / result['seconds']:10,.0f} messages/s "
            f"{result['peak_mb']:8,.0f} MB peak"
        )
    print(
        f"import / json.load: {first['seconds'] / load['seconds']:.2f} of the time, "
        f"{first['peak_mb'] / load['peak_mb']:.3f} of the memory"
    )


def _set_up() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings

    settings.DATABASES["default"]["TEST"] = {"NAME": SCRATCH}
    django.setup()


def _in_own_process(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--process", what, "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _report(work: Any, path: Path) -> None:
    seconds = work(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def _import(path: Path) -> float:
    _set_up()
    from django.conf import settings
    from django.utils import timezone

    settings.DATABASES["default"]["NAME"] = SCRATCH
    from followups import importing

    started = time.perf_counter()
    importing.import_export(path, now=timezone.now())
    return time.perf_counter() - started


def _load(path: Path) -> float:
    started = time.perf_counter()
    with path.open(encoding="utf-8") as file:
        json.load(file)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
