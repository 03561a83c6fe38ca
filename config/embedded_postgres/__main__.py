"""The keeper process: `python -m config.embedded_postgres keep ROOT SOCKET`. Started by `server.ensure_running`."""

import os
import sys
from pathlib import Path

from config.embedded_postgres import server

if __name__ == "__main__":
    _, _action, root, socket = sys.argv
    user = os.environ.get("CHECKBACK_POSTGRES_USER") or None
    server.keep(server.Place(root=Path(root), socket=Path(socket), user=user))
