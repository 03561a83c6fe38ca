"""What staff do with a conversation, and what an arriving message does to it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from socialmedia import inbox, outbox
from socialmedia.desk import replies, threads
from socialmedia.desk.threads import CannotChange
from socialmedia.models import Conversation, Message
from tests.concurrency import at_once, somebody_waits
from tests.socialmedia.desk.factories import HOUR, make_chat, make_later, make_staff, say, written
from tests.socialmedia.factories import NOON, make_conversation
from tests.support import wait_until

pytestmark = pytest.mark.django_db


def state(conversation: Conversation, *names: str) -> Any:
    """The columns as they are stored."""
    values = Conversation.objects.values_list(*names).get(pk=conversation.pk)
    return values[0] if len(names) == 1 else values


class TestMarkRead:
    def test_reads_all_and_counts_none(self) -> None:
        chat = make_chat()
        say(chat, "And?")
        assert state(chat, "unread_count") == 2
        assert threads.mark_read(chat.pk, now=NOON).is_new
        assert state(chat, "unread_count") == 0
        assert not Message.objects.filter(is_read=False).exists()
        assert threads.mark_read(chat.pk, now=NOON).is_new is False

    def test_leaves_unread_what_was_not_on_the_page(self) -> None:
        chat = make_chat()
        seen = Message.objects.get().pk
        later = say(chat, "And this?")
        threads.mark_read(chat.pk, up_to=seen, now=NOON)
        assert state(chat, "unread_count") == 1
        assert list(Message.objects.filter(is_read=False)) == [later]


class TestMarkUnread:
    def test_makes_the_newest_of_theirs_unread(self) -> None:
        chat = make_chat()
        newest = say(chat, "And?")
        threads.mark_read(chat.pk, now=NOON)
        assert threads.mark_unread(chat.pk, now=NOON).is_new
        assert state(chat, "unread_count") == 1
        assert list(Message.objects.filter(is_read=False)) == [newest]
        assert threads.mark_unread(chat.pk, now=NOON).is_new is False

    def test_needs_something_that_came_in(self) -> None:
        with pytest.raises(CannotChange, match="have not written yet"):
            threads.mark_unread(make_conversation().pk, now=NOON)


class TestSwitches:
    @pytest.mark.parametrize(
        ("there", "back", "column"),
        [(threads.mute, threads.unmute, "is_muted"), (threads.archive, threads.unarchive, "is_archived")],
    )
    def test_go_there_and_back_once(self, there: Any, back: Any, column: str) -> None:
        chat = make_chat()
        assert [there(chat.pk, now=NOON).is_new, there(chat.pk, now=NOON).is_new] == [True, False]
        assert state(chat, column) is True
        assert [back(chat.pk, now=NOON).is_new, back(chat.pk, now=NOON).is_new] == [True, False]
        assert state(chat, column) is False

    def test_need_a_conversation(self) -> None:
        with pytest.raises(Conversation.DoesNotExist):
            threads.mute(0, now=NOON)


class TestSnooze:
    def test_lasts_until_a_time(self) -> None:
        chat = make_chat()
        assert threads.snooze(chat.pk, until=NOON + HOUR, now=NOON).is_new
        assert state(chat, "snoozed_until") == NOON + HOUR
        assert threads.unsnooze(chat.pk, now=NOON).is_new
        assert state(chat, "snoozed_until") is None

    @pytest.mark.parametrize("away", [timedelta(0), -HOUR, timedelta(days=367)])
    def test_is_in_the_future_and_within_a_year(self, away: timedelta) -> None:
        chat = make_chat()
        with pytest.raises(CannotChange, match="in the future, at most a year"):
            threads.snooze(chat.pk, until=NOON + away, now=NOON)

    def test_offers_times_in_the_communitys_zone(self) -> None:
        saturday_night = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # in Berlin it is Sunday, and the clocks change
        offered = dict(threads.snooze_presets(now=saturday_night, zone=ZoneInfo("Europe/Berlin")))
        assert offered["In 1 hour"] == saturday_night + HOUR
        assert offered["Tomorrow at 9:00"] == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
        assert offered["Next Monday at 9:00"] == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


class TestAssign:
    def test_gives_it_to_somebody_and_back(self) -> None:
        chat, ann = make_chat(), make_staff("ann")
        assert threads.assign(chat.pk, to=ann, now=NOON).sentence == "Assigned to ann."
        assert state(chat, "assigned_to") == ann.pk
        assert threads.assign(chat.pk, to=ann, now=NOON).is_new is False
        assert threads.assign(chat.pk, to=None, now=NOON).is_new
        assert state(chat, "assigned_to") is None

    @pytest.mark.parametrize("changes", [{"is_active": False}, {"is_staff": False}])
    def test_is_for_active_staff(self, changes: dict[str, bool]) -> None:
        chat, bob = make_chat(), make_staff("bob")
        type(bob).objects.filter(pk=bob.pk).update(**changes)
        with pytest.raises(CannotChange, match="bob is no active member"):
            threads.assign(chat.pk, to=bob, now=NOON)


class TestBlock:
    def test_stops_what_waits_and_what_is_queued(self) -> None:
        chat = make_chat()
        sent = replies.send(written(chat), now=NOON)
        later = make_later(chat)
        answer = outbox.queue_reply(conversation=chat, text="You are opted out.", now=NOON)
        done = threads.block(chat.pk, by="ann", now=NOON)
        assert done.sentence == (
            "Blocked. Replies that waited and were cancelled: 1. Replies in the queue that were stopped: 1."
        )
        assert sent.message is not None
        sent.message.refresh_from_db()
        later.refresh_from_db()
        answer.refresh_from_db()
        assert (sent.message.status, sent.message.error_message) == ("suppressed", threads.BLOCKED)
        assert (later.status, later.closed_by, later.problem) == ("cancelled", "ann", threads.BLOCKED)
        assert answer.status == "queued"  # what a member asks the bot, it answers
        assert threads.block(chat.pk, by="ann", now=NOON).is_new is False

    def test_leaves_alone_what_may_be_on_the_wire(self) -> None:
        chat = make_chat()
        sent = replies.send(written(chat), now=NOON)
        Message.objects.filter(pk=sent.message_id).update(first_attempt_at=NOON)
        threads.block(chat.pk, by="ann", now=NOON)
        assert Message.objects.get(pk=sent.message_id).status == "queued"  # the relay asks again before it goes on

    def test_counts_what_came_meanwhile_once_it_is_open_again(self) -> None:
        chat = make_chat()
        threads.mark_read(chat.pk, now=NOON)
        threads.block(chat.pk, by="ann", now=NOON)
        say(chat, "Why?")
        assert state(chat, "unread_count") == 0
        threads.unblock(chat.pk, now=NOON)
        assert state(chat, "unread_count") == 1


class TestSpam:
    def test_is_archived_and_counts_nothing(self) -> None:
        chat = make_chat()
        threads.mark_spam(chat.pk, by="ann", now=NOON)
        say(chat, "Cheap watches!")
        assert state(chat, "is_spam", "is_archived", "unread_count") == (True, True, 0)
        with pytest.raises(CannotChange, match="say first that it is none"):
            threads.unarchive(chat.pk, now=NOON)
        threads.unmark_spam(chat.pk, now=NOON)
        assert state(chat, "is_spam", "is_archived", "unread_count") == (False, False, 2)

    def test_that_is_blocked_too_stays_shut(self) -> None:
        chat = make_chat()
        threads.block(chat.pk, by="ann", now=NOON)
        threads.mark_spam(chat.pk, by="ann", now=NOON)
        threads.unmark_spam(chat.pk, now=NOON)
        assert state(chat, "is_blocked", "unread_count") == (True, 0)


class TestArrival:
    def test_ends_the_archive_and_the_snooze(self) -> None:
        chat = make_chat()
        threads.archive(chat.pk, now=NOON)
        say(chat)
        assert state(chat, "is_archived") is False
        threads.snooze(chat.pk, until=NOON + HOUR, now=NOON)
        say(chat)
        assert state(chat, "snoozed_until", "unread_count") == (None, 3)

    def test_leaves_a_muted_one_in_the_archive(self) -> None:
        chat = make_chat()
        threads.mute(chat.pk, now=NOON)
        threads.archive(chat.pk, now=NOON)
        say(chat)
        assert state(chat, "is_archived", "unread_count") == (True, 2)

    def test_of_a_command_brings_nothing_back(self) -> None:
        chat = make_chat()
        threads.archive(chat.pk, now=NOON)
        say(chat, "!help", is_read=True)
        assert state(chat, "is_archived", "unread_count") == (True, 1)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_message_that_arrives_while_all_is_marked_read_is_never_lost(self) -> None:
        chat = make_chat()

        def act(number: int) -> None:
            if number == 0:
                threads.mark_read(chat.pk, now=NOON)
            else:
                say(chat, f"{number}")

        at_once(5, act)
        unread = Message.objects.filter(conversation=chat, is_outgoing=False, is_read=False).count()
        assert state(chat, "unread_count") == unread


Prepared = tuple[Message, Callable[[], object]]


def _edit() -> Prepared:
    message = say(make_chat(), "Hello!")
    key = message.external_message_id or ""
    return message, lambda: inbox.change(
        conversation=message.conversation, external_message_id=key, text="Hi!", edited_at=NOON + HOUR
    )


def _take_back() -> Prepared:
    message = say(make_chat(), "Hello!")
    keys = [message.external_message_id or ""]
    return message, lambda: inbox.take_back(conversation=message.conversation, external_message_ids=keys, now=NOON)


def _record_sent() -> Prepared:
    message = outbox.queue_reply(conversation=make_chat(), text="Hi!", now=NOON)
    (held,) = outbox.claim(account=message.conversation.account, limit=1, lease=HOUR)
    return message, lambda: outbox.record_sent(held, external_message_id="1", now=NOON)


@pytest.mark.django_db(transaction=True)
class TestLockOrder:
    @pytest.mark.parametrize("prepare", [_edit, _take_back, _record_sent])
    def test_what_changes_a_message_waits_for_its_conversation_first(self, prepare: Callable[[], Prepared]) -> None:
        """Staff who mark as read, or shut, hold the conversation before its messages: the other way round, each
        would wait for the other.
        """
        message, act = prepare()
        is_locked = Event()

        def meet(index: int) -> None:
            if index == 1:
                is_locked.wait(20)
                act()
                return
            with transaction.atomic():
                threads.locked(message.conversation_id)
                is_locked.set()
                wait_until(somebody_waits, "the other waits for the conversation")
                assert Message.objects.select_for_update(nowait=True).get(pk=message.pk)

        at_once(2, meet)
