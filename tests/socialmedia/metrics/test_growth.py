"""Growth of counters."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from socialmedia.metrics import growth
from socialmedia.metrics.growth import Growth
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR


def values(*pairs: tuple[float, int | None]) -> list[tuple[datetime, int | None]]:
    return [(NOON + hours * HOUR, value) for hours, value in pairs]


class TestOverall:
    def test_is_the_last_minus_the_first_by_the_hour(self) -> None:
        assert growth.overall(values((0, 100), (1, 150), (7, 250))) == Growth(150, 21.43)

    def test_leaves_out_what_the_network_hides(self) -> None:
        # ORIGINS 8.22: an absent counter is no 0, and growth ignores it.
        assert growth.overall(values((0, None), (1, 100), (2, 140), (9, None))) == Growth(40, 40.0)

    def test_knows_nothing_of_a_counter_that_was_never_shown(self) -> None:
        assert growth.overall(values((0, None), (1, None))) is None
        assert growth.overall([]) is None

    def test_is_nothing_by_the_hour_when_no_time_passed(self) -> None:
        assert growth.overall(values((0, 100))) == Growth(0, 0.0)
        assert growth.overall(values((0, 100), (0, 120))) == Growth(20, 0.0)

    def test_is_negative_when_a_counter_fell(self) -> None:
        assert growth.overall(values((0, 100), (2, 90))) == Growth(-10, -5.0)

    @given(st.lists(st.none() | st.integers(0, 2**62), max_size=10))
    def test_only_looks_at_the_two_ends(self, counters: list[int | None]) -> None:
        known = [value for value in counters if value is not None]
        found = growth.overall(values(*enumerate(counters)))
        assert (found.change if found else None) == (known[-1] - known[0] if known else None)


class TestLatest:
    def test_is_since_the_known_value_before(self) -> None:
        assert growth.latest(values((0, 1), (1, 100), (2, None), (6, 90))) == Growth(-10, -2.0)

    def test_needs_two_of_them(self) -> None:
        assert growth.latest(values((0, 1), (1, None))) is None
