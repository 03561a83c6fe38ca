"""Moods and trends."""

import pytest

from followups import moods
from followups.models import MessageEmotion
from tests.followups.factories import HOUR, NOON, make_member, say


class TestOfScores:
    @pytest.mark.parametrize(
        ("scores", "mood"),
        [
            ([0.0] * 5, "low"),
            ([], "neutral"),
            ([None, None], "neutral"),
            ([0.39], "low"),
            ([0.4], "neutral"),
            ([0.4] * 3, "neutral"),
            ([0.69], "neutral"),
            ([0.7], "high"),
            ([0.7] * 3, "high"),
            ([1.0], "high"),
            ([0.0, None, 0.7], "low"),
            ([0.0, 0.8], "neutral"),
        ],
    )
    def test_counts_every_score_there_is(self, scores: list[float | None], mood: str) -> None:  # ORIGINS 8.13
        assert moods.of_scores(scores) == mood


class TestTrend:
    @pytest.mark.parametrize(
        ("scores", "trend"),
        [
            ([], "stable"),
            ([0.1], "stable"),
            ([0.8, 0.2], "improving"),
            ([0.2, 0.8], "declining"),
            ([0.65, 0.5], "stable"),  # 0.15 is not more than 0.15
            ([0.66, 0.5], "improving"),
            ([0.5, 0.9, 0.3], "improving"),
            ([0.9, 0.9, 0.1, 0.1], "improving"),
            ([0.1, 0.1, 0.9, 0.9], "declining"),
            ([0.9, 0.1, 0.5, 0.5], "stable"),
            ([0.5, 0.5, 0.5, 0.5, 0.0], "stable"),
        ],
    )
    def test_compares_the_newest_with_those_before(self, scores: list[float], trend: str) -> None:  # ORIGINS 3.6
        assert moods.trend(scores) == trend


@pytest.mark.django_db
class TestLastScores:
    def test_are_five_by_the_time_of_writing(self) -> None:
        member = make_member()
        for hours in (1, 7, 3, 2, 6, 4, 5):
            message = say(member, f"words {hours}", at=NOON - hours * HOUR)
            MessageEmotion.objects.filter(pk=message.pk).update(score=hours / 10)
        assert moods.last_scores(member.pk) == [0.1, 0.2, 0.3, 0.4, 0.5]
        assert moods.of_member(member.pk) == "low"

    def test_are_nobody_elses(self) -> None:
        say(make_member(), "I hate this, everything is broken")
        assert moods.last_scores(make_member().pk) == []
