"""Curves drawn."""

import json
import re
from itertools import pairwise

import pytest

from jobs import console
from socialmedia.admin import drawing
from socialmedia.metrics.curves import Kind, Point, Why

M, BETWEEN, GAP = Kind.MEASURED, Kind.INTERPOLATED, Kind.GAP


def points(*values: tuple[int | None, Kind]) -> list[Point]:
    return [
        Point(float(place), value, kind, Why.HIDDEN if value is None else None)
        for place, (value, kind) in enumerate(values)
    ]


def spots_of(*values: tuple[int | None, Kind], ages: int) -> dict[str, list[tuple[str, int | None]]]:
    """Each line's spots, by its name."""
    chart = drawing.lines("Views", "", range(ages), [("a", points(*values))])
    return {
        line["label"]: [(spot["x"], spot["y"]) for spot in line["data"]] for line in json.loads(chart.data)["datasets"]
    }


def joined(spots: list[tuple[str, int | None]]) -> set[tuple[str, str]]:
    """Which spots a line joins."""
    return {(a[0], b[0]) for a, b in pairwise(spots) if a[1] is not None and b[1] is not None}


class TestLines:
    def test_join_what_was_measured(self) -> None:
        found = spots_of((1, M), (2, M), (3, M), ages=3)
        assert joined(found["a"]) == {("Start", "1 h"), ("1 h", "2 h")}
        assert list(found) == ["a"]

    def test_do_not_join_over_a_gap(self) -> None:
        found = spots_of((1, M), (None, GAP), (3, M), (4, M), ages=4)
        assert joined(found["a"]) == {("2 h", "3 h")}
        assert ("Start", 1) in found["a"]  # a spot alone is still seen

    def test_are_dashed_where_a_value_lies_between_two(self) -> None:
        found = spots_of((1, M), (2, BETWEEN), (3, M), (4, M), ages=4)
        assert joined(found["a"]) == {("2 h", "3 h")}
        assert joined(found["a, estimated"]) == {("Start", "1 h"), ("1 h", "2 h")}
        assert ("1 h", 2) not in found["a"]

    def test_are_dashed_over_missed_checks(self) -> None:
        drawn = [*points((1, M)), Point(1.0, 5, M, missed=True)]
        chart = drawing.lines("Views", "", (0, 1), [("a", drawn)])
        solid, dashed = json.loads(chart.data)["datasets"]
        assert dashed["borderDash"]
        assert [spot["y"] for spot in dashed["data"]] == [1, 5]
        assert {spot["y"] for spot in solid["data"]} == {1, 5, None}

    def test_of_nothing_are_words(self) -> None:
        chart = drawing.lines("Views", "Nothing is known.", (0, 1), [("a", points((None, GAP), (None, GAP)))])
        assert (chart.data, chart.summary) == ("", "Nothing is known.")


class TestSparkline:
    def test_leaves_open_what_is_not_known(self) -> None:
        found = str(drawing.sparkline([1, 2, None, 4, 3], what="Views"))
        assert found.count("<polyline") == 2
        assert 'aria-label="Views: 1, 2, not known, 4, 3"' in found

    @pytest.mark.parametrize("values", [[], [1], [None, None], [None, 5]])
    def test_needs_two_values(self, values: list[int | None]) -> None:
        assert drawing.sparkline(values, what="Views") == console.NOTHING

    def test_stays_in_its_picture(self) -> None:
        for values in ([5, 5, 5], [0, 2**62], [9, 0, 9]):
            found = str(drawing.sparkline(values, what="Views"))
            numbers = [float(number) for number in re.findall(r"[\d.-]+(?=[ ,\"])", found.partition('points="')[2])]
            assert all(0 <= number <= drawing.WIDTH for number in numbers)


class TestAge:
    @pytest.mark.parametrize(
        ("hours", "words"),
        [(0, "Start"), (1, "1 h"), (24, "24 h"), (48, "2 d"), (720, "30 d"), (0.5, "0.5 h"), (50, "50 h")],
    )
    def test_is_said_shortly(self, hours: float, words: str) -> None:
        assert drawing.age_words(hours) == words
