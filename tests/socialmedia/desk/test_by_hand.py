"""Replies on networks without an interface: prepared, copied by a person, and marked as sent."""

import pytest

from socialmedia.actions import LimitReached
from socialmedia.desk import by_hand, replies, threads
from socialmedia.desk.reply_texts import CannotReply
from socialmedia.models import AutomationAction, Conversation, Message, StaffReply
from tests.concurrency import at_once
from tests.socialmedia.desk.factories import make_tiktok_chat, written
from tests.socialmedia.factories import NOON

pytestmark = pytest.mark.django_db(transaction=True)


def make_ready(chat: Conversation | None = None) -> StaffReply:
    """A reply that waits to be copied."""
    return replies.send(written(chat or make_tiktok_chat()), now=NOON)


def make_shown() -> StaffReply:
    """A reply whose words somebody copies."""
    return by_hand.show(make_ready().pk, by="ann", now=NOON)


def use_up(chat: Conversation) -> None:
    """Take more places than any limit that comes with Checkback allows."""
    for _ in range(101):
        by_hand.show(make_ready(chat).pk, by="ann", now=NOON)


class TestShow:
    def test_takes_a_place_before_the_words_are_shown(self) -> None:
        reply = make_ready()
        assert (reply.status, reply.rendered_text, reply.action) == ("ready", "Hi Fay!", None)
        assert not AutomationAction.objects.exists()
        by_hand.show(reply.pk, by="ann", now=NOON)
        action = AutomationAction.objects.get()
        assert (action.action_type, action.target_type, action.success) == ("message", "conversation", None)
        assert action.session_id == "console: ann"
        assert by_hand.show(reply.pk, by="bob", now=NOON).action == action

    def test_leaves_the_reply_ready_when_no_place_is_free(self) -> None:
        chat = make_tiktok_chat()
        with pytest.raises(LimitReached):
            use_up(chat)
        waiting = StaffReply.objects.get(status="ready", action=None)
        assert replies.cancel(waiting.pk, by="ann", now=NOON)

    def test_shows_nothing_of_a_conversation_that_was_shut_since(self) -> None:
        reply = make_ready()
        threads.block(reply.conversation_id, by="ann", now=NOON)
        threads.unblock(reply.conversation_id, now=NOON)
        with pytest.raises(CannotReply, match="does not wait"):
            by_hand.show(reply.pk, by="ann", now=NOON)
        reply.refresh_from_db()
        assert (reply.status, reply.problem, reply.closed_by) == ("cancelled", threads.BLOCKED, "ann")
        assert not AutomationAction.objects.exists()

    def test_takes_one_place_for_the_reply_however_many_ask(self) -> None:
        reply = make_ready()
        taken = at_once(4, lambda _number: by_hand.show(reply.pk, by="ann", now=NOON).action_id)
        assert len(set(taken)) == 1
        assert AutomationAction.objects.count() == 1


class TestMarkSent:
    def test_becomes_a_message_and_confirms_the_place(self) -> None:
        reply = make_shown()
        assert [by_hand.mark_sent(reply.pk, by="ann", now=NOON) for _ in range(2)] == [True, False]
        message = Message.objects.get(is_outgoing=True)
        assert (message.status, message.is_automated, message.message_text) == ("sent", False, "Hi Fay!")
        assert message.metadata["by_hand"] == "ann"
        reply.refresh_from_db()
        assert (reply.status, reply.message, reply.closed_by) == ("sent", message, "ann")
        assert AutomationAction.objects.get().success is True
        assert Conversation.objects.get().last_message_preview == "Hi Fay!"

    def test_is_not_for_words_that_nobody_was_shown(self) -> None:
        assert by_hand.mark_sent(make_ready().pk, by="ann", now=NOON) is False
        assert not Message.objects.filter(is_outgoing=True).exists()

    def test_happens_once_at_once(self) -> None:
        reply = make_shown()
        assert sorted(at_once(4, lambda _number: by_hand.mark_sent(reply.pk, by="ann", now=NOON))) == [False] * 3 + [
            True
        ]
        assert Message.objects.filter(is_outgoing=True).count() == 1


class TestMarkNotSent:
    def test_keeps_the_place_and_the_reason(self) -> None:
        reply = make_shown()
        assert by_hand.mark_not_sent(reply.pk, reason="The account is gone.", by="ann", now=NOON)
        reply.refresh_from_db()
        action = AutomationAction.objects.get()
        assert (reply.status, reply.problem) == ("failed", "The account is gone.")
        assert (action.success, action.error_code, action.error_message) == (False, "not_sent", "The account is gone.")
        assert by_hand.mark_sent(reply.pk, by="ann", now=NOON) is False
        assert replies.cancel(reply.pk, by="ann", now=NOON) is False
