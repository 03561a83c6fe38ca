"""The kill switch of one bot account: while it is on, no relay sends anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import connection

from bots.governor.refusals import NOTHING_FROM, RECENT, SLOW_FROM
from bots.models import BotControl
from socialmedia.models import Account, Platform

log = structlog.get_logger(__name__)

_OF_ACCOUNT: Final = f"""
SELECT ledger.refusals, control.stopped_at, coalesce(control.stopped_by, ''), coalesce(control.stop_reason, ''),
       control.opening_paused_until, coalesce(control.opening_pause_reason, '')
FROM (SELECT {RECENT} AS refusals) AS ledger
LEFT JOIN bot_controls AS control ON control.account_id = %(account_id)s
"""  # noqa: S608 - our own words


@dataclass(frozen=True)
class Controls:
    """The switches as they are, and the refused requests of the last ten minutes, of all accounts."""

    refusals: int = 0
    stopped_at: datetime | None = None
    stopped_by: str = ""
    stop_reason: str = ""
    opening_paused_until: datetime | None = None
    opening_pause_reason: str = ""

    @property
    def is_stopped(self) -> bool:
        """Somebody stopped it."""
        return self.stopped_at is not None

    @property
    def is_barred(self) -> bool:
        """Discord refused so many requests that no more must be made."""
        return self.refusals >= NOTHING_FROM

    @property
    def is_slow(self) -> bool:
        """Discord refused so many requests that only one a second goes out."""
        return self.refusals >= SLOW_FROM

    @property
    def may_send(self) -> bool:
        """Neither stopped nor barred."""
        return not (self.is_stopped or self.is_barred)


def of_account(account_id: int) -> Controls:
    """The switches of an account, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ACCOUNT, {"account_id": account_id})
        return Controls(*cursor.fetchone())


def accounts() -> list[Account]:
    """Every bot of ours that is in use."""
    ours = Account.objects.filter(platform=Platform.DISCORD, is_own=True, is_active=True)
    return list(ours.order_by("username", "pk"))


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
        stopped = bool(cursor.rowcount)
    if stopped:
        log.warning("bot.switched_off", account_id=account_id, by=by)
    return stopped


def resume(account_id: int, *, by: str, now: datetime) -> bool:
    """Let it send again, and wake the relays; the policy is asked anew. False when it was not stopped."""
    stopped = BotControl.objects.filter(pk=account_id, stopped_at__isnull=False)
    resumed = stopped.update(stopped_at=None, stopped_by="", stop_reason="", updated_at=now) == 1
    if resumed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('checkback_outbox', '')")
        log.warning("bot.switched_on", account_id=account_id, by=by)
    return resumed


def stop_all(chosen: Iterable[Account], *, by: str, reason: str = "", now: datetime) -> list[Account]:
    """Stop each of these, or as many as are not stopped yet: those are returned."""
    return [account for account in chosen if stop(account.pk, by=by, reason=reason, now=now)]


def resume_all(chosen: Iterable[Account], *, by: str, now: datetime) -> list[Account]:
    """Let each of these send again that is stopped: those are returned."""
    return [account for account in chosen if resume(account.pk, by=by, now=now)]
