"""The other engines, each in a process of an environment of its own, measured with the same words as ours."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks import harness

DATABASE = "checkback_benchmark_peers"
HOW = "not installed: see peers/requirements.txt and BENCHMARK_PEERS_PYTHON in README.md"


@dataclass(frozen=True)
class Peer:
    """One engine with one set of settings. `module` is its file here, `variant` what that file shall do."""

    label: str
    module: str
    needs: tuple[str, ...]
    variant: str = ""


STOCK = Peer("Django-Q2, ORM broker", "django_q2", ("django_q",))
PEERS = [
    STOCK,
    Peer("django-tasks-db", "django_tasks_db", ("django_tasks_db",)),
    Peer("Procrastinate", "procrastinate", ("procrastinate",)),
    Peer(
        "Celery + Redis, outcomes in the database", "celery_redis", ("celery", "redis", "django_celery_results"), "db"
    ),
    Peer("Celery + Redis, no outcomes kept", "celery_redis", ("celery", "redis"), "none"),
    Peer("Celery + Redis without AOF, no outcomes kept", "celery_redis", ("celery", "redis"), "no-aof"),
]


def python(peer: Peer) -> str:
    """The interpreter that has the peer's packages. Django-Q2 is in our own environment, too."""
    own = peer is STOCK or not os.environ.get("BENCHMARK_PEERS_PYTHON")
    return sys.executable if own else os.environ["BENCHMARK_PEERS_PYTHON"]


@cache
def is_installed(peer: Peer) -> bool:
    """Whether the peers' interpreter finds its packages, and this machine its programs."""
    check = f"from importlib.util import find_spec; raise SystemExit(not all(map(find_spec, {list(peer.needs)})))"
    if shutil.which(python(peer)) is None:
        raise SystemExit(
            f"BENCHMARK_PEERS_PYTHON={python(peer)!r} is no program: name the interpreter of the peers' venv."
        )
    if subprocess.run([python(peer), "-c", check], check=False).returncode:
        return False
    return "redis" not in peer.needs or shutil.which("redis-server") is not None


def measure(peer: Peer, what: str, **options: Any) -> Any:
    """Ask one of `benchmarks.measures` of a peer, on a database of its own on the same server.

    None when it is not installed. Raises RuntimeError with the end of what it printed when it failed.
    """
    if not is_installed(peer):
        return None
    with tempfile.TemporaryDirectory(prefix="checkback-") as folder:
        return _measure(peer, folder, what, options)


def _measure(peer: Peer, folder: str, what: str, options: dict[str, Any]) -> Any:
    environment = {
        **os.environ,
        "PYTHONPATH": str(harness.ROOT),
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings",
        "BENCHMARK_PEER": peer.module,
        "BENCHMARK_FOLDER": folder,
        "BENCHMARK_VARIANT": peer.variant,
        "BENCHMARK_DATABASE": json.dumps(harness.place(DATABASE)),
    }
    child = subprocess.Popen(
        [python(peer), "-m", "benchmarks.peers.run", what, json.dumps(options)],
        cwd=harness.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, problems = child.communicate()
    finally:
        child.terminate()  # nothing when it ended; otherwise it stops its own workers first
        child.wait()
    if child.returncode:
        raise RuntimeError(f"{peer.label}, {what}: {said[-2000:]}{problems[-2000:]}")
    return json.loads(said.strip().splitlines()[-1])
