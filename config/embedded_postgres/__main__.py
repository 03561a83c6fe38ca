"""The keeper, started by `server.ensure_running`: `python -m config.embedded_postgres ROOT SOCKET USER LINGER`."""

import os
import sys
from pathlib import Path

from config.embedded_postgres import binaries, server


def main() -> None:
    _, root, socket, user, linger = sys.argv
    place = server.Place(root=Path(root), socket=Path(socket), user=user or None, linger=float(linger))
    with server.responsibility(place) as lock:
        # The first process ends as soon as the question of the lock is settled: its parent waits for that, and
        # has no child left to reap. The lock belongs to the open file, so the second one goes on holding it.
        if lock is None or os.fork():
            os._exit(0)
        server.keep(place, lock, for_users=True)


if __name__ == "__main__":
    try:
        main()
    except (server.ServerFailed, binaries.BinariesMissing) as error:
        sys.exit(str(error))
