"""Django's PostgreSQL backend, plus: a connection that finds no server starts the embedded one.

Django loads `DatabaseWrapper` from here because settings name this package as the ENGINE.
"""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper
from psycopg import OperationalError

from config.embedded_postgres import binaries, server


class DatabaseWrapper(PostgresWrapper):
    """Connects to the server of the `DATA_DIR` named in the database's settings."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        place = server.locate(Path(self.settings_dict["DATA_DIR"]), linger=self.settings_dict["LINGER_SECONDS"])
        try:
            if not server.is_registered(place):
                # Even a running server may have lost its keeper: without a new one nobody would ever stop it.
                server.ensure_running(place)
            try:
                return super().get_new_connection(conn_params)
            except OperationalError:
                # Gone, starting again, or a server whose database was never made: mend, then try once.
                server.ensure_running(place)
                return super().get_new_connection(conn_params)
        except (server.ServerFailed, binaries.BinariesMissing) as error:
            raise OperationalError(str(error)) from error
