"""What a follow-up did to its member: opted out, refused messages, left or answered unhappily within 24 hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from followups.models import ConsentReceipt, ConsentState, FollowUpHistory, Harm, UserProfile

WITHIN: Final = timedelta(hours=24)


def note(user_id: str, kind: Harm, *, at: datetime) -> bool:
    """Charge the latest follow-up that had reached the member in the 24 hours up to `at`. Only the first harm of a
    follow-up is kept. False when there is none to charge. By idx_follow_up_user_time.
    """
    reached = FollowUpHistory.objects.filter(user_id=user_id, sent_at__lte=at, sent_at__gte=at - WITHIN)
    latest = reached.order_by("-sent_at", "-pk").values_list("pk", flat=True).first()
    return latest is not None and _charge(latest, kind, at=at)


def note_all(user_ids: Sequence[str], kind: Harm, *, at: datetime) -> int:
    """The same for many members at once, of whom few were written to in that time. Returns how many were charged."""
    reached = FollowUpHistory.objects.filter(user_id__in=user_ids, sent_at__lte=at, sent_at__gte=at - WITHIN)
    reached_ids = reached.order_by("user_id").values_list("user_id", flat=True).distinct()
    return sum(note(each, kind, at=at) for each in reached_ids)


def note_earlier(sent: FollowUpHistory) -> None:
    """Charge a follow-up that has just been recorded with what the member did between its arrival and its record.
    Needs the member's row locked.
    """
    happened = [(at, kind) for kind, at in _leavings(sent.user_id) if sent.sent_at < at <= sent.sent_at + WITHIN]
    if happened:
        at, kind = min(happened)
        _charge(sent.pk, kind, at=at)


def _leavings(user_id: str) -> list[tuple[Harm, datetime]]:
    profile = UserProfile.objects.only("unreachable_since", "left_at").get(pk=user_id)
    receipt = ConsentReceipt.objects.filter(user_id=user_id).order_by("-id").first()
    withdrawn = receipt is not None and receipt.state == ConsentState.WITHDRAWN
    times = [
        (Harm.OPT_OUT, receipt.recorded_at if receipt is not None and withdrawn else None),
        (Harm.BLOCK, profile.unreachable_since),
        (Harm.LEFT, profile.left_at),
    ]
    return [(kind, at) for kind, at in times if at is not None]


def _charge(history_id: int, kind: Harm, *, at: datetime) -> bool:
    return FollowUpHistory.objects.filter(pk=history_id, harm="").update(harm=kind, harm_at=at) == 1
