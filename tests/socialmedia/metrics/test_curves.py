"""Curves: what is known, what lies between, and what nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia.metrics import curves
from socialmedia.metrics.curves import Kind, Point, Sample, Why

AGES = (0.0, 1.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0, 720.0)

# Whole seconds: nobody looks twice within one, and the smallest floats have no distance from each other.
hours = st.integers(min_value=0, max_value=3_600_000).map(lambda seconds: seconds / 3600)
numbers = st.integers(min_value=0, max_value=2**62)
ages = st.lists(hours, min_size=1, max_size=12, unique=True).map(sorted)


def samples(*pairs: tuple[float, int | None]) -> list[Sample]:
    return [Sample(at, value) for at, value in pairs]


@st.composite
def histories(draw: st.DrawFn) -> list[Sample]:
    """Samples some of which show nothing."""
    times = draw(st.lists(hours, min_size=1, max_size=12, unique=True))
    whys = st.sampled_from([Why.HIDDEN, Why.UNAVAILABLE])
    return [Sample(at, draw(st.none() | numbers), draw(whys), draw(st.integers(1, 4))) for at in times]


class TestAt:
    def test_is_measured_where_a_check_was_made(self) -> None:
        found = curves.at(samples((0, 10), (1.1, 50), (6, 90)), 1)
        assert found == Point(1, 50, Kind.MEASURED)

    def test_lies_between_two_checks_where_one_came_late(self) -> None:
        assert curves.at(samples((0, 10), (2, 50)), 1) == Point(1, 30, Kind.INTERPOLATED)

    @pytest.mark.parametrize(("age", "why"), [(1, Why.BEFORE), (100, Why.AFTER)])
    def test_never_goes_on_beyond_what_was_measured(self, age: float, why: Why) -> None:
        assert curves.at(samples((10, 10), (20, 50)), age) == Point(age, None, Kind.GAP, why)

    @pytest.mark.parametrize("why", [Why.HIDDEN, Why.UNAVAILABLE])
    @pytest.mark.parametrize("age", [9, 10, 11])
    def test_bridges_nothing_that_was_not_shown(self, why: Why, age: float) -> None:
        found = curves.at([Sample(0, 10), Sample(10, None, why), Sample(20, 30)], age)
        assert found == Point(age, None, Kind.GAP, why)

    @pytest.mark.parametrize("age", [20, 21, 500])
    def test_says_that_the_last_look_showed_nothing(self, age: float) -> None:
        assert curves.at([Sample(0, 10), Sample(20, None)], age).why is Why.UNAVAILABLE

    def test_marks_the_way_over_missed_checks(self) -> None:
        # ORIGINS 8.19: down for days, one snapshot stands for all the checks that were missed.
        history = [Sample(0, 10), Sample(1, 20), Sample(72, 730, covers=5)]
        found = curves.curve(history, (0, 1, 6, 72))
        assert [(point.value, point.kind, point.missed) for point in found] == [
            (10, Kind.MEASURED, False),
            (20, Kind.MEASURED, False),
            (70, Kind.INTERPOLATED, True),
            (730, Kind.MEASURED, True),
        ]

    def test_knows_nothing_of_a_post_without_snapshots(self) -> None:
        assert curves.curve([], (0, 1)) == [Point(age, None, Kind.GAP, Why.AFTER) for age in (0, 1)]

    @given(histories(), ages)
    def test_stays_between_its_neighbors(self, history: list[Sample], at: list[float]) -> None:
        known = sorted((sample for sample in history if sample.value is not None), key=lambda sample: sample.hours)
        for point in curves.curve(history, at):
            assert (point.value is None) == (point.kind is Kind.GAP) == (point.why is not None)
            if point.kind is Kind.INTERPOLATED:
                before = [sample for sample in known if sample.hours < point.hours][-1]
                after = next(sample for sample in known if sample.hours > point.hours)
                low, high = sorted((before.value or 0, after.value or 0))
                assert low <= (point.value or 0) <= high
            elif point.kind is Kind.MEASURED:
                assert point.value in {sample.value for sample in known}

    @given(st.lists(hours, max_size=12, unique=True), ages)
    def test_a_hidden_counter_has_no_number_anywhere(self, times: list[float], at: list[float]) -> None:
        history = [Sample(time, None, Why.HIDDEN) for time in times]
        assert all(point.value is None and point.kind is Kind.GAP for point in curves.curve(history, at))

    @given(st.lists(hours, max_size=12, unique=True), st.lists(numbers, min_size=12, max_size=12), ages)
    def test_never_falls_where_nothing_fell(self, times: list[float], values: list[int], at: list[float]) -> None:
        history = [Sample(time, value) for time, value in zip(sorted(times), sorted(values), strict=False)]
        found = [point.value for point in curves.curve(history, at) if point.value is not None]
        assert found == sorted(found)

    @given(histories(), ages)
    def test_does_not_depend_on_the_order_of_the_rows(self, history: list[Sample], at: list[float]) -> None:
        assert curves.curve(history, at) == curves.curve(history[::-1], at)


class TestMedianCurve:
    def test_is_the_middle_where_enough_are_known(self) -> None:
        drawn = [curves.curve(samples((0, value), (10, 10 * value)), (0, 10)) for value in (1, 2, 30)]
        assert [point.value for point in curves.median_curve(drawn, (0, 10), least=3)] == [2, 20]

    def test_is_a_gap_where_too_few_are_known(self) -> None:
        drawn = [curves.curve(samples((0, 1), (end, 9)), (0, 10)) for end in (10, 10, 5)]
        assert [point.value for point in curves.median_curve(drawn, (0, 10), least=3)] == [1, None]

    def test_of_nothing_has_nothing(self) -> None:
        assert [point.value for point in curves.median_curve([], AGES)] == [None] * len(AGES)
