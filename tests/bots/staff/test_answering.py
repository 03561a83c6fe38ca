"""Staff answer members from their thread: through the one outbox, once, and only whom they may write to."""

import pytest
from pytest_django import Settings

from bots.models import StaffThread
from bots.people import Person
from bots.staff import answering
from bots.staff.answering import CannotAnswer
from followups.models import UserProfile
from socialmedia.desk import reply_texts, threads
from socialmedia.models import Conversation, Message
from tests.followups.factories import NOON, make_member, make_thread, say

pytestmark = pytest.mark.django_db

CHANNEL = 4000
ANN = Person(external_id="77", username="ann", display_name="Ann")
THREAD = 4242


@pytest.fixture(autouse=True)
def staff_channel(settings: Settings) -> None:
    settings.DISCORD_STAFF_CHANNEL = CHANNEL


def make_staff_thread(profile: UserProfile) -> Conversation:
    """A thread that stands for the member's private channel."""
    conversation = make_thread(profile)
    StaffThread.objects.create(
        conversation=conversation, account=conversation.account, channel_id=str(CHANNEL), thread_id=str(THREAD)
    )
    return conversation


def answer(
    text: str = "We miss you!", *, thread_id: int = THREAD, evidence: str = "message 1", has_files: bool = False
) -> Message | None:
    """Answer as Ann."""
    return answering.answer(thread_id=thread_id, text=text, by=ANN, evidence=evidence, has_files=has_files, now=NOON)


class TestAnswer:
    def test_is_queued_once_with_its_author(self) -> None:
        member = make_member(opted_in=False)
        conversation = make_staff_thread(member)
        say(member, "Hello?")
        queued = answer("  We miss you!  ")
        assert queued is not None
        assert (queued.conversation_id, queued.status, queued.message_text) == (
            conversation.pk,
            "queued",
            "We miss you!",
        )
        assert (queued.is_automated, queued.metadata["staff"], queued.metadata["staff_id"]) == (False, "Ann", "77")
        assert answer() is None
        assert Message.objects.filter(is_outgoing=True).count() == 1

    def test_reaches_who_has_opted_in_without_having_written(self) -> None:
        make_staff_thread(make_member())
        assert answer() is not None

    @pytest.mark.parametrize("text", ["", " \x00 ", "x" * (reply_texts.LONGEST + 1)])
    def test_has_words(self, text: str) -> None:
        make_staff_thread(make_member())
        with pytest.raises(CannotAnswer, match="has 1 to 4,000 characters"):
            answer(text)

    def test_is_not_sent_without_the_files_that_came_with_it(self) -> None:
        make_staff_thread(make_member())
        with pytest.raises(CannotAnswer, match="words only"):
            answer(has_files=True)

    def test_does_not_go_to_who_did_not_ask(self) -> None:
        make_staff_thread(make_member(opted_in=False))
        with pytest.raises(CannotAnswer, match="has not opted in"):
            answer()
        assert not Message.objects.exists()

    def test_does_not_go_to_who_cannot_be_reached(self) -> None:
        make_staff_thread(make_member(unreachable_since=NOON))
        with pytest.raises(CannotAnswer, match="must write first"):
            answer()

    def test_does_not_go_into_a_conversation_that_is_shut(self) -> None:
        member = make_member()
        conversation = make_staff_thread(member)
        say(member, "Buy this!")
        threads.mark_spam(conversation.pk, by="ann", now=NOON)
        with pytest.raises(CannotAnswer, match="marked as spam"):
            answer()
        threads.unmark_spam(conversation.pk, now=NOON)
        threads.block(conversation.pk, by="ann", now=NOON)
        with pytest.raises(CannotAnswer, match="is blocked"):
            answer()

    def test_belongs_into_a_members_thread(self) -> None:
        with pytest.raises(CannotAnswer, match="thread of the member"):
            answer(thread_id=1)

    def test_is_not_given_below_a_channel_that_is_the_staffs_no_more(self, settings: Settings) -> None:
        make_staff_thread(make_member())
        settings.DISCORD_STAFF_CHANNEL = CHANNEL + 1
        with pytest.raises(CannotAnswer, match="below the staff channel"):
            answer()

    def test_finds_nobody_after_the_member_was_forgotten(self) -> None:
        make_staff_thread(make_member())
        StaffThread.objects.update(conversation=None)
        with pytest.raises(CannotAnswer, match="thread of the member"):
            answer()
