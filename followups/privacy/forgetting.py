"""Forgetting a member for good: everything about them goes, in one transaction; a receipt without a name stays."""

import uuid
from collections import Counter
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.db.models import QuerySet

from followups import cancelling
from followups.models import ErasureReceipt, FollowUp, UserProfile
from followups.privacy import digests, redaction
from followups.privacy.holdings import HOLDINGS, console_log, lock_conversations, table_of
from followups.privacy.redaction import Redactor
from jobs.models import JobExecution, Report, ScheduledJob
from socialmedia.models import Account


class CannotForget(ValueError):
    """This is nobody to forget; the message says why."""


def forget(*, user_id: str, source: str, evidence: str, actor: str, now: datetime) -> ErasureReceipt:
    """Erase everything about the member, and name them nowhere any more: not in jobs of others, not in the console's
    log. Of two at once, the second finds nobody. A message that is on the wire at this moment cannot be called back;
    its outcome then has nowhere to be written. Whoever writes again later is a stranger without consent.

    What others wrote about them, sums over many, and files outside of the database (logs, backups) stay.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known (any more).
        CannotForget: it is one of our own accounts.
    """
    with transaction.atomic():
        _take_turn("pg_advisory_xact_lock")
        member = _lock(user_id)
        lock_conversations(member)
        redactor = _redactor_of(member)
        receipt = ErasureReceipt(
            digest=digests.digest(user_id),
            source=source,
            evidence=redactor.text(evidence),
            actor="member" if actor == user_id else actor,
        )
        cancelling.cancel_pending(user_id, reason="forgotten", now=now)
        for holding in HOLDINGS:
            if holding.before_erasure is not None:
                holding.before_erasure(member, now)
        receipt.counts = _erase(member, redactor)
        receipt.save(force_insert=True)
        receipt.refresh_from_db()
        return receipt


def hold_off() -> None:
    """Let nobody be forgotten until this transaction ends: who was looked up as not forgotten stays so."""
    _take_turn("pg_advisory_xact_lock_shared")


def hold_off_at_once() -> bool:
    """The same without waiting. False while somebody is being forgotten."""
    return _take_turn("pg_try_advisory_xact_lock_shared") is True


def _take_turn(lock: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtextextended('checkback.forgetting', 0))")
        return cursor.fetchone()[0]


def _lock(user_id: str) -> UserProfile:
    """Lock the account, then the member, as the bot does when it meets somebody. Whoever changes something about the
    member meanwhile either has finished, and it is erased, or finds nobody.
    """
    account_id = UserProfile.objects.values_list("account_id", flat=True).get(pk=user_id)
    account = Account.objects.select_for_update().filter(pk=account_id).first()
    if account is not None and account.is_own:
        raise CannotForget(f"{account} is one of our own accounts, not a member.")
    # Not members.lock: the row goes, so those who only refer to it are waited for, too.
    return UserProfile.objects.select_for_update(of=("self",)).select_related("account").get(pk=user_id)


def _redactor_of(member: UserProfile) -> Redactor:
    names = {member.name, member.account.username, member.account.display_name} - {"", member.user_id}
    return Redactor(member.user_id, tuple(names), stand_in=f"forgotten-{uuid.uuid4().hex[:12]}")


def _erase(member: UserProfile, redactor: Redactor) -> dict[str, int]:
    """Delete and redact everything; table -> rows."""
    with connection.cursor() as cursor:
        # Lets the database delete this one member's receipts, until the transaction ends.
        cursor.execute("SELECT set_config('checkback.forgetting', %s, true)", [member.user_id])
    redacted = Counter({table_of(LogEntry): _redact_console_log(member, redactor)})
    erased: Counter[str] = Counter()
    for rows in [*_other_jobs(member), *(holding.rows(member) for holding in HOLDINGS)]:
        erased += _delete(rows)
    redacted.update(redaction.redact_kept(redactor))
    erased.update(redaction.drop_tasks(redactor))
    return {**erased, **{f"{table} (redacted)": count for table, count in redacted.items() if count}}


def _redact_console_log(member: UserProfile, redactor: Redactor) -> int:
    """Staff's acts stay; whom they were about does not. The words of a row may quote the member, so they go whole."""
    about = LogEntry.objects.filter(pk__in=list(console_log(member).values_list("pk", flat=True)))
    return about.update(object_id=None, object_repr=redactor.stand_in, change_message="")


def _other_jobs(member: UserProfile) -> list[QuerySet[Any]]:
    """Further jobs of their follow-ups, such as those that write drafts, with attempts and reports."""
    follow_ups = list(FollowUp.objects.filter(user=member).values_list("pk", flat=True))
    if not follow_ups:
        return []
    jobs = list(ScheduledJob.objects.filter(payload__follow_up_id__in=follow_ups).values_list("job_id", flat=True))
    return [
        Report.objects.filter(job_id__in=jobs),
        JobExecution.objects.filter(job_id__in=jobs),
        ScheduledJob.objects.filter(job_id__in=jobs),
    ]


def _delete(rows: QuerySet[Any]) -> Counter[str]:
    _, by_model = rows.delete()
    return Counter({table_of(apps.get_model(label)): count for label, count in by_model.items() if count})
