"""`mydata`: shown, handed out, erased. PEERS 9 and 24."""

import json
from typing import Any

import pytest

from bots import answers
from bots.answers import Refused
from bots.attachments import ATTACHMENTS
from bots.governor import controls
from bots.operations import my_data
from followups import goals
from followups.models import ConsentReceipt, ErasureReceipt, UserProfile
from followups.privacy.holdings import HOLDINGS
from jobs import pauses
from jobs.models import JobPause
from socialmedia.models import Account, Message
from tests.bots.operations.asking import ask, ask_as
from tests.followups.factories import DAY, NOON, make_member, make_plan, make_queued, make_thread, opt_out, say
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


class TestShow:
    def test_names_what_is_held_and_how_much(self) -> None:
        member = make_member()
        say(member, "Hello")
        say(member, "there")
        make_plan(member, due_at=NOON + DAY)

        text = my_data.show(ask_as(member)).text

        assert "- private messages between us: 2" in text
        assert "- planned and past follow-ups: 1" in text
        assert "goals" not in text.split("**What you said")[0]
        assert len(text) <= 2000

    def test_begins_with_the_member(self) -> None:
        member = make_member()
        make_queued(member)
        held = [line.partition(":")[0] for line in my_data.show(ask_as(member)).text.split("\n") if line[:2] == "- "]
        words = [f"- {each}" for each in my_data.WORDS.values()]
        shown = [each for each in held if each in words]
        assert shown[0] == "- your name and picture on Discord"
        assert shown == sorted(shown, key=words.index)

    def test_tells_what_was_agreed_to_in_words(self) -> None:
        member = make_member()
        opt_out(member)
        (withdrawn, granted) = ConsentReceipt.objects.order_by("-id")

        text = my_data.show(ask_as(member)).text

        assert (
            f"- {withdrawn.recorded_at:%Y-%m-%d}: no more, by a command\n- {granted.recorded_at:%Y-%m-%d}: yes" in text
        )

    def test_of_somebody_who_was_never_asked(self) -> None:
        assert "You were never asked" in my_data.show(ask_as(make_member(opted_in=False))).text

    def test_remembers_nobody_who_asks(self) -> None:
        assert my_data.show(ask("404")).text == my_data.NOTHING_HELD
        assert not UserProfile.objects.exists()

    def test_has_a_word_for_everything_that_is_held(self) -> None:
        assert {holding.subject for holding in HOLDINGS} - set(my_data.WORDS) <= {"chat_imports", "private_channels"}


class TestHandOut:
    def test_makes_the_file_when_it_is_sent(self) -> None:
        member = make_member()
        say(member, "Grüße")

        answer = my_data.hand_out(ask_as(member), now=NOON)
        file = ATTACHMENTS[answer.attachment](member.user_id, now=NOON)

        assert file.filename == f"checkback-{member.user_id}-2026-11-18.json"
        assert json.loads(file.fp.read())["conversations"][0]["messages"][0]["message_text"] == "Grüße"

    def test_sends_those_with_too_much_to_the_team(self, monkeypatch: pytest.MonkeyPatch) -> None:
        member = make_member()
        monkeypatch.setattr(my_data, "LARGEST_BYTES", 100)

        with pytest.raises(Refused, match="ask your community's team"):
            my_data.hand_out(ask_as(member), now=NOON)
        assert ATTACHMENTS["export"](member.user_id, now=NOON).fp.read().decode() == my_data.TOO_LARGE

    def test_has_nothing_for_a_stranger(self) -> None:
        with pytest.raises(Refused, match="nothing about you"):
            my_data.hand_out(ask("404"), now=NOON)


class TestForget:
    def test_only_asks_at_first(self) -> None:
        member = make_member()

        answer = my_data.explain_forgetting(ask_as(member))

        assert (answer.panel, my_data.explain_forgetting(ask("404")).panel) == ("forget", "")
        assert "**What stays:**" in answer.text
        assert len(answer.text) <= 2000
        assert UserProfile.objects.filter(pk=member.pk).exists()

    def test_erases_by_the_press_and_keeps_a_receipt_without_a_name(self) -> None:
        member = make_member()
        say(member, "Hello")
        goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)

        answer = my_data.forget(ask_as(member, source="button"), now=NOON)

        receipt = ErasureReceipt.objects.get()
        assert answer.text == my_data.FORGOTTEN
        assert (receipt.source, receipt.evidence, receipt.actor) == ("button", "interaction 7", "member")
        assert not UserProfile.objects.exists()
        assert not Message.objects.exists()

    def test_twice_is_told_and_recreates_nobody(self) -> None:
        member = make_member()
        my_data.forget(ask_as(member, source="button"), now=NOON)

        assert my_data.forget(ask_as(member, source="button"), now=NOON).text == my_data.FORGOTTEN_BEFORE
        assert not UserProfile.objects.exists()
        assert ErasureReceipt.objects.count() == 1

    def test_names_who_was_of_the_team_nowhere_any_more(self) -> None:
        bot, staff = make_bot(), make_member()
        follow_up = make_plan(make_member(), due_at=NOON + DAY, trigger_data={"planned_by": ask_as(staff).actor})
        pauses.pause("follow_up_message", by=ask_as(staff).actor, now=NOON)
        controls.stop(bot.pk, by=ask_as(staff).actor, now=NOON)

        my_data.forget(ask_as(staff, source="button"), now=NOON)

        follow_up.refresh_from_db()
        named = [follow_up.trigger_data["planned_by"], JobPause.objects.get().paused_by]
        named.append(controls.of_account(bot.pk).stopped_by)
        assert all("forgotten-" in words and staff.user_id not in words for words in named)

    def test_is_kind_to_our_own_account(self) -> None:
        member = make_member()
        Account.objects.filter(pk=member.account_id).update(is_own=True)

        assert "not a member" in my_data.forget(ask_as(member), now=NOON).text
        assert UserProfile.objects.exists()

    def test_asking_with_a_slash_afterwards_leaves_no_trace(self) -> None:
        member = make_member()
        my_data.forget(ask_as(member, source="button"), now=NOON)

        for operation in (my_data.show, my_data.explain_forgetting):
            answers.answer_interaction(operation, ask_as(member), meets=False, now=NOON)

        assert not Account.objects.filter(external_id=member.user_id).exists()


def test_every_source_of_consent_has_words() -> None:
    """An unknown one is shown as it is stored."""
    member = make_member()
    row = ConsentReceipt(user=member, state="granted", source="carrier_pigeon", recorded_at=NOON)
    shown: Any = my_data._receipt(row)
    assert shown == "- 2026-11-18: yes, through carrier_pigeon"


def test_a_thread_without_messages_is_held_too() -> None:
    member = make_member()
    make_thread(member)
    assert "- conversations with me: 1" in my_data.show(ask_as(member)).text
