"""Everything, one script after another, printed as it goes into README.md. `python -m benchmarks.all [--quick]`

A script that fails does not stop the others; the exit code says whether one did.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime

from benchmarks import harness

SCRIPTS = (
    "drain",
    "lateness",
    "enqueue",
    "clusters",
    "memory",
    "scale",
    "sweep",
    "forecast",
    "relay",
    "check_backs",
    "import_export",
)


def main() -> int:
    """Run them. Returns 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work or less: does it run? no figures")
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=SCRIPTS, help="these, in this order")
    options = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    failed = [name for name in options.only if not _run(name, quick=options.quick)]
    print(f"Failed: {', '.join(failed)}." if failed else "All ran.")
    return 1 if failed else 0


def _run(name: str, *, quick: bool) -> bool:
    print(f"## {name}.py\n", flush=True)
    began = time.monotonic()
    extra = [] if not quick else ["20"] if name == "import_export" else ["--quick"]
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *extra], cwd=harness.ROOT, check=False)
    print(f"\n({time.monotonic() - began:.0f} s)\n", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
