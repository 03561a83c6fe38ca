"""Hours as people write them."""

import pytest

from bots.cockpit import forms
from followups.preferences import BadPreference


class TestHour:
    @pytest.mark.parametrize(
        ("text", "hour"),
        [
            ("22", 22), (" 7 ", 7), ("07", 7), ("22:00", 22), ("22.00", 22), ("22h", 22), ("22 Uhr", 22), ("22h00", 22),
            ("10 pm", 22), ("10PM", 22), ("12 am", 0), ("12 p.m.", 12), ("24", 0), ("0", 0), ("9 o'clock", 9),
        ],
    )  # fmt: skip
    def test_reads_what_is_meant(self, text: str, hour: int) -> None:
        assert forms.hour(text) == hour

    @pytest.mark.parametrize("text", ["25", "22:30", "late", "-1", "13 pm", "0 am", "1e1", "२२:3", "9" * 50])
    def test_refuses_what_is_no_hour(self, text: str) -> None:
        with pytest.raises(BadPreference, match="no full hour of the day"):
            forms.hour(text)


class TestQuietHours:
    def test_are_none_when_both_are_empty(self) -> None:
        assert forms.quiet_hours(" ", "") is None

    def test_need_both_ends(self) -> None:
        with pytest.raises(BadPreference, match="both a beginning and an end"):
            forms.quiet_hours("22", "")
