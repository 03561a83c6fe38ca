"""The scales on which a message is read: a score, three labels and the seed documents' ten emotions. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NEGATIVE_BELOW: Final = 0.4
POSITIVE_ABOVE: Final = 0.6
ESCALATE_BELOW: Final = 0.3
CONFIDENT_FROM: Final = 0.4
"""From here on a reading is more than a guess: it may count as harm, and nobody else is asked."""
CERTAIN_FROM: Final = 0.6
"""From here on one message alone may call a person."""


class Emotion(StrEnum):
    """The seed documents' ten."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    EXCITED = "excited"
    FRUSTRATED = "frustrated"
    ANGRY = "angry"
    SAD = "sad"
    DISAPPOINTED = "disappointed"
    CURIOUS = "curious"
    WORRIED = "worried"
    GRATEFUL = "grateful"


class Label(StrEnum):
    """The three halves of the scale."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


SCORE_OF: Final = {
    Emotion.ANGRY: 0.1,
    Emotion.FRUSTRATED: 0.2,
    Emotion.SAD: 0.25,
    Emotion.DISAPPOINTED: 0.3,
    Emotion.WORRIED: 0.35,
    Emotion.NEUTRAL: 0.5,
    Emotion.CURIOUS: 0.6,
    Emotion.HAPPY: 0.8,
    Emotion.GRATEFUL: 0.85,
    Emotion.EXCITED: 0.9,
}
UNHAPPY: Final = frozenset({Emotion.FRUSTRATED, Emotion.ANGRY, Emotion.SAD, Emotion.DISAPPOINTED})
"""The seed's negative set: each counts the member's `escalation_count` up. Worry does not."""
CHEERFUL: Final = frozenset({Emotion.HAPPY, Emotion.EXCITED, Emotion.GRATEFUL})
"""The seed's positive set: each counts it down."""


@dataclass(frozen=True)
class Reading:
    """How a message sounded: a hint, not a verdict."""

    score: float
    """0 very unhappy to 1 very happy."""
    category: Emotion
    intensity: float
    """0 to 1."""
    confidence: float
    """0 to 1; 0 says that it could not be read at all."""
    cues: tuple[str, ...] = ()
    """At most five words that say so."""

    @property
    def label(self) -> Label:
        """Negative below 0.4, positive above 0.6."""
        return label_of(self.score)

    @property
    def is_confident(self) -> bool:
        """Whether it is more than a guess."""
        return self.confidence >= CONFIDENT_FROM

    @property
    def is_unhappy(self) -> bool:
        """Whether it is negative, and more than a guess."""
        return self.label is Label.NEGATIVE and self.is_confident

    @property
    def escalates(self) -> bool:
        """Whether a person should look at it."""
        return self.score < ESCALATE_BELOW and self.confidence >= CERTAIN_FROM


UNREAD: Final = Reading(score=0.5, category=Emotion.NEUTRAL, intensity=0.0, confidence=0.0)
"""What could not be read: neutral. A failure to read is never unhappiness."""


def label_of(score: float) -> Label:
    """Return the label of a score."""
    if score < NEGATIVE_BELOW:
        return Label.NEGATIVE
    return Label.POSITIVE if score > POSITIVE_ABOVE else Label.NEUTRAL


def score_of_category(category: str) -> float:
    """Return the score where only the emotion is known; an unknown one is neutral."""
    return SCORE_OF[Emotion(category)] if category in set(Emotion) else SCORE_OF[Emotion.NEUTRAL]


def category_of_score(score: float) -> Emotion:
    """Return the emotion where only the score is known."""
    return {Label.NEGATIVE: Emotion.SAD, Label.NEUTRAL: Emotion.NEUTRAL, Label.POSITIVE: Emotion.HAPPY}[label_of(score)]
