"""Intervals, against the numbers that Newcombe printed in 1998."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.analytics import intervals
from followups.analytics.intervals import Share


class TestShare:
    @pytest.mark.parametrize(
        ("hits", "of", "low", "high"),
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
    )
    def test_has_the_textbook_interval(self, hits: int, of: int, low: float, high: float) -> None:
        found = Share(hits, of).interval()
        assert found is not None
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.00005)

    def test_of_nothing_has_none(self) -> None:  # ORIGINS 8.11
        assert Share(0, 0).value is None
        assert Share(0, 0).interval() is None

    @given(st.integers(1, 10**7).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
    def test_lies_in_its_interval_and_that_between_0_and_1(self, pair: tuple[int, int]) -> None:
        share = Share(*pair)
        found = share.interval()
        assert found is not None
        assert share.value is not None
        assert 0 <= found.low <= share.value <= found.high <= 1

    def test_is_surer_of_more(self) -> None:
        few, many = Share(3, 10).interval(), Share(300, 1000).interval()
        assert few is not None
        assert many is not None
        assert many.high - many.low < few.high - few.low

    def test_is_wider_when_it_must_be_surer(self) -> None:
        usual, surer = Share(3, 10).interval(), Share(3, 10).interval(confidence=0.99)
        assert usual is not None
        assert surer is not None
        assert surer.low < usual.low < usual.high < surer.high


class TestDifference:
    @pytest.mark.parametrize(
        ("first", "second", "low", "high"),
        [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ],
    )
    def test_has_the_textbook_interval(
        self, first: tuple[int, int], second: tuple[int, int], low: float, high: float
    ) -> None:
        found = intervals.difference(Share(*first), Share(*second))
        assert found is not None
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.00005)

    @pytest.mark.parametrize(("first", "second"), [((0, 0), (1, 2)), ((1, 2), (0, 0)), ((0, 0), (0, 0))])
    def test_of_nothing_has_none(self, first: tuple[int, int], second: tuple[int, int]) -> None:
        assert intervals.difference(Share(*first), Share(*second)) is None

    def test_says_whether_there_may_be_none(self) -> None:
        assert intervals.difference(Share(5, 56), Share(0, 29)).has_zero  # type: ignore[union-attr]
        assert not intervals.difference(Share(9, 10), Share(3, 10)).has_zero  # type: ignore[union-attr]
