"""Drawing the cockpit's panel within Discord's limits."""

from dataclasses import replace

import pytest

from bots.cockpit import layout, presses
from bots.cockpit.standing import Standing
from bots.panels import PANELS, cockpit
from bots.practice import components
from tests.bots.cockpit.test_wording import DAY, NOON, ON, WORST


class TestDraw:
    @pytest.mark.parametrize("page", [presses.HOME, presses.SETTINGS, presses.LAST_WORD])
    @pytest.mark.parametrize("standing", [Standing(is_on=False), ON, WORST, replace(ON, paused_until=NOON + DAY)])
    async def test_is_something_that_discord_takes(self, standing: Standing, page: str) -> None:
        view = cockpit.draw(layout.rows(standing, page))
        assert view.is_persistent()
        components.check_message(view.to_components())

    def test_is_known_by_its_name(self) -> None:
        assert PANELS["cockpit"].draw is cockpit.draw

    async def test_makes_a_form_that_discord_takes(self) -> None:
        form = cockpit.QuietForm(presses.form_values(presses.read(presses.form(quiet=None, zone="")).argument))
        components.check_form(form.to_dict())
