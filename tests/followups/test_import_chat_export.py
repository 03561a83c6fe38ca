"""The command `import_chat_export`."""

import json
import os
import pty
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from followups import importing
from followups.models import UserProfile
from socialmedia.models import ChannelActivity
from tests.socialmedia.export_files import BRUNO, message, write

ROOT = Path(importing.__file__).resolve().parents[1]


def run(*arguments: object) -> tuple[str, str, str]:
    """Answer stdout, stderr and the final error, if any."""
    out, err, failure = StringIO(), StringIO(), ""
    try:
        call_command("import_chat_export", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        failure = str(error)
    return out.getvalue(), err.getvalue(), failure


@pytest.mark.django_db
class TestCommand:
    def test_prints_a_table(self, tmp_path: Path) -> None:
        write(tmp_path / "a.json", [message(n) for n in range(1, 1235)])
        out, err, failure = run(tmp_path / "a.json")
        assert "a.json" in out
        assert out.count("1,234") == 2
        assert "2026-05-01 12:01" in out
        assert (err, failure) == ("", "")

    def test_goes_on_after_a_broken_file(self, tmp_path: Path) -> None:
        write(tmp_path / "bad.json", [message(1, BRUNO), message(2, BRUNO, timestamp="x")])
        write(tmp_path / "good.json", [message(3)])
        (tmp_path / "list.json").write_text("[]")
        files = [tmp_path / name for name in ("bad.json", "none.json", "list.json", "good.json")]
        out, err, failure = run(*files, tmp_path)
        assert failure == "4 of 5 files could not be imported."
        assert list(UserProfile.objects.values_list("name", flat=True)) == ["Ada"]
        assert "good.json" in out
        another_kind = "Is JSON of another kind: an export is an object with a channel and its messages."
        assert err.splitlines() == [
            f"{tmp_path / 'bad.json'}: Message 2 (id 2): timestamp 'x' is not a time.",
            f"{tmp_path / 'none.json'}: There is no such file.",
            f"{tmp_path / 'list.json'}: {another_kind}",
            f"{tmp_path}: Is a directory; name the .json files in it.",
        ]

    def test_prints_one_json_object(self, tmp_path: Path) -> None:
        write(tmp_path / "a.json", [message(1)])
        out, _, failure = run("--json", tmp_path / "a.json", tmp_path / "none.json")
        result = json.loads(out)
        assert failure
        assert result["files"][0]["messages_new"] == 1
        assert result["files"][0]["first_message_at"] == "2026-05-01T12:01:00+00:00"
        assert result["problems"] == [{"file": str(tmp_path / "none.json"), "problem": "There is no such file."}]

    def test_stores_nothing_in_a_dry_run(self, tmp_path: Path) -> None:
        write(tmp_path / "a.json", [message(1)])
        out, _, failure = run("--dry-run", tmp_path / "a.json")
        assert "Dry run" in out
        assert failure == ""
        assert not ChannelActivity.objects.exists()

    def test_takes_a_file_name_that_is_not_text(self, tmp_path: Path) -> None:
        path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 [bold].json")
        Path(path).write_bytes(write(tmp_path / "a.json", [message(1)]).read_bytes())
        out, _, failure = run(path)
        assert failure == ""
        assert "[bold].json" in out


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestProcess:
    def command(self, *arguments: str) -> list[str]:
        script = (
            "import sys, django\n"
            "from django.conf import settings\n"
            "settings.DATABASES['default']['NAME'] = sys.argv.pop(1)\n"
            "from django.core.management import execute_from_command_line\n"
            "execute_from_command_line(sys.argv)\n"
        )
        name = str(connection.settings_dict["NAME"])
        return [sys.executable, "-c", script, name, "import_chat_export", *arguments]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "TERM": "xterm"}

    def test_ends_with_1_and_without_progress_in_a_pipe(self, tmp_path: Path) -> None:
        write(tmp_path / "a.json", [message(1)])
        done = subprocess.run(
            self.command("--json", str(tmp_path / "a.json"), str(tmp_path / "none.json")),
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert json.loads(done.stdout)["files"][0]["messages_new"] == 1
        assert done.stderr.splitlines() == [
            f"{tmp_path / 'none.json'}: There is no such file.",
            "CommandError: 1 of 2 files could not be imported.",
        ]
        assert ChannelActivity.objects.count() == 1

    def test_draws_progress_on_a_terminal(self, tmp_path: Path) -> None:
        write(tmp_path / "a.json", [message(1)])
        terminal, end = pty.openpty()
        with subprocess.Popen(
            self.command(str(tmp_path / "a.json")),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=end,
            text=True,
        ) as process:
            os.close(end)
            out, _ = process.communicate(timeout=60)
            drawn = b""
            try:
                while data := os.read(terminal, 4096):
                    drawn += data
            except OSError:  # how Linux says that the other end of a terminal is closed
                pass
            os.close(terminal)
        assert process.returncode == 0
        assert b"messages/s" in drawn
        assert "messages/s" not in out
