"""What arrives, taken in: late, twice, out of order, at once, and while its author is being forgotten."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots import inbound
from bots.inbound import Post
from bots.people import Letter, Person
from followups import consent, privacy
from followups.models import ConsentReceipt, MessageEmotion, UserProfile
from socialmedia import inbox
from socialmedia.activity import ChannelRef
from socialmedia.models import Account, ChannelActivity, Conversation, Message
from tests.concurrency import at_once
from tests.followups.privacy.factories import places_with
from tests.socialmedia.factories import make_bot

NOW = timezone.now()
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ADA = Person(external_id="900000000000000077", username="ada_quill", display_name="Ada Quill")
LETTER = Letter(external_id="1000", text="I am so happy", sent_at=NOW - MINUTE, metadata={})
GENERAL = ChannelRef(external_id="10", name="general", guild_id="1", guild_name="Garden")


def receive(own: Account, letter: Letter = LETTER, *, gone: tuple[int, ...] = ()) -> bool:
    return inbound.receive_private(own=own, author=ADA, channel_id="5", letter=letter, gone=gone, now=NOW)


def edit(own: Account, text: str, *, at: datetime = NOW, letter: Letter = LETTER) -> bool:
    changed = replace(letter, text=text, edited_at=at)
    return inbound.receive_edit(own=own, author=ADA, channel_id="5", letter=changed, now=NOW)


def delete(own: Account, *keys: str) -> int:
    return inbound.receive_deletion(own=own, channel_id="5", message_ids=keys or ("1000",), now=NOW)


def opt_in() -> None:
    consent.grant(user_id=ADA.external_id, source="slash_command", evidence="1", actor=ADA.external_id)


@pytest.mark.django_db
class TestReceiveEdit:
    def test_of_an_unknown_message_takes_it_in_as_new(self) -> None:
        assert edit(make_bot(), "Hello")
        message = Message.objects.get()
        assert (message.message_text, message.sent_at, message.edited_at) == ("Hello", LETTER.sent_at, NOW)
        assert UserProfile.objects.get().interaction_count == 1

    def test_of_one_older_than_is_kept_stores_nothing_but_hears_a_stop(self) -> None:
        own = make_bot()
        receive(own)
        opt_in()
        Message.objects.all().delete()
        old = replace(LETTER, external_id="1", sent_at=NOW - 400 * DAY)
        assert not edit(own, "Hello again", letter=old)
        assert edit(own, "stop", at=NOW + DAY, letter=old)
        assert not Message.objects.filter(is_outgoing=False).exists()
        assert ConsentReceipt.objects.latest("id").state == "withdrawn"

    def test_of_a_stop_from_before_the_yes_changes_no_consent(self) -> None:
        own = make_bot()
        receive(own)
        opt_in()
        assert edit(own, "stop", at=NOW - DAY)
        assert ConsentReceipt.objects.latest("id").state == "granted"

    def test_that_comes_twice_counts_once(self) -> None:
        own = make_bot()
        receive(own)
        assert edit(own, "Hello")
        assert not edit(own, "Hello")
        assert UserProfile.objects.get().interaction_count == 1


@pytest.mark.django_db
class TestReceiveDeletion:
    def test_leaves_nothing_that_rests_on_the_words(self) -> None:
        own = make_bot()
        receive(own, replace(LETTER, text="I hate this, I am furious"))
        assert MessageEmotion.objects.exists()
        assert delete(own) == 1
        assert delete(own) == 0
        assert not MessageEmotion.objects.exists()
        assert places_with("furious") == []

    def test_in_another_channel_changes_nothing(self) -> None:
        own = make_bot()
        receive(own)
        assert inbound.receive_deletion(own=own, channel_id="6", message_ids=["1000"], now=NOW) == 0
        assert inbound.receive_deletion(own=make_bot(), channel_id="5", message_ids=["1000"], now=NOW) == 0

    def test_before_the_message_keeps_its_words_out_and_hears_its_stop(self) -> None:
        own = make_bot()
        receive(own, replace(LETTER, external_id="1"))
        opt_in()
        assert receive(own, replace(LETTER, text="stop"), gone=(1000,))
        assert not receive(own, replace(LETTER, text="stop"), gone=(1000,))
        assert Message.objects.get(external_message_id="1000").message_text == inbox.TAKEN_BACK
        assert ConsentReceipt.objects.latest("id").state == "withdrawn"


@pytest.mark.django_db
class TestReceiveChannel:
    POST = Post(7, "Good morning", NOW - MINUTE)

    def post(self, post: Post = POST, *, gone: tuple[int, ...] = ()) -> bool:
        return inbound.receive_channel(author=ADA, channel=GENERAL, post=post, gone=gone, now=NOW)

    def edit(self, text: str, *, number: int = 7) -> bool:
        post = Post(number, text, NOW - MINUTE, NOW)
        return inbound.receive_channel_edit(author=ADA, channel=GENERAL, post=post, now=NOW)

    def test_keeps_no_words_unless_the_community_wants_it(self) -> None:
        assert self.post()
        assert not self.edit("Good evening")
        assert ChannelActivity.objects.get().text == ""

    def test_of_a_deleted_message_keeps_no_words(self, settings: Any) -> None:
        settings.DISCORD_KEEP_CHANNEL_TEXTS = True
        assert self.post(gone=(7,))
        assert ChannelActivity.objects.get().text == ""
        late = Post(7, "Good evening", NOW - MINUTE, NOW + MINUTE)  # Discord's clock may be ahead of ours
        inbound.receive_channel_edit(author=ADA, channel=GENERAL, post=late, gone=(7,), now=NOW)
        assert ChannelActivity.objects.get().text == ""

    def test_takes_in_an_edit_of_what_was_missed(self, settings: Any) -> None:
        settings.DISCORD_KEEP_CHANNEL_TEXTS = True
        assert self.edit("Good evening", number=8)
        assert ChannelActivity.objects.get().text == "Good evening"
        assert UserProfile.objects.get().interaction_count == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Events of several shards, and of processes that overlap."""

    def test_first_messages_make_one_conversation_and_count_once_each(self) -> None:  # PEERS 3
        own = make_bot()

        def act(index: int) -> bool:
            return receive(own, replace(LETTER, external_id=str(index // 2)))

        assert sorted(at_once(6, act)) == [False] * 3 + [True] * 3
        assert Conversation.objects.get().unread_count == 3
        assert UserProfile.objects.get().interaction_count == 3

    def test_two_edits_end_with_the_newer_one(self) -> None:
        own = make_bot()
        receive(own)
        at_once(4, lambda index: edit(own, f"number {index}", at=NOW + index * MINUTE))
        assert Message.objects.get().message_text == "number 3"

    def test_an_edit_and_a_deletion_end_without_words(self) -> None:
        own = make_bot()
        for number in range(4):
            letter = replace(LETTER, external_id=str(number))
            receive(own, letter)

            def act(index: int, letter: Letter = letter) -> None:
                if index:
                    edit(own, "Changed", letter=letter)
                else:
                    delete(own, letter.external_id)

            at_once(2, act)
        assert set(Message.objects.values_list("message_text", flat=True)) == {inbox.TAKEN_BACK}
        assert UserProfile.objects.get().emotion_history == []

    def test_nothing_comes_back_of_who_is_being_forgotten(self) -> None:
        """Whoever is met again at that moment is a stranger, with what they have just written."""
        own = make_bot()
        for number in range(5):
            receive(own, replace(LETTER, external_id=f"1{number}", text="Long ago"))
            opt_in()

            def act(index: int, number: int = number) -> None:
                if index == 0:
                    user_id = ADA.external_id
                    privacy.forget(user_id=user_id, source="api", evidence="x", actor="x", now=NOW)
                elif index == 1:
                    receive(own, replace(LETTER, external_id=f"2{number}", text="Just now"))
                elif index == 2:
                    delete(own, f"1{number}")
                else:
                    post = Post(number, "", NOW)
                    inbound.receive_channel(author=ADA, channel=GENERAL, post=post, now=NOW)

            at_once(4, act)

            assert not ConsentReceipt.objects.exists()
            assert not UserProfile.objects.filter(follow_ups_enabled=True).exists()
            assert set(Message.objects.values_list("message_text", flat=True)) <= {"Just now"}
            Conversation.objects.all().delete()
            UserProfile.objects.all().delete()
