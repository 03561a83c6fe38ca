"""The mood that chooses a template: the mean of a member's last five scores."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from followups.models import MessageEmotion

LAST: Final = 5
HIGH_FROM: Final = 0.7
LOW_BELOW: Final = 0.4


class Mood(StrEnum):
    """As the seed's post-event templates tell them apart."""

    HIGH = "high"
    NEUTRAL = "neutral"
    LOW = "low"


def of_scores(scores: Sequence[float]) -> Mood:
    """Return the mood of some scores, each 0 to 1. A score of 0.0 counts; no score at all is neutral."""
    if not scores:
        return Mood.NEUTRAL
    mean = sum(scores) / len(scores)
    if mean >= HIGH_FROM:
        return Mood.HIGH
    return Mood.LOW if mean < LOW_BELOW else Mood.NEUTRAL


def last_scores(user_id: str) -> list[float]:
    """The member's last five scores, newest first; by idx_emotions_user_time."""
    rows = MessageEmotion.objects.filter(user_id=user_id).order_by("-sent_at")
    return list(rows.values_list("score", flat=True)[:LAST])


def of_member(user_id: str) -> Mood:
    """Return the member's mood now."""
    return of_scores(last_scores(user_id))
