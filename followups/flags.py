"""Flags: what a person of the staff must look at."""

from datetime import datetime
from pathlib import Path
from typing import Final

from followups.models import FlagKind, StaffFlag
from socialmedia.models import Message

_RAISE: Final = (Path(__file__).parent / "sql" / "raise_flag_v1.sql").read_text()


def raise_flag(
    *,
    kind: str,
    detail: str,
    user_id: str | None = None,
    subject: str = "",
    message: Message | None = None,
    now: datetime,
) -> StaffFlag:
    """Raise a flag, or count up the open one of the same member, kind and subject. One statement."""
    values = {
        "user_id": user_id,
        "kind": kind,
        "subject": subject,
        "message_id": None if message is None else message.pk,
        "detail": detail,
        "now": now,
    }
    (flag,) = StaffFlag.objects.raw(_RAISE, values)
    return flag


def settle(flag_id: int, *, by: str, note: str, now: datetime) -> bool:
    """Write down that somebody has dealt with it. False when it was settled before."""
    still_open = StaffFlag.objects.filter(pk=flag_id, settled_at=None)
    return still_open.update(settled_at=now, settled_by=by, note=note) == 1


def settle_harm(subject: str, *, by: str, note: str, now: datetime) -> None:
    """Close the flag about a text or a campaign that did harm: somebody has looked and decided."""
    still_open = StaffFlag.objects.filter(user=None, kind=FlagKind.HARM, subject=subject, settled_at=None)
    still_open.update(settled_at=now, settled_by=by, note=note)
