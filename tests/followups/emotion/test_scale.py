"""The scales."""

import pytest

from followups import emotion
from followups.emotion import Emotion, Label, Reading


def reading(score: float, confidence: float = 1.0) -> Reading:
    """A reading of some score."""
    return Reading(score=score, category=Emotion.NEUTRAL, intensity=0.0, confidence=confidence)


class TestLabel:
    @pytest.mark.parametrize(
        ("score", "label"),
        [
            (0.0, Label.NEGATIVE),
            (0.39, Label.NEGATIVE),
            (0.4, Label.NEUTRAL),
            (0.6, Label.NEUTRAL),
            (0.61, Label.POSITIVE),
            (1.0, Label.POSITIVE),
        ],
    )
    def test_has_its_limits(self, score: float, label: Label) -> None:  # ORIGINS 3.6
        assert emotion.label_of(score) is label


class TestEscalates:
    def test_needs_a_low_score_and_certainty(self) -> None:  # ORIGINS 3.6: below 0.3
        assert reading(0.29).escalates
        assert reading(0.0).escalates
        assert not reading(0.3).escalates
        assert not reading(0.1, confidence=0.59).escalates


class TestScoreOfCategory:
    def test_is_the_table_of_origins(self) -> None:  # ORIGINS C20
        scores = {name: emotion.score_of_category(name) for name in Emotion}
        assert scores == {
            "angry": 0.1,
            "frustrated": 0.2,
            "sad": 0.25,
            "disappointed": 0.3,
            "worried": 0.35,
            "neutral": 0.5,
            "curious": 0.6,
            "happy": 0.8,
            "grateful": 0.85,
            "excited": 0.9,
        }

    def test_is_neutral_for_what_nobody_knows(self) -> None:
        assert emotion.score_of_category("melancholic") == 0.5


class TestCategoryOfScore:
    def test_follows_the_label(self) -> None:  # ORIGINS 1.7: positive -> happy, negative -> sad
        assert [emotion.category_of_score(score) for score in (0.0, 0.5, 1.0)] == ["sad", "neutral", "happy"]
