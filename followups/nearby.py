"""What a member gets anyway around the time of a new follow-up: said when it is planned, so that nobody doubles it."""

from datetime import timedelta
from typing import Final

from django.db.models import Q

from followups.models import FollowUp, FollowUpStatus

SAME_WEEK: Final = timedelta(days=7)
SAME_WORDS: Final = timedelta(days=30)
MOST: Final = 5


def of(follow_up: FollowUp) -> list[FollowUp]:
    """Other follow-ups of the member, pending or sent, within a week of this one, or within 30 days with the same words
    of staff's; the nearest first. By idx_followups_user_status.
    """
    at, text = follow_up.scheduled_at, follow_up.trigger_data.get("text")
    near = Q(scheduled_at__range=(at - SAME_WEEK, at + SAME_WEEK))
    if text:
        near |= Q(scheduled_at__range=(at - SAME_WORDS, at + SAME_WORDS), trigger_data__text=text)
    others = FollowUp.objects.filter(
        near, user_id=follow_up.user_id, status__in=[FollowUpStatus.PENDING, FollowUpStatus.EXECUTED]
    )
    found = sorted(others.exclude(pk=follow_up.pk), key=lambda other: abs(other.scheduled_at - at))
    return found[:MOST]


def in_words(others: list[FollowUp], *, follow_up: FollowUp) -> str:
    """Warn of them in a sentence; empty when there are none."""
    if not others:
        return ""
    listed = ", ".join(f"{_kind(other, follow_up)} {other.scheduled_at:%Y-%m-%d %H:%M} UTC" for other in others)
    return f"The member also has: {listed}."


def _kind(other: FollowUp, follow_up: FollowUp) -> str:
    text = other.trigger_data.get("text")
    same = "the same words " if text and text == follow_up.trigger_data.get("text") else ""
    state = "sent" if other.status == FollowUpStatus.EXECUTED else "due"
    return f"{other.get_trigger_type_display().lower()}, {same}{state}"
