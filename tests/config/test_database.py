"""A wrong setting or database is told in one sentence, with exit code 1, and never with the password."""

import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests import support

pytestmark = pytest.mark.slow

SECRET = "sEcret-42"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


class _PostgresLookalike(socketserver.BaseRequestHandler):
    """Speaks PostgreSQL's start-up only: asks for a password and refuses it, or lets in as an old version."""

    version = ""

    def handle(self) -> None:
        self.request.settimeout(10)
        (length,) = struct.unpack("!i", self.request.recv(4))
        if struct.unpack("!i", self.request.recv(length - 4)[:4])[0] in {80877103, 80877104}:
            self.request.sendall(b"N")  # no TLS here
            self.handle()
            return
        if not self.version:
            self.request.sendall(_message(b"R", struct.pack("!i", 3)))
            self.request.recv(1000)
            fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "u"\0\0'
            self.request.sendall(_message(b"E", fields))
            return
        parameters = {b"server_version": self.version.encode(), b"client_encoding": b"UTF8", b"TimeZone": b"UTC"}
        answer = _message(b"R", struct.pack("!i", 0))
        answer += b"".join(_message(b"S", name + b"\0" + value + b"\0") for name, value in parameters.items())
        self.request.sendall(answer + _message(b"Z", b"I"))
        self.request.recv(1000)


@contextmanager
def _lookalike(version: str) -> Iterator[int]:
    handler = type("Handler", (_PostgresLookalike,), {"version": version})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


def _complaint(data_dir: Path, *command: str, **env: str) -> str:
    done = support.manage(*command, env=support.environment(data_dir, **env))
    assert done.returncode == 1, done
    assert SECRET not in done.stderr + done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


class TestDatabaseUrl:
    @pytest.mark.parametrize("command", ["migrate", "qcluster", "showmigrations"])
    def test_refused(self, tmp_path: Path, command: str) -> None:
        port = support.free_port()
        sentence = _complaint(tmp_path, command, DATABASE_URL=f"postgres://u:{SECRET}@127.0.0.1:{port}/db")
        assert sentence.startswith(
            f"The PostgreSQL database 'db' of user 'u' at 127.0.0.1:{port} cannot be used: nothing answers there."
        )

    def test_of_an_unknown_host(self, tmp_path: Path) -> None:
        sentence = _complaint(tmp_path, "migrate", DATABASE_URL=f"postgres://u:{SECRET}@nowhere.invalid/db")
        assert "there is no host of that name" in sentence

    def test_with_a_wrong_password(self, tmp_path: Path) -> None:
        with _lookalike("") as port:
            sentence = _complaint(tmp_path, "migrate", DATABASE_URL=f"postgres://u:{SECRET}@127.0.0.1:{port}/db")
        assert "the user or the password is wrong" in sentence

    @pytest.mark.django_db
    def test_of_an_unknown_database(self, tmp_path: Path) -> None:
        folder = connection.settings_dict["HOST"]
        sentence = _complaint(tmp_path, "migrate", DATABASE_URL=f"postgres://checkback@/{folder}/nope")
        assert "'nope'" in sentence
        assert "there is no database of that name" in sentence

    def test_of_a_server_that_is_too_old(self, tmp_path: Path) -> None:
        with _lookalike("13.9") as port:
            sentence = _complaint(tmp_path, "migrate", DATABASE_URL=f"postgres://u:{SECRET}@127.0.0.1:{port}/db")
        assert "is too old: PostgreSQL 14 or later is required (found 13.9)." in sentence

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            (f"mysql://u:{SECRET}@localhost/db", "starts with 'mysql', but Checkback needs PostgreSQL 14 or newer"),
            (f"host=localhost password={SECRET}", "is not a URL"),
            (f"postgres://u:{SECRET}@localhost", "names no database"),
            (f"postgres://u@localhost:{SECRET}/db", "cannot be read"),
        ],
    )
    def test_that_is_no_url_of_postgresql(self, tmp_path: Path, url: str, words: str) -> None:
        assert words in _complaint(tmp_path, "migrate", DATABASE_URL=url)


class TestSettings:
    @pytest.mark.parametrize("command", ["migrate", "up", "no-such-command"])
    def test_complain_in_one_sentence(self, tmp_path: Path, command: str) -> None:
        assert _complaint(tmp_path, command, WEB_PORT="x") == "WEB_PORT='x' is not a whole number (1 to 65535)."


class TestWeb:
    def test_refuses_to_start_without_a_database(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn", "config.wsgi"],
            cwd=support.CHECKOUT,
            env=support.environment(tmp_path, DATABASE_URL=f"postgres://u:{SECRET}@127.0.0.1:{support.free_port()}/db"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "nothing answers there" in done.stderr
        assert "Traceback" not in done.stderr
        assert SECRET not in done.stderr


class TestEmbedded:
    def test_that_cannot_start_is_told_in_one_sentence(self, tmp_path: Path) -> None:
        blocked = tmp_path / "data"
        blocked.mkdir()
        trap = _block(blocked)
        try:
            assert str(trap) in _complaint(blocked, "migrate")
        finally:
            trap.unlink()


def _block(data_dir: Path) -> Path:
    """Put a file where the server's folder would be made."""
    from config.embedded_postgres import server

    root = server.locate(data_dir).root
    root.parent.mkdir(parents=True, exist_ok=True)
    root.touch()
    return root
