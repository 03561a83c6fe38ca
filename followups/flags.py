"""Flags: what a person of the staff must look at."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from followups.models import StaffFlag
from socialmedia.models import Message


def raise_flag(
    *,
    kind: str,
    detail: str,
    user_id: str | None = None,
    subject: str = "",
    message: Message | None = None,
    now: datetime,
) -> StaffFlag:
    """Raise a flag, or count up the open one of the same member, kind and subject."""
    while True:
        if _count_up(kind, detail, user_id, subject, message, now=now):
            return StaffFlag.objects.get(user_id=user_id, kind=kind, subject=subject, settled_at=None)
        try:
            with transaction.atomic():
                return StaffFlag.objects.create(
                    user_id=user_id,
                    kind=kind,
                    subject=subject,
                    message=message,
                    detail=detail,
                    raised_at=now,
                    last_raised_at=now,
                )
        except IntegrityError:
            continue  # somebody else has raised it since; should they settle it at once, it is raised anew


def settle(flag_id: int, *, by: str, note: str, now: datetime) -> bool:
    """Write down that somebody has dealt with it. False when it was settled before."""
    still_open = StaffFlag.objects.filter(pk=flag_id, settled_at=None)
    return still_open.update(settled_at=now, settled_by=by, note=note) == 1


def _count_up(
    kind: str, detail: str, user_id: str | None, subject: str, message: Message | None, *, now: datetime
) -> bool:
    same = StaffFlag.objects.filter(user_id=user_id, kind=kind, subject=subject, settled_at=None)
    return same.update(times=F("times") + 1, detail=detail, message=message, last_raised_at=now) == 1
