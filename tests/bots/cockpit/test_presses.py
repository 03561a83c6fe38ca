"""Custom ids: what is written can be read, and whatever else comes is survived."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.cockpit import presses
from bots.cockpit.presses import Press

NOON = datetime(2026, 11, 18, 12, 0, 0, 999, tzinfo=UTC)


class TestRead:
    @pytest.mark.parametrize(
        ("custom_id", "press"),
        [
            (presses.skip("abc"), Press("skip", "abc")),
            (presses.turn_on("2026-11-23"), Press("on", "2026-11-23")),
            (presses.less_often(96), Press("less", "96")),
            (presses.STOP, Press("stop")),
            (presses.page(presses.SETTINGS), Press("page", "settings")),
            (presses.FORM, Press("quiet")),
        ],
    )
    def test_returns_what_was_written(self, custom_id: str, press: Press) -> None:
        assert presses.read(custom_id) == press

    def test_keeps_when_the_follow_up_was_due(self) -> None:
        press = presses.read(presses.snooze("a:b", due_at=NOON), ["3"])
        assert (press.kind, press.number) == ("snooze", 3)
        assert presses.snoozed(press.argument) == (int(NOON.timestamp()), "a:b")

    def test_keeps_what_the_form_is_filled_with(self) -> None:
        press = presses.read(presses.form(quiet=(22, 7), zone="America/Argentina/ComodRivadavia"))
        assert press.kind == "form"
        filled = {"quiet_start": "22", "quiet_end": "7", "zone": "America/Argentina/ComodRivadavia"}
        assert presses.form_values(press.argument) == filled

    @given(st.text(max_size=100), st.lists(st.text(max_size=100), max_size=3))
    def test_survives_anything(self, custom_id: str, values: list[str]) -> None:
        press = presses.read(custom_id, values)
        presses.snoozed(press.argument)
        presses.form_values(press.argument)
        assert press.number is None or press.number >= 0

    def test_fits_into_discords_limit(self) -> None:
        assert len(presses.form(quiet=(22, 10), zone="x" * 64)) <= presses.LONGEST
        assert len(presses.snooze("f" * 36, due_at=NOON)) <= presses.LONGEST
