"""What the model gets to know: this member's private conversation with us, and nothing else."""

from typing import Any

import pytest

from followups.llm import context
from followups.llm.context import Context
from followups.models import Goal, UserProfile
from socialmedia import inbox, outbox
from socialmedia.models import Account, Message
from tests.followups.factories import HOUR, NOON, SECOND, make_member, make_plan, make_thread
from tests.socialmedia.factories import make_bot, make_conversation

pytestmark = pytest.mark.django_db


def hear(member: UserProfile, text: str, *, at: Any = NOON) -> Message:
    """A private message of the member."""
    message = inbox.record_inbound(
        conversation=make_thread(member), external_message_id=f"{text}{at}"[:200], text=text, sent_at=at, now=NOON
    )
    assert message is not None
    return message


def gather(member: UserProfile, **more: Any) -> Context:
    """What the model would get to know now."""
    return context.gather(make_plan(member, **more), member, make_thread(member), now=NOON)


class TestGather:
    def test_takes_the_last_twenty_messages_oldest_first(self) -> None:
        member = make_member()
        for number in range(25):
            hear(member, f"number {number}", at=NOON - 100 * HOUR + number * SECOND)

        known = gather(member)

        assert [line.text for line in known.lines] == [f"number {number}" for number in range(5, 25)]
        assert known.newest_message_id == known.lines[-1].message_id

    def test_takes_nothing_that_others_wrote(self) -> None:
        member, other = make_member(), make_member()
        hear(other, "secret")

        assert gather(member).lines == ()
        assert context.gather(make_plan(member, occasion="2"), member, make_thread(other), now=NOON).lines == ()
        assert context.gather(make_plan(member, occasion="3"), member, None, now=NOON).newest_message_id is None

    def test_takes_nothing_from_another_conversation(self) -> None:
        member = make_member()
        elsewhere = make_conversation(make_bot(), member.account)
        inbox.record_inbound(conversation=elsewhere, external_message_id="1", text="x", sent_at=NOON, now=NOON)
        Account.objects.filter(pk=elsewhere.account_id).update(is_own=False)

        assert gather(member).lines == ()

    def test_leaves_out_what_is_not_sent_yet_and_what_lost_its_words(self) -> None:
        member = make_member()
        outbox.queue_reply(conversation=make_thread(member), text="Not there yet", now=NOON)
        gone = hear(member, "soon gone")
        Message.objects.filter(pk=gone.pk).update(message_text="", message_type="image", media_url="x")

        assert gather(member).lines == ()

    def test_shortens_long_messages(self) -> None:
        member = make_member()
        hear(member, "long " * 1000)

        assert len(gather(member).lines[0].text) == context.LONGEST_LINE

    def test_knows_the_goal_and_the_event_by_their_words(self) -> None:
        member = make_member(locale="pt-BR", escalation_count=3, interests=["rowing", "chess"])
        Goal.objects.create(user=member, text="Run 5_km", check_in_at=NOON)

        known = gather(member, trigger="post_event", trigger_data={"event": "Spring **Workshop**"})

        assert known.facts == {"goal": "Run 5_km", "event": "Spring **Workshop**", "interests": "rowing, chess"}
        assert (known.language, known.is_escalated) == ("pt", True)

    def test_takes_few_queries(self, django_assert_num_queries: Any) -> None:
        member = make_member()
        plan, thread = make_plan(member), make_thread(member)

        with django_assert_num_queries(3):
            context.gather(plan, member, thread, now=NOON)
