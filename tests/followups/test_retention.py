"""Which messages and decisions are forgotten, and what must outlive them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from bots import inbound
from bots.catching_up import CLOCK_TOLERANCE
from followups import flags, ledger
from followups.models import (
    ConsentReceipt,
    Draft,
    FollowUp,
    FollowUpHistory,
    MessageEmotion,
    PolicyDecision,
    StaffFlag,
)
from followups.policy import Decision, Verdict
from jobs import cleanup, pruning
from jobs.models import ScheduledJob
from socialmedia import activity, inbox, retention
from socialmedia.activity import ChannelRef
from socialmedia.models import ChannelActivity, Conversation, Message
from tests.followups.factories import (
    DAY,
    NOON,
    make_automated,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
    say,
)

pytestmark = pytest.mark.django_db
OLD = NOON - 400 * DAY
GENERAL = ChannelRef(external_id="10", name="general", guild_id="1", guild_name="Garden")


def write(thread: Conversation, key: str, *, at: Any, ours: bool = False, **more: Any) -> Message:
    """A message of a thread, sent at a time."""
    return Message.objects.create(
        conversation=thread,
        external_message_id=key,
        message_text=f"Words {key}",
        is_outgoing=ours,
        status=more.pop("status", "sent"),
        sent_at=at,
        **more,
    )


def forget(type_name: str = "old_conversations") -> int:
    return sum(removal.removed for removal in cleanup.clean(type_name, now=NOON))


def left() -> list[str]:
    return sorted(Message.objects.values_list("external_message_id", flat=True))


class TestOldConversations:
    def test_loses_messages_older_than_the_setting_both_ways(self, settings: Any) -> None:
        thread = make_thread(make_member())
        write(thread, "in", at=OLD)
        write(thread, "out", at=OLD, ours=True)
        write(thread, "new", at=NOON - 100 * DAY)
        settings.CONVERSATION_KEEP_DAYS = 401
        assert forget() == 0
        settings.CONVERSATION_KEEP_DAYS = 399
        assert forget() == 2
        assert left() == ["new"]

    def test_keeps_the_last_day_of_each_conversation(self) -> None:
        ours, theirs = make_thread(make_member()), make_thread(make_member())
        for thread, end in ((ours, True), (theirs, False)):
            write(thread, f"{end} long before", at=OLD - 2 * DAY)
            write(thread, f"{end} before", at=OLD - timedelta(hours=20))
            write(thread, f"{end} newest", at=OLD, ours=end)
        assert forget() == 2
        assert left() == ["False before", "False newest", "True before", "True newest"]

    def test_keeps_the_mark_up_to_which_the_bot_has_read(self) -> None:
        """Reading on from there, it must meet nothing that it would take for new."""
        profile = make_member()
        thread = make_thread(profile)
        Conversation.objects.filter(pk=thread.pk).update(external_channel_id="77")
        for number in range(6):
            write(thread, f"in {number}", at=OLD - number * timedelta(minutes=1))
            write(thread, f"older {number}", at=OLD - 5 * DAY - number * DAY)
        for number in range(3):
            write(thread, f"out {number}", at=NOON - 10 * DAY - number * DAY, ours=True)

        def mark() -> inbound.Thread:
            (found,) = inbound.threads_to_read(
                own=thread.account, deaf_since=NOON - 2 * DAY, active_since=NOON - DAY, limit=5
            )
            return found

        before = mark()
        seen_again = set(
            Message.objects.filter(sent_at__gte=before.read_until - CLOCK_TOLERANCE).values_list(
                "external_message_id", flat=True
            )
        )
        assert forget() == 6
        assert mark() == before
        assert seen_again <= set(Message.objects.values_list("external_message_id", flat=True))

    @pytest.mark.parametrize("status", ["queued", "sending", "unknown"])
    def test_keeps_what_is_not_settled(self, status: str) -> None:
        profile = make_member()
        state: dict[str, Any] = {"status": status, "sent_at": OLD}
        if status == "sending":
            state |= {"lease_token": "7a0c0b5e-9a53-4b1c-8f3a-0f6a4b1f1d11", "lease_expires_at": NOON}
        message = make_automated(profile)
        Message.objects.filter(pk=message.pk).update(**state)
        write(message.conversation, "later", at=NOON)
        assert forget() == 0

    @pytest.mark.parametrize("status", ["sent", "failed", "suppressed"])
    def test_deletes_what_is_settled(self, status: str) -> None:
        message = make_automated(make_member())
        Message.objects.filter(pk=message.pk).update(status=status, sent_at=OLD)
        write(message.conversation, "later", at=NOON)
        assert forget() == 1

    def test_keeps_the_message_of_a_follow_up_its_history_and_every_receipt(self) -> None:
        profile = make_member()
        follow_up = make_queued(profile)
        Message.objects.filter(pk=follow_up.message_id).update(status="sent", sent_at=OLD)
        make_sent(profile, at=OLD)
        write(make_thread(profile), "later", at=NOON)
        receipts = ConsentReceipt.objects.count()
        assert forget() == 0
        follow_up.refresh_from_db()
        assert follow_up.message is not None
        assert (FollowUpHistory.objects.count(), ConsentReceipt.objects.count()) == (1, receipts)

    def test_lets_go_of_the_message_that_a_younger_one_answers(self) -> None:
        thread = make_thread(make_member())
        asked = write(thread, "asked", at=OLD)
        write(thread, "answered", at=NOON, ours=True, reply_to_message=asked)
        write(thread, "later", at=NOON)
        assert forget() == 1
        assert Message.objects.get(external_message_id="answered").reply_to_message is None

    def test_keeps_the_conversation_and_what_it_shows(self) -> None:
        thread = make_thread(make_member())
        for key, at in (("first", OLD - 5 * DAY), ("last", OLD)):
            inbox.record_inbound(conversation=thread, external_message_id=key, text=key, sent_at=at, now=at)
        assert forget() == 1
        thread.refresh_from_db()
        assert (thread.last_message_preview, thread.conversation_started_at) == ("last", OLD - 5 * DAY)


class TestDrafts:
    def test_go_with_the_conversations_but_for_those_that_may_be_sent(self) -> None:
        for number, status in enumerate(["used", "failed", "void", "rejected", "waiting", "approved"]):
            member = make_member()
            draft = Draft.objects.create(follow_up=make_plan(member), status=status, text=f"Words {number}")
            Draft.objects.filter(pk=draft.pk).update(created_at=OLD)
        young = Draft.objects.create(follow_up=make_plan(make_member()), status="used", text="Young")
        Draft.objects.filter(pk=young.pk).update(created_at=NOON - 300 * DAY)
        assert forget() == 4
        assert set(Draft.objects.values_list("status", flat=True)) == {"waiting", "approved", "used"}
        assert Draft.objects.filter(pk=young.pk).exists()


class TestFlags:
    def test_go_when_they_were_settled_long_ago(self) -> None:
        for settled_at in (OLD, NOON - 300 * DAY, None):
            flag = flags.raise_flag(kind="escalation", user_id=make_member().pk, detail="Sounded sad.", now=OLD)
            StaffFlag.objects.filter(pk=flag.pk).update(settled_at=settled_at, settled_by="boss")
        assert forget() == 1
        assert set(StaffFlag.objects.values_list("settled_at", flat=True)) == {NOON - 300 * DAY, None}


class TestMoods:
    def test_of_a_message_go_with_it(self) -> None:
        member = make_member()
        for at in (OLD - 5 * DAY, OLD):
            say(member, "I love this!", at=at, now=at)
        assert forget() == 1
        assert list(MessageEmotion.objects.values_list("sent_at", flat=True)) == [OLD]


class TestDecisions:
    def test_are_kept_as_long_as_the_setting_says(self, settings: Any) -> None:
        for at in (OLD, NOON - DAY):
            made = ledger.record(Decision(Verdict.SEND), user_id="1", trigger="custom", asked_by="planning")
            PolicyDecision.objects.filter(pk=made.pk).update(decided_at=at)
        settings.DECISION_KEEP_DAYS = 401
        assert forget("decisions") == 0
        settings.DECISION_KEEP_DAYS = 30
        assert forget("decisions") == 1
        assert PolicyDecision.objects.get().decided_at == NOON - DAY


class TestEverything:
    def test_leaves_the_follow_ups_themselves(self) -> None:
        profile = make_member()
        plan = make_queued(profile)
        ScheduledJob.objects.update(
            status="completed", scheduled_time=OLD, completed_at=OLD, lease_token=None, lease_expires_at=None
        )
        removed = {removal.kind: removal.removed for removal in cleanup.clean("everything", now=NOON)}
        assert removed["jobs"] == 1
        assert FollowUp.objects.get() == plan


class TestChannelTexts:
    def test_are_emptied_and_that_somebody_wrote_stays(self, settings: Any) -> None:
        settings.CONVERSATION_KEEP_DAYS = 100
        author = make_member().account
        for key, at in ((1, OLD), (2, NOON - 99 * DAY)):
            activity.record(message_id=key, channel=GENERAL, author=author, sent_at=at, text=f"Words {key}")
        activity.record(message_id=3, channel=GENERAL, author=author, sent_at=OLD)

        (found,) = [found for found in cleanup.survey("old_conversations", now=NOON) if found.kind == "channel_texts"]
        assert (found.total, found.removable, found.oldest) == (2, 1, OLD)
        assert forget() == 1
        assert forget() == 0
        assert dict(ChannelActivity.objects.values_list("pk", "text")) == {1: "", 2: "Words 2", 3: ""}

    def test_go_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "BATCH", 2)
        author = make_member().account
        for key in range(5):
            activity.record(message_id=key, channel=GENERAL, author=author, sent_at=OLD, text="Words")
        texts = retention.channel_texts(lambda: DAY)
        assert [step.removed for step in texts.delete(before=NOON)] == [2, 2, 1]

    def test_are_found_by_their_index(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN SELECT 1 FROM channel_activity WHERE text <> '' AND sent_at < now()")
            assert "idx_activity_texts" in "\n".join(row[0] for row in cursor.fetchall())
