"""A MediaPoster database for tests: its tables in both layouts, filled row by row."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

FULL, SEED = "full_schema.sql", "seed_schema.sql"


class MediaPoster:
    """One of them, in a schema of a database."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str = "public", layout: str = FULL) -> None:
        self.connection = connection
        self.schema = schema
        with connection.transaction():
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
            connection.execute((Path(__file__).parent / layout).read_text())

    @property
    def url(self) -> str:
        """What the command is given."""
        info = self.connection.info
        return f"postgresql://{info.user}@/{info.dbname}?host={info.host}"

    def put(self, table: str, **values: Any) -> int:
        """Insert a row; return its id, if it has one."""
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING to_jsonb({}) ->> 'id'").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)),
            sql.Identifier(table),
        )
        row = self.connection.execute(statement, [_stored(value) for value in values.values()]).fetchone()
        return int(row[0] or 0) if row else 0

    def run(self, statement: str) -> None:
        """Change something else."""
        self.connection.execute(statement)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows, oldest first."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(table)))
            return cursor.fetchall()

    # --- what many tests need ---

    def account(self, username: str = "ada", **values: Any) -> int:
        """An account."""
        return self.put("social_media_accounts", **{"platform": "tiktok", "username": username, **values})

    def post(self, account_id: int, number: str = "7300000000000000001", **values: Any) -> int:
        """A post."""
        fixed = {
            "platform": "tiktok",
            "external_post_id": number,
            "post_url": f"https://www.tiktok.com/@x/video/{number}",
        }
        return self.put("social_media_posts", account_id=account_id, **{**fixed, **values})

    def conversation(self, account_id: int, username: str = "bob", **values: Any) -> int:
        """A conversation."""
        named = {"account_id": account_id, "participant_username": username}
        return self.put("social_media_conversations", **{**named, **values})

    def message(self, conversation_id: int, text: str | None, sent_at: Any, **values: Any) -> int:
        """A message to us."""
        fixed = {"conversation_id": conversation_id, "message_text": text, "sent_at": sent_at, "is_outgoing": False}
        return self.put("social_media_messages", **{**fixed, **values})


def _stored(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict | list) else value
