"""`.env.example` is the list of settings: complete, and true about the defaults."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded_postgres import server
from tests import support

_READ = re.compile(
    r'(?:\benv\.)?\b(?:text|boolean|whole|listing|choice|weekdays|identifiers|identifier|address)\(\s*"([A-Z_]+)"(?:,\s*("?[\w!.-]+"?))?'
)


def _used() -> dict[str, str | None]:
    """Every name that is read, with its default where it is written beside the name."""
    found: dict[str, str | None] = {}
    for name in ("settings.py", "env.py"):
        for match in _READ.finditer((support.CHECKOUT / "config" / name).read_text()):
            found[match[1]] = match[2].strip('"') if match[2] else None
    return found


def _listed() -> dict[str, str]:
    lines = (support.CHECKOUT / ".env.example").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.fullmatch(r"# ([A-Z_]+)=(.*)", line)))  # type: ignore[misc]


class TestEnvExample:
    def test_lists_exactly_the_settings_that_are_read(self) -> None:
        assert sorted(_listed()) == sorted(_used())

    def test_shows_the_defaults_of_the_code(self) -> None:
        listed = _listed()
        written = {name: default for name, default in _used().items() if default not in {None, "str"}}
        assert {name: listed[name] for name in written} == {
            name: str(default).lower() if default in {"True", "False"} else default for name, default in written.items()
        }
        assert len(written) > 15, "the pattern still finds them"

    def test_comments_each(self) -> None:
        before = ""
        for line in (support.CHECKOUT / ".env.example").read_text().splitlines():
            if re.match(r"# [A-Z_]+=", line):
                assert before.startswith("# "), line
                assert not before.startswith("# ---"), line
            before = line


class TestReading:
    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ("JOB_WORKERS=0", "JOB_WORKERS=0 is outside 1 to 64."),
            ("DEBUG=maybe", "DEBUG='maybe' is not a switch: write true or false."),
            ("BACKUP_DIR=backups", "BACKUP_DIR names 'backups': write the whole path of the folder, from / on."),
        ],
    )
    def test_says_what_is_wrong(self, setting: str, sentence: str, tmp_path: object) -> None:
        name, _, value = setting.partition("=")
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=support.CHECKOUT,
            env={**support.environment(support.CHECKOUT / ".data"), name: value},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.strip()) == (1, sentence)

    @pytest.mark.parametrize("name", ["BACKUP_DIR", "PG_BIN_DIR", "TEMP_DIRS", "CHECKBACK_DATA_DIR"])
    def test_says_that_nobody_has_this_home(self, name: str, tmp_path: Path) -> None:
        sentence = f"{name} names '~nosuchuser/x', but there is no home folder of that user: write the whole path"
        self.test_says_what_is_wrong(f"{name}=~nosuchuser/x", f"{sentence}, from / on.", tmp_path)

    @pytest.mark.parametrize("place", ["data", "copies", "server"])
    def test_lets_nobody_clean_up_the_database_or_its_copies(self, place: str, tmp_path: Path) -> None:
        data, copies = tmp_path / "data", tmp_path / "copies"
        folder = {"data": data, "copies": copies, "server": server.locate(data).data}[place]
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=support.CHECKOUT,
            env={**support.environment(data), "BACKUP_DIR": str(copies), "TEMP_DIRS": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(f"TEMP_DIRS names '{folder}', which holds more than temporary files (see /")
