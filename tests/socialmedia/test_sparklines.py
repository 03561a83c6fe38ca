"""Curves in one line of text."""

import pytest

from socialmedia import sparklines


class TestDraw:
    @pytest.mark.parametrize(
        ("values", "drawn"),
        [
            ([], ""),
            ([None, None], "  "),
            ([7, 7], "▁▁"),
            ([0, 50, 100], "▁▅█"),
            ([10, None, 3], "█ ▁"),
            ([0, 2**40], "▁█"),
        ],
    )
    def test_rises_with_the_values_and_leaves_gaps(self, values: list[float | None], drawn: str) -> None:
        assert sparklines.draw(values) == drawn
