"""One conversation per person, each message once."""

from datetime import timedelta

import pytest

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
