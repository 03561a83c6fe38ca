"""Retiring one of our accounts."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from followups import channels, planning, retiring
from followups.models import FollowUp
from socialmedia import accounts, outbox
from socialmedia.models import Account, Message
from tests.followups.factories import DAY, NOON, execute, make_bot, make_member, make_queued, make_thread

pytestmark = pytest.mark.django_db


def own() -> Account:
    return Account.objects.get(is_own=True)


class TestRetire:
    def test_stops_what_waits_and_lets_the_silence_be_answered_by_the_next_bot(self) -> None:
        make_bot()
        member = make_member(last_interaction=NOON - 5 * DAY)
        assert planning.plan_quiet_members(now=NOON) == 1
        follow_up = make_queued_of_sweep()
        reply = outbox.queue_reply(conversation=make_thread(member), text="Hi.", now=NOON)

        done = retiring.retire(own(), now=NOON)

        assert (done.cancelled, done.suppressed) == (1, 1)
        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason) == ("cancelled", "its account was retired")
        assert set(Message.objects.values_list("status", flat=True)) == {"suppressed"}
        assert Message.objects.get(pk=reply.pk).error_message == "its account was retired"
        assert channels.find(member) is None
        assert planning.plan_quiet_members(now=NOON) == 1

    def test_changes_nothing_the_second_time(self) -> None:
        make_queued(make_member())
        retiring.retire(own(), now=NOON)
        assert retiring.retire(own(), now=NOON) == retiring.Retirement(0, 0)

    def test_refuses_somebody_elses_account(self) -> None:
        member = make_member()
        with pytest.raises(retiring.NotOurs):
            retiring.retire(member.account, now=NOON)
        assert Account.objects.get(pk=member.account_id).is_active

    def test_ends_when_its_bot_logs_in_again(self) -> None:
        make_bot()
        bot = own()
        retiring.retire(bot, now=NOON)
        accounts.remember(
            platform=bot.platform,
            external_id=str(bot.external_id),
            username=bot.username,
            is_bot=True,
            is_own=True,
            now=NOON,
        )
        assert own().is_active


class TestCommand:
    def test_tells_what_it_stopped(self) -> None:
        make_queued(make_member())
        out = StringIO()
        call_command("retire_account", str(own().external_id), "--yes", "--json", stdout=out)
        assert json.loads(out.getvalue()) == {"cancelled": 1, "suppressed": 0}

    def test_names_our_accounts_when_the_id_is_wrong(self) -> None:
        make_bot()
        with pytest.raises(CommandError, match=f"Ours are: {own().external_id}"):
            call_command("retire_account", "123", "--yes")


def make_queued_of_sweep() -> FollowUp:
    """Run the job of the follow-up that the sweep has planned."""
    follow_up = execute(FollowUp.objects.get())
    assert follow_up.message is not None, follow_up.reason
    return follow_up
