from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import backoff
from tests.jobs.factories import NOW


class TestDelay:
    @pytest.mark.parametrize(
        ("retry_count", "minutes"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (5, 60), (50, 60)]
    )
    def test_doubles_from_five_minutes_to_an_hour(self, retry_count: int, minutes: int) -> None:
        assert backoff.delay(retry_count) == timedelta(minutes=minutes)


class TestRetryAt:
    def test_adds_a_tenth_of_the_delay_at_most(self) -> None:
        assert backoff.retry_at(now=NOW, retry_count=0, jitter=0.0) == NOW + timedelta(minutes=5)
        assert backoff.retry_at(now=NOW, retry_count=0, jitter=1.0) == NOW + timedelta(minutes=5, seconds=30)


class TestAnyRetry:
    @given(retry_count=st.integers(0, 10**6), jitter=st.floats(0, 1))
    def test_waits_five_minutes_to_an_hour_and_at_most_a_tenth_more(self, retry_count: int, jitter: float) -> None:
        wait = backoff.retry_at(now=NOW, retry_count=retry_count, jitter=jitter) - NOW
        assert timedelta(minutes=5) <= backoff.delay(retry_count) <= timedelta(hours=1)
        assert backoff.delay(retry_count) <= wait <= backoff.delay(retry_count) * 1.1

    @given(retry_count=st.integers(0, 10**6))
    def test_waits_no_shorter_than_the_one_before(self, retry_count: int) -> None:
        assert backoff.delay(retry_count) <= backoff.delay(retry_count + 1) <= 2 * backoff.delay(retry_count)
