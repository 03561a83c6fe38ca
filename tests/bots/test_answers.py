"""Answers: each typed command is answered once, in private, wherever it was written."""

from datetime import timedelta
from typing import Any

import pytest

from bots import answers
from bots.answers import Answer, Question, Refused
from bots.people import Letter
from followups.models import UserProfile
from socialmedia import outbox
from socialmedia.models import Account, Message
from tests.bots.operations.asking import ask
from tests.concurrency import at_once
from tests.followups.factories import NOON
from tests.socialmedia.factories import make_bot

LETTER = Letter(external_id="1234567890123456789", text="!job_status <@1>", sent_at=NOON, metadata={})


class Counted:
    """An operation that counts how often it is carried out."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, _question: Question) -> Answer:
        self.times += 1
        return Answer("Done.", panel="forget")


def take(own: Account, operation: answers.Operation, *, channel_id: str = "") -> bool:
    """Take in a typed command."""
    return answers.answer_text(operation, ask(), own=own, letter=LETTER, channel_id=channel_id, now=NOON)


def take_directly(own: Account, operation: answers.Operation, *, channel_id: str = "") -> Answer | None:
    """Take in a typed command of the team."""
    return answers.answer_directly(operation, ask(), own=own, letter=LETTER, channel_id=channel_id, now=NOON)


@pytest.mark.django_db
class TestAnswerText:
    @pytest.mark.parametrize("channel_id", ["", "77"])
    def test_carries_a_command_out_once(self, channel_id: str) -> None:
        """Discord replays what was said around a lost connection, in communities too."""
        own, operation = make_bot(), Counted()
        assert take(own, operation, channel_id=channel_id)
        assert not take(own, operation, channel_id=channel_id)
        assert operation.times == 1
        (answer,) = Message.objects.filter(is_outgoing=True)
        assert (answer.message_text, answer.metadata, answer.status) == ("Done.", {"panel": "forget"}, "queued")
        assert answer.nonce == "re-1234567890123456789"

    def test_keeps_only_what_was_written_in_private(self) -> None:
        own = make_bot()
        take(own, Counted())
        assert not Message.objects.filter(is_outgoing=False).exists()

    def test_answers_a_refusal_like_anything_else(self) -> None:
        def refuse(_question: Question) -> Answer:
            UserProfile.objects.update(name="changed")
            raise Refused("Not so.")

        take(make_bot(), refuse)
        assert Message.objects.get().message_text == "Not so."
        assert UserProfile.objects.get().name == "ada"

    def test_has_a_nonce_that_discord_takes(self) -> None:
        assert len(answers.nonce_for(str(2**64))) <= 25


@pytest.mark.django_db
class TestAnswerDirectly:
    @pytest.mark.parametrize("channel_id", ["", "77"])
    def test_carries_a_command_out_once_and_keeps_no_words(self, channel_id: str) -> None:
        own, operation = make_bot(), Counted()
        assert take_directly(own, operation, channel_id=channel_id) == Answer("Done.", panel="forget")
        assert take_directly(own, operation, channel_id=channel_id) is None
        assert operation.times == 1
        assert {row.message_text for row in Message.objects.all()} == {answers.NOT_KEPT}

    def test_leaves_nothing_for_the_relay(self) -> None:
        own: Any = make_bot()
        take_directly(own, Counted())
        assert outbox.claim(account=own, limit=5, lease=timedelta(minutes=1)) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("channel_id", ["", "77"])
def test_two_processes_that_hear_the_same_command_answer_once(channel_id: str) -> None:
    own, operation = make_bot(), Counted()
    taken = at_once(2, lambda _: take(own, operation, channel_id=channel_id))
    assert sorted(taken) == [False, True]
    assert (operation.times, Message.objects.filter(is_outgoing=True).count()) == (1, 1)
