"""What a failed check says of its post, and when to look again."""

from datetime import timedelta

import pytest

from socialmedia.providers.base import Gone, NotConfigured, NotOffered, ProviderError, Refused, TooMany, Unreachable
from socialmedia.tracking import failing
from socialmedia.tracking.failing import Record, Verdict
from tests.socialmedia.factories import NOON

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GONE, UNREACHABLE = Gone("It is gone."), Unreachable("No answer.")


def judge(error: ProviderError, before: Record, jitter: float = 0, at: timedelta = timedelta(0)) -> Verdict:
    """At some time after noon."""
    return failing.judge(error, before, ends_at=NOON + HOUR, now=NOON + at, jitter=jitter)


class TestJudge:
    def test_waits_longer_for_each_time_nobody_answers(self) -> None:
        waits = [judge(UNREACHABLE, Record(failed)).retry_at - NOON for failed in (0, 1, 2, 5, 6, 7, 9_999)]
        assert waits == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 160 * MINUTE, 320 * MINUTE, 6 * HOUR, 6 * HOUR]

    def test_scatters_a_crowd_by_a_tenth(self) -> None:
        assert judge(UNREACHABLE, Record(), jitter=1).retry_at - NOON == 5.5 * MINUTE
        assert judge(GONE, Record(), jitter=1).retry_at - NOON == 16.5 * MINUTE

    def test_counts_every_kind_of_silence_to_the_post(self) -> None:
        assert judge(ProviderError("Odd."), Record(1, 1, NOON)).record == Record(2, 1, NOON)

    def test_believes_three_answers_over_an_hour_that_a_post_is_gone(self) -> None:
        record, told = Record(), []
        for minutes in (0, 15, 75):
            verdict = judge(GONE, record, at=minutes * MINUTE)
            record = verdict.record
            told.append((verdict.is_dead, verdict.retry_at - NOON - minutes * MINUTE))
        assert told == [(False, 15 * MINUTE), (False, HOUR), (True, 3 * HOUR)]
        assert record == Record(3, 3, NOON)

    def test_does_not_believe_three_answers_within_an_hour(self) -> None:
        verdict = judge(GONE, Record(2, 2, NOON), at=59 * MINUTE)
        assert (verdict.is_dead, verdict.record.gone) == (False, 3)
        assert judge(GONE, verdict.record, at=60 * MINUTE).is_dead

    def test_gives_up_a_week_after_the_last_planned_check(self) -> None:
        week = 7 * 24 * HOUR
        assert not judge(UNREACHABLE, Record(30), at=week).is_dead
        assert judge(UNREACHABLE, Record(30), at=week + HOUR).is_dead
        assert not judge(Refused("No."), Record(30), at=week + HOUR).is_dead

    @pytest.mark.parametrize(
        ("error", "wait"),
        [
            (TooMany("Later.", retry_after=40 * MINUTE), 40 * MINUTE),
            (TooMany("Later.", retry_after=timedelta(0)), timedelta(seconds=1)),
            (TooMany("Later.", retry_after=timedelta(hours=14)), HOUR),  # staff may end a stop before
            (Refused("No."), 15 * MINUTE),
            (NotConfigured("No key."), 15 * MINUTE),
            (NotOffered("Not here."), 15 * MINUTE),
        ],
    )
    def test_does_not_hold_the_providers_faults_against_the_post(self, error: ProviderError, wait: timedelta) -> None:
        before = Record(4, 2, NOON - HOUR)
        assert judge(error, before) == Verdict(before, NOON + wait)
