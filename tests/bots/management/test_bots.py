"""`manage.py bots`."""

import io
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from bots.governor import controls
from socialmedia.models import Account
from tests.socialmedia.factories import make_bot, make_conversation, make_person, make_reply

pytestmark = pytest.mark.django_db


def bots(*arguments: str) -> tuple[str, str]:
    """What the command writes as results and as remarks."""
    out, err = StringIO(), StringIO()
    call_command("bots", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def objects(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bots(*arguments, "--json")[0].splitlines()]


def refused(*arguments: str) -> tuple[int, str]:
    """The exit code and the sentence of a command that could not do it."""
    with pytest.raises(CommandError) as raised:
        bots(*arguments)
    return raised.value.returncode, str(raised.value)


@pytest.fixture
def bot() -> Account:
    """A bot with one message that is due."""
    account = make_bot()
    make_reply(make_conversation(account, make_person()))
    return account


class TestStop:
    def test_stops_at_once_and_asks_nothing(self, bot: Account) -> None:
        out, _ = bots("stop", "--reason", "wrong template")
        found = controls.of_account(bot.pk)
        assert out == "Stopped: checkback\n"
        assert (found.is_stopped, found.stop_reason) == (True, "wrong template")
        assert found.stopped_by.endswith("(shell)")

    def test_is_content_when_it_was_stopped_already(self, bot: Account) -> None:
        controls.stop(bot.pk, by="ann", now=timezone.now())
        out, err = bots("stop")
        assert (out, err) == ("", "checkback was stopped already.\n")
        assert controls.of_account(bot.pk).stopped_by == "ann"

    def test_stops_the_one_that_is_meant(self, bot: Account) -> None:
        other = make_bot()
        assert bot.external_id is not None
        assert objects("stop", "--account", bot.external_id) == [
            {"account": "checkback", "id": bot.external_id, "stopped": True}
        ]
        assert not controls.of_account(other.pk).is_stopped

    def test_refuses_a_name_that_is_not_clear(self, bot: Account) -> None:
        assert refused("stop", "--account", "nobody") == (
            1,
            "No bot in use is called nobody; there is checkback.",
        )
        make_bot()
        assert "2 bots are called checkback" in refused("stop", "--account", "checkback")[1]
        assert not controls.of_account(bot.pk).is_stopped


class TestResume:
    @pytest.mark.parametrize("answer", ["no\n", "\n", ""])
    def test_asks_first(self, bot: Account, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
        controls.stop(bot.pk, by="ann", now=timezone.now())
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert refused("resume")[0] == 1
        assert controls.of_account(bot.pk).is_stopped

    def test_tells_what_would_go_out(self, bot: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        controls.stop(bot.pk, by="ann", now=timezone.now())
        monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
        out, err = bots("resume")
        assert "checkback: 1 message waits." in err
        assert out == "Resumed: checkback\n"
        assert not controls.of_account(bot.pk).is_stopped

    def test_does_not_ask_when_told_so(self, bot: Account) -> None:
        controls.stop(bot.pk, by="ann", now=timezone.now())
        assert objects("resume", "--yes") == [{"account": "checkback", "id": bot.external_id, "resumed": True}]
        assert bots("resume", "--yes")[1] == "checkback was not stopped.\n"


class TestStatus:
    def test_shows_state_budget_and_queue(self, bot: Account) -> None:
        controls.stop(bot.pk, by="ann", reason="a \x1b[2Jtrick", now=timezone.now())
        out, _ = bots("status")
        assert "stopped" in out
        assert "1 message waits" in out
        assert "0 of 10" in out
        assert "Stopped by ann" in out
        assert "\x1b" not in out

    def test_has_every_figure_as_json(self, bot: Account) -> None:
        (found,) = objects("status")
        assert (found["state"], found["waiting"], found["openings_per_day"]) == ("sending", 1, 40)
        assert (found["troubles"], found["stopped_at"], found["refused_requests"]) == ([], None, 0)

    def test_says_that_there_is_no_bot(self) -> None:
        assert refused("status") == (1, "No bot has ever run here; manage.py runbot starts one.")
