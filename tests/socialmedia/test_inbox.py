"""One conversation per person, each message once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from socialmedia import inbox
from socialmedia.models import Conversation, Message
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON, make_bot, make_conversation, make_person


@pytest.mark.django_db
class TestOpenConversation:
    def test_names_the_participant_by_id_on_discord(self) -> None:
        conversation = make_conversation(person=make_person("77", username="ada", display_name="Ada"))
        stored = Conversation.objects.get(pk=conversation.pk)
        assert (stored.participant_username, stored.participant_id) == ("77", "77")
        assert stored.participant_display_name == "Ada"
        assert stored.platform == "discord"

    def test_returns_the_known_one(self) -> None:
        bot, person = make_bot(), make_person()
        assert make_conversation(bot, person).pk == make_conversation(bot, person).pk

    def test_stores_a_channel_once_known_and_keeps_it(self) -> None:
        bot, person = make_bot(), make_person()
        make_conversation(bot, person)
        make_conversation(bot, person, channel="5")
        assert make_conversation(bot, person).external_channel_id == "5"
        assert make_conversation(bot, person, channel="6").external_channel_id == "6"

    def test_keeps_bots_apart(self) -> None:
        person = make_person()
        assert make_conversation(make_bot(), person).pk != make_conversation(make_bot(), person).pk


@pytest.mark.django_db
class TestRecordInbound:
    def record(self, conversation: Conversation, key: str = "1", text: str = "Hi", minutes: int = 0) -> Message | None:
        return inbox.record_inbound(
            conversation=conversation,
            external_message_id=key,
            text=text,
            sent_at=NOON + timedelta(minutes=minutes),
            metadata={"kind": "dm"},
            now=NOON + timedelta(minutes=minutes),
        )

    def test_stores_the_message_and_counts_it(self) -> None:
        conversation = make_conversation()
        message = self.record(conversation)
        assert message is not None
        stored = Message.objects.get()
        assert (stored.message_text, stored.is_outgoing, stored.status) == ("Hi", False, "sent")
        assert stored.metadata == {"kind": "dm"}
        conversation.refresh_from_db()
        assert conversation.unread_count == 1
        assert (conversation.last_message_at, conversation.last_message_preview) == (NOON, "Hi")
        assert conversation.last_message_is_outgoing is False
        assert conversation.conversation_started_at == NOON

    def test_takes_a_replayed_message_once(self) -> None:
        conversation = make_conversation()
        assert self.record(conversation) is not None
        assert self.record(conversation) is None
        conversation.refresh_from_db()
        assert conversation.unread_count == 1
        assert Message.objects.count() == 1

    def test_keeps_the_newest_as_preview_when_an_old_one_comes_late(self) -> None:
        conversation = make_conversation()
        self.record(conversation, key="2", text="new", minutes=5)
        self.record(conversation, key="1", text="old", minutes=0)
        conversation.refresh_from_db()
        assert conversation.last_message_preview == "new"
        assert conversation.unread_count == 2


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_first_messages_make_one_conversation(self) -> None:
        bot, person = make_bot(), make_person()
        keys = at_once(6, lambda _number: make_conversation(bot, person).pk)
        assert len(set(keys)) == 1

    def test_one_message_seen_by_many_is_counted_once(self) -> None:
        conversation = make_conversation()
        stored = at_once(6, lambda _number: TestRecordInbound().record(conversation) is not None)
        assert sorted(stored) == [False] * 5 + [True]
        conversation.refresh_from_db()
        assert conversation.unread_count == 1


def stored(conversation: Conversation, key: str = "1", text: str = "Hi", *, minutes: int = 0, **more: Any) -> Message:
    """A message of the other side."""
    message = inbox.record_inbound(
        conversation=conversation,
        external_message_id=key,
        text=text,
        sent_at=NOON + timedelta(minutes=minutes),
        now=NOON + timedelta(minutes=minutes),
        **more,
    )
    assert message is not None
    return message


def edit(conversation: Conversation, text: str, *, minutes: int, key: str = "1") -> Message | None:
    """The other side changes a message."""
    return inbox.change(
        conversation=conversation,
        external_message_id=key,
        text=text,
        edited_at=NOON + timedelta(minutes=minutes),
        metadata={"attachments": [{"filename": text}]},
    )


def take_back(conversation: Conversation, *keys: str) -> list[Message]:
    """Messages of a conversation are deleted."""
    return inbox.take_back(conversation=conversation, external_message_ids=keys, now=NOON + timedelta(hours=1))


@pytest.mark.django_db
class TestChange:
    def test_puts_the_new_words_in_place_of_the_old(self) -> None:
        conversation = make_conversation()
        stored(conversation, metadata={"command": True, "stickers": ["wave"]})
        changed = edit(conversation, "Hello", minutes=2)
        assert changed is not None
        message = Message.objects.get()
        assert (message.message_text, message.edited_at) == ("Hello", NOON + timedelta(minutes=2))
        assert message.sent_at == NOON
        assert message.metadata == {"command": True, "attachments": [{"filename": "Hello"}]}

    def test_never_puts_an_older_edit_over_a_newer_one(self) -> None:
        conversation = make_conversation()
        stored(conversation)
        assert edit(conversation, "second", minutes=2)
        assert edit(conversation, "first", minutes=1) is None
        assert edit(conversation, "second again", minutes=2) is None
        assert Message.objects.get().message_text == "second"

    def test_is_shown_by_the_conversation_only_if_it_is_the_newest(self) -> None:
        conversation = make_conversation()
        stored(conversation, "1", "older")
        stored(conversation, "2", "newer", minutes=5)
        edit(conversation, "older, changed", minutes=6)
        conversation.refresh_from_db()
        assert conversation.last_message_preview == "newer"
        edit(conversation, "newer, changed", minutes=7, key="2")
        conversation.refresh_from_db()
        assert (conversation.last_message_preview, conversation.unread_count) == ("newer, changed", 2)

    def test_does_not_know_a_message_of_another_conversation(self) -> None:
        stored(make_conversation())
        assert edit(make_conversation(), "x", minutes=1) is None


@pytest.mark.django_db
class TestTakeBack:
    def test_leaves_a_note_in_place_of_words_and_attachments(self) -> None:
        conversation = make_conversation()
        stored(conversation, text="Words", metadata={"imported": True, "attachments": [{"url": "https://x.y/z"}]})
        (taken,) = take_back(conversation, "1", "unknown")
        message = Message.objects.get()
        assert (message.message_text, message.metadata) == (inbox.TAKEN_BACK, {"imported": True})
        assert message.deleted_at == taken.deleted_at == NOON + timedelta(hours=1)
        conversation.refresh_from_db()
        assert conversation.last_message_preview == inbox.TAKEN_BACK

    def test_takes_the_picture_of_a_message_without_words(self) -> None:
        conversation = make_conversation()
        message = stored(conversation)
        Message.objects.update(message_type="image", message_text="", media_url="https://x.y/z")
        take_back(conversation, "1")
        message.refresh_from_db()
        assert (message.message_type, message.media_url, message.message_text) == ("text", "", inbox.TAKEN_BACK)

    def test_notes_our_own_messages_alike(self) -> None:
        conversation = make_conversation()
        Message.objects.create(
            conversation=conversation, external_message_id="9", message_text="Ours", is_outgoing=True, sent_at=NOON
        )
        inbox.note_last_message(conversation_id=conversation.pk, text="Ours", is_outgoing=True, at=NOON)
        take_back(conversation, "9")
        conversation.refresh_from_db()
        assert Message.objects.get().message_text == conversation.last_message_preview == inbox.TAKEN_BACK

    def test_happens_once_and_an_edit_from_before_brings_nothing_back(self) -> None:
        conversation = make_conversation()
        stored(conversation)
        assert len(take_back(conversation, "1")) == 1
        assert take_back(conversation, "1") == []
        assert edit(conversation, "again", minutes=5) is None
        assert Message.objects.get().message_text == inbox.TAKEN_BACK


@pytest.mark.django_db
class TestInChannel:
    def test_finds_the_conversation_of_a_private_channel(self) -> None:
        bot = make_bot()
        conversation = make_conversation(bot, channel="77")
        assert inbox.in_channel(account=bot, external_channel_id="77") == conversation
        assert inbox.in_channel(account=make_bot(), external_channel_id="77") is None

    def test_uses_its_index(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN SELECT * FROM social_media_conversations WHERE external_channel_id = '77'")
            assert "idx_conversations_channel" in "\n".join(row[0] for row in cursor.fetchall())
