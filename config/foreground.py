"""Running all programs in the foreground: supervisor beside us, its programs' log lines in our terminal."""

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from supervisor.xmlrpc import SupervisorTransport

from config import processes

_COLORS = {"postgres": 34, "discord": 35, "web": 32, "qcluster": 33, "bot": 36, "up": 1}
_BOT_IS_READY = ("bot.ready", "bot.standing_by")


class Tail:
    """The lines that a log file gets from now on, across its rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._rest = ""
        self._open(at_end=True)

    def lines(self) -> list[str]:
        """Return the new whole lines."""
        if self._file is None or self._is_rotated():
            self._open(at_end=False)
        *whole, self._rest = (self._rest + (self._file.read() if self._file else "")).split("\n")
        return whole

    def _open(self, *, at_end: bool) -> None:
        with suppress(FileNotFoundError):
            following = self._path.open(errors="replace")
            if self._file:
                self._rest += self._file.read()
                self._file.close()
            self._file = following
            if at_end:
                following.seek(0, os.SEEK_END)

    def _is_rotated(self) -> bool:
        with suppress(FileNotFoundError):
            return self._file is not None and self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        return False


class Foreground:
    """One run: start, show, wait until somebody wants it to end, stop."""

    def __init__(self, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        self._programs = processes.programs()
        self._tails = {program.name: Tail(processes.log_of(program.name)) for program in self._programs}
        self._ready: set[str] = set()
        self._told: dict[str, str] = {}
        self._stops = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def run(self) -> bool:
        """Run until SIGINT, SIGTERM or SIGHUP. Answers whether the end was asked for."""
        control = processes.control_socket()
        file = processes.folder() / "supervisord.conf"
        file.write_text(processes.configuration(self._programs, control))
        with processes.log_of("supervisord-errors").open("wb") as errors:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(file)],
                cwd=settings.BASE_DIR,
                env=processes.mark(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for us: we stop the programs in order
            )
        try:
            self._show_until_the_end(supervisor, control)
        finally:
            supervisor.terminate()
            while self._stops < 2 and supervisor.poll() is None:
                self._show_lines()
                time.sleep(0.1)
            # Also the way to kill at once, for whoever presses Ctrl-C a second time.
            processes.end_orphans(patience=0 if self._stops > 1 else 25)
            supervisor.wait()
        self._show_lines()
        self.say("Stopped." if self._stops else "Supervisor ended unexpectedly, so everything was stopped.")
        return bool(self._stops)

    def _show_until_the_end(self, supervisor: "subprocess.Popen[bytes]", control: Path) -> None:
        announced = False
        while not self._stops and supervisor.poll() is None:
            self._show_lines()
            self._watch(control)
            if not announced and self._is_ready():
                announced = True
                self._on_ready()
            time.sleep(0.3)
        if self._stops:
            self.say("Stopping.")

    def say(self, text: str) -> None:
        """Print a line of our own."""
        self._print("up", text)

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stops += 1

    def _show_lines(self) -> None:
        for name, tail in self._tails.items():
            for line in tail.lines():
                self._print(name, line)
                if name == "bot" and any(event in line for event in _BOT_IS_READY):
                    self._ready.add("bot")

    def _print(self, name: str, line: str) -> None:
        label = f"{name:<8} |"
        if sys.stdout.isatty():
            label = f"\x1b[{_COLORS.get(name, 37)}m{label}\x1b[0m"
        with suppress(BrokenPipeError):  # the terminal is gone: SIGHUP is on its way
            sys.stdout.write(f"{label} {line}\n")
            sys.stdout.flush()

    def _watch(self, control: Path) -> None:
        """Say it once when a program ended for good."""
        transport = SupervisorTransport(None, None, f"unix://{control}")  # type: ignore[no-untyped-call]
        try:
            states: Any = xmlrpc.client.ServerProxy(
                "http://127.0.0.1", transport=transport
            ).supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return  # not listening yet, or just stopping
        finally:
            transport.close()  # type: ignore[no-untyped-call]
        for info in states:
            name, state = info["name"], info["statename"]
            if state == "RUNNING":
                self._ready.add(f"{name} runs")
            if state != self._told.get(name) and state in {"BACKOFF", "FATAL", "EXITED"}:
                meaning = {"BACKOFF": "ended too early and is tried again", "FATAL": "does not start; given up"}
                ended = f"ended with code {info['exitstatus']} and stays down"
                self.say(f"{name} {meaning.get(state, ended)}. Log: {processes.log_of(name)}")
            self._told[name] = state

    def _is_ready(self) -> bool:
        if not {f"{program.name} runs" for program in self._programs} <= self._ready or "bot" not in self._ready:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{settings.WEB_PORT}/admin/login/", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False
