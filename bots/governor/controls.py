"""The kill switch of one bot account: while it is on, no relay sends anything."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from bots.models import BotControl


@dataclass(frozen=True)
class Controls:
    """The switches as they are."""

    stopped_at: datetime | None = None
    stopped_by: str = ""
    stop_reason: str = ""
    opening_paused_until: datetime | None = None
    opening_pause_reason: str = ""

    @property
    def is_stopped(self) -> bool:
        """Nothing may be sent."""
        return self.stopped_at is not None


def of_account(account_id: int) -> Controls:
    """The switches of an account, in one query."""
    row = BotControl.objects.filter(pk=account_id).first()
    if row is None:
        return Controls()
    return Controls(
        stopped_at=row.stopped_at,
        stopped_by=row.stopped_by,
        stop_reason=row.stop_reason,
        opening_paused_until=row.opening_paused_until,
        opening_pause_reason=row.opening_pause_reason,
    )


def stop(account_id: int, *, by: str, reason: str = "", now: datetime) -> bool:
    """Let no relay of the account send any more. What is on the wire at this moment arrives. False when it was
    stopped already.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bot_controls AS known (account_id, stopped_at, stopped_by, stop_reason, updated_at) "
            "VALUES (%(account)s, %(now)s, %(by)s, %(reason)s, %(now)s) "
            "ON CONFLICT (account_id) DO UPDATE SET stopped_at = excluded.stopped_at, "
            "stopped_by = excluded.stopped_by, stop_reason = excluded.stop_reason, updated_at = excluded.updated_at "
            "WHERE known.stopped_at IS NULL",
            {"account": account_id, "now": now, "by": by, "reason": reason},
        )
        return bool(cursor.rowcount)


def resume(account_id: int, *, by: str, now: datetime) -> bool:
    """Let it send again, and wake the relays; the policy is asked anew. False when it was not stopped."""
    stopped = BotControl.objects.filter(pk=account_id, stopped_at__isnull=False)
    resumed = stopped.update(stopped_at=None, stopped_by="", stop_reason="", updated_at=now) == 1
    if resumed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('checkback_outbox', '')")
    return resumed
