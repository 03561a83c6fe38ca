"""The mood that chooses a template, and where it is going: from a member's last five scores."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import fmean
from typing import Final

from followups.models import MessageEmotion

LAST: Final = 5
HIGH_FROM: Final = 0.7
LOW_BELOW: Final = 0.4
_NOTABLE: Final = 0.15
_COMPARED: Final = 2


class Mood(StrEnum):
    """As the seed's post-event templates tell them apart."""

    HIGH = "high"
    NEUTRAL = "neutral"
    LOW = "low"


class Trend(StrEnum):
    """Where a mood is going."""

    IMPROVING = "improving"
    DECLINING = "declining"
    STABLE = "stable"


def mean(scores: Sequence[float]) -> float:
    """The mean of some scores, so rounded that three times 0.7 make 0.7."""
    return round(fmean(scores), 6)


def of_scores(scores: Iterable[float | None]) -> Mood:
    """Return the mood of some scores, each 0 to 1. A score of 0.0 counts; one that is missing does not, and no score
    at all is neutral.
    """
    known = [score for score in scores if score is not None]
    if not known:
        return Mood.NEUTRAL
    average = mean(known)
    if average >= HIGH_FROM:
        return Mood.HIGH
    return Mood.LOW if average < LOW_BELOW else Mood.NEUTRAL


def trend(scores: Sequence[float]) -> Trend:
    """Return where scores, the newest first, are going: the two newest against the two before them, or of two or three
    the newest against the oldest. A difference of more than 0.15 counts.
    """
    if len(scores) >= 2 * _COMPARED:
        difference = mean(scores[:_COMPARED]) - mean(scores[_COMPARED : 2 * _COMPARED])
    elif len(scores) >= _COMPARED:
        difference = scores[0] - scores[-1]
    else:
        return Trend.STABLE
    if round(abs(difference), 6) <= _NOTABLE:
        return Trend.STABLE
    return Trend.IMPROVING if difference > 0 else Trend.DECLINING


def last_scores(user_id: str) -> list[float]:
    """The member's last five scores, newest first; by idx_emotions_user_time."""
    rows = MessageEmotion.objects.filter(user_id=user_id).order_by("-sent_at", "-message_id")
    return list(rows.values_list("score", flat=True)[:LAST])


def of_member(user_id: str) -> Mood:
    """Return the member's mood now."""
    return of_scores(last_scores(user_id))
