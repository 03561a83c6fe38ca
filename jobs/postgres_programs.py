"""PostgreSQL's own programs, such as pg_dump: where they are, how old they are, and how they find our database."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from django.db import connection
from psycopg import pq

from jobs import conf
from jobs.errors import JobError, PermanentFailure

APPLICATION_NAME = "checkback backup"
TICK_SECONDS = 0.2
LONGEST_PROBLEM = 500


class ProgramMissing(PermanentFailure):
    """The program is not there, or cannot be run."""


class ProgramFailed(JobError):
    """The program ended with an error; the message is the first line of what it said, warnings left out."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


def find(name: str) -> str:
    """Return the program's path: in PG_BIN_DIR if that is set, else on PATH. Raises ProgramMissing."""
    folder = conf.current().pg_bin_dir
    found = shutil.which(name, path=str(folder)) if folder else shutil.which(name)
    if found is None:
        where = f"in PG_BIN_DIR ({folder})" if folder else "on PATH, and PG_BIN_DIR is not set"
        raise ProgramMissing(
            f"There is no {name} {where}: install PostgreSQL's client programs, or set PG_BIN_DIR to their folder."
        )
    return found


def major_version(program: str) -> int:
    """The program's version, as in PostgreSQL 18. Raises ProgramMissing when it does not say."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ProgramMissing(f"{program} cannot be run ({error}): install it anew, or set PG_BIN_DIR.") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise ProgramMissing(
            f"{program} is no program of PostgreSQL: it calls itself {said.strip()!r}. Set PG_BIN_DIR."
        )
    return int(found[1])


def environment() -> dict[str, str]:
    """The environment in which a program finds the database that Django uses, and may enter it.

    Everything goes through variables, the password above all: arguments can be read by every user of the machine.
    """
    wanted = {"connect_timeout": 10, **connection.get_connection_params(), "application_name": APPLICATION_NAME}
    variables = {
        option.envvar.decode(): str(wanted[option.keyword.decode()])
        for option in pq.Conninfo.get_defaults()
        if option.envvar and wanted.get(option.keyword.decode()) not in {None, ""}
    }
    return {**os.environ, **variables, "LC_ALL": "C"}  # in English: the messages are looked at


def run(command: Sequence[str], *, keep_open: Sequence[int] = (), on_tick: Callable[[], None] | None = None) -> str:
    """Run a program to its end and return what it printed. `on_tick` is called a few times a second meanwhile.

    However the wait ends, by a time-out or Ctrl-C too, the program does not outlive it.

    Raises:
        ProgramFailed: it ended with an error.
    """
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as problems:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=problems,
            env=environment(),
            pass_fds=keep_open,
        )
        try:
            while True:
                try:
                    process.wait(TICK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if on_tick:
                        on_tick()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            problems.seek(0)
            said = problems.read().decode(errors="replace")
            raise ProgramFailed(_problem(Path(command[0]).name, process.returncode, said), said)
        printed.seek(0)
        return printed.read().decode(errors="replace")


def _problem(name: str, code: int, said: str) -> str:
    lines = [line.strip().removeprefix(f"{name}: ").removeprefix("error: ") for line in said.split("\n")]
    lines = [line for line in lines if line]
    first = next((line for line in lines if not re.match(r"(warning|notice|detail|hint): ", line, re.I)), "")
    first = first or next(iter(lines), "")
    if not first:
        return f"{name} was ended by signal {-code}" if code < 0 else f"{name} ended with code {code} and said nothing"
    return f"{name}: {first[:LONGEST_PROBLEM]}"
