"""The console's page of the bots."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bots.governor import controls, openings
from bots.models import BotControl
from tests.config.factories import make_staff
from tests.socialmedia.factories import make_bot, make_conversation, make_person, make_reply

pytestmark = pytest.mark.django_db

LIST = "admin:bots_botcontrol_changelist"


@pytest.fixture
def bot() -> int:
    """A bot with one message that is due."""
    account = make_bot()
    make_reply(make_conversation(account, make_person()))
    BotControl.objects.create(account=account)
    return account.pk


def page(bot: int) -> str:
    return reverse("admin:bots_botcontrol_change", args=[bot])


def button(bot: int, name: str) -> str:
    return f"{reverse(LIST)}{bot}/{name}/"


class TestPage:
    def test_shows_the_figures(self, boss: Client, bot: int) -> None:
        openings.trip(bot, reason="You are opening direct messages too fast", now=timezone.now())
        shown = boss.get(page(bot)).content.decode()
        for words in ("0 of 10", "0 of 40", "1 message waits", "You are opening direct messages too fast", "Sending"):
            assert words in shown
        assert "Stop sending" in shown
        assert "Resume sending" not in shown

    def test_offers_to_look_only_to_those_who_may_not_switch(self, client: Client, bot: int) -> None:
        client.force_login(make_staff("bots.view_botcontrol"))
        shown = client.get(page(bot)).content.decode()
        assert "Stop sending" not in shown
        assert client.post(button(bot, "stop"), {"reason": ""}).status_code == 403
        client.post(reverse(LIST), {"action": "stop_selected", "_selected_action": [bot]})
        assert not controls.of_account(bot).is_stopped
        controls.stop(bot, by="ann", now=timezone.now())
        assert client.post(button(bot, "resume")).status_code == 403
        assert controls.of_account(bot).is_stopped


class TestStop:
    def test_from_the_list_is_one_step(self, boss: Client, bot: int) -> None:
        boss.post(reverse(LIST), {"action": "stop_selected", "_selected_action": [bot]})
        found = controls.of_account(bot)
        assert (found.is_stopped, found.stopped_by) == (True, "boss")
        assert LogEntry.objects.get().change_message == "Stopped sending."

    def test_from_the_page_takes_a_reason(self, boss: Client, bot: int) -> None:
        assert boss.get(button(bot, "stop")).status_code == 200
        assert not controls.of_account(bot).is_stopped  # a link alone changes nothing
        boss.post(button(bot, "stop"), {"reason": "wrong template"})
        assert controls.of_account(bot).stop_reason == "wrong template"
        assert "Stopped by boss" in boss.get(page(bot)).content.decode()

    def test_without_a_reason_stops_as_well(self, boss: Client, bot: int) -> None:
        boss.post(button(bot, "stop"), {"reason": ""})
        assert controls.of_account(bot).is_stopped

    def test_leaves_who_was_first(self, boss: Client, bot: int) -> None:
        controls.stop(bot, by="ann", now=timezone.now())
        boss.post(reverse(LIST), {"action": "stop_selected", "_selected_action": [bot]})
        assert controls.of_account(bot).stopped_by == "ann"
        assert not LogEntry.objects.exists()


class TestResume:
    def test_asks_and_says_what_goes_out(self, boss: Client, bot: int) -> None:
        controls.stop(bot, by="ann", now=timezone.now())
        question = boss.get(button(bot, "resume")).content.decode()
        assert "1 message waits" in question
        assert controls.of_account(bot).is_stopped
        boss.post(button(bot, "resume"))
        assert not controls.of_account(bot).is_stopped
        assert LogEntry.objects.get().change_message == "Let it send again."
