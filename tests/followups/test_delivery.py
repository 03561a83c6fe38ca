"""Delivery: what the relay asks, and what it tells afterwards."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from followups import delivery, responses
from followups.models import FollowUpHistory, PolicyDecision, UserProfile
from followups.policy import Gate, Verdict
from jobs import pauses
from socialmedia import inbox, outbox
from socialmedia.desk import threads
from socialmedia.models import Message, MessageTemplate
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    make_automated,
    make_member,
    make_queued,
    make_sent,
    make_thread,
    opt_out,
)


@pytest.mark.django_db
class TestMaySend:
    def test_lets_a_follow_up_go(self) -> None:
        follow_up = make_queued(make_member())
        assert follow_up.message is not None

        assert delivery.may_send(follow_up.message, now=NOON).verdict is Verdict.SEND
        assert PolicyDecision.objects.filter(follow_up_id=follow_up.pk, asked_by="relay", verdict="send").exists()

    def test_holds_when_the_night_has_begun(self, settings: Any) -> None:
        settings.FOLLOW_UP_JITTER_MINUTES = 0
        message = make_queued(make_member(timezone="Europe/London")).message
        assert message is not None

        decision = delivery.may_send(message, now=NOON + 9 * HOUR)

        assert (decision.verdict, decision.gate) == (Verdict.HOLD, Gate.QUIET_HOURS)
        assert decision.until == NOON + 21 * HOUR

    def test_drops_when_the_member_has_opted_out_while_the_relay_held_it(self) -> None:
        member = make_member()
        follow_up = make_queued(member)
        thread = make_thread(member)
        (claimed,) = outbox.claim(account=thread.account, limit=1, lease=timedelta(seconds=30))
        opt_out(member)

        decision = delivery.may_send(claimed.message, now=NOON)
        delivery.on_suppressed(claimed.message, decision=decision, now=NOON)

        follow_up.refresh_from_db()
        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.CONSENT)
        assert (follow_up.status, follow_up.reason[:8]) == ("skipped", "consent:")

    def test_drops_what_is_no_longer_pending(self) -> None:
        member = make_member()
        message = make_queued(member).message
        opt_out(member)
        assert message is not None

        decision = delivery.may_send(message, now=NOON)

        assert decision.verdict is Verdict.DROP
        assert "cancelled" in decision.reason

    @pytest.mark.parametrize("shut", [threads.block, threads.mark_spam])
    def test_lets_only_asked_for_answers_into_a_conversation_that_staff_have_shut(self, shut: Any) -> None:
        member = make_member()
        follow_up, automated, thread = make_queued(member), make_automated(member), make_thread(member)
        answer = outbox.queue_reply(conversation=thread, text="You are opted out.", now=NOON)
        from_staff = outbox.queue_reply(conversation=thread, text="Hi!", metadata={"staff": "Ann"}, now=NOON)
        shut(thread.pk, by="ann", now=NOON)
        assert follow_up.message is not None
        for message in (follow_up.message, automated, from_staff):
            decision = delivery.may_send(message, now=NOON)
            assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.REACHABLE)
        assert delivery.may_send(answer, now=NOON).verdict is Verdict.SEND

    def test_does_not_hold_a_message_for_a_younger_one(self) -> None:
        """Two in the outbox at once must not wait for each other."""
        member = make_member(follow_up_frequency_hours=1)
        first = make_queued(member, trigger="custom")
        assert first.message is not None
        Message.objects.filter(pk=first.message_id).update(status="suppressed")
        second = make_queued(member, trigger="post_event")
        Message.objects.filter(pk=first.message_id).update(status="queued")
        assert second.message is not None

        assert delivery.may_send(first.message, now=NOON).verdict is Verdict.SEND
        assert delivery.may_send(second.message, now=NOON).verdict is Verdict.HOLD

    def test_lets_answers_go_to_anybody(self) -> None:
        thread = make_thread(make_member(opted_in=False))
        reply = outbox.queue_reply(conversation=thread, text="Sure.", now=NOON)

        assert delivery.may_send(reply, now=NOON).verdict is Verdict.SEND

    def test_asks_for_consent_of_other_automated_messages(self) -> None:
        member = make_member()
        message = make_automated(member)
        assert delivery.may_send(message, now=NOON).verdict is Verdict.SEND
        opt_out(member)

        decision = delivery.may_send(message, now=NOON)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.CONSENT)


@pytest.mark.django_db
class TestMaySendWhilePaused:
    """PEERS 34: off is asked at the claim and just before the call."""

    @pytest.mark.parametrize("job_type", ["follow_up_message", "*"])
    def test_holds_what_is_written_for_a_few_minutes_at_a_time(self, job_type: str) -> None:
        message = make_queued(make_member()).message
        assert message is not None
        pauses.pause(job_type, by="ada", now=NOON)

        decision = delivery.may_send(message, now=NOON)

        assert (decision.verdict, decision.gate) == (Verdict.HOLD, Gate.SWITCH)
        assert decision.until == NOON + delivery.PAUSE_LOOK
        pauses.resume(job_type, by="ada")
        assert delivery.may_send(message, now=NOON).verdict is Verdict.SEND

    def test_notes_a_long_pause_once(self) -> None:
        follow_up = make_queued(make_member())
        assert follow_up.message is not None
        pauses.pause("follow_up_message", by="ada", now=NOON)

        for minutes in (0, 2, 4):
            delivery.may_send(follow_up.message, now=NOON + timedelta(minutes=minutes))

        assert PolicyDecision.objects.filter(follow_up_id=follow_up.pk, gate="switch").count() == 1

    def test_holds_every_message_that_nobody_asked_for(self) -> None:
        message = make_automated(make_member())
        pauses.pause("follow_up_message", by="ada", now=NOON)

        assert delivery.may_send(message, now=NOON).verdict is Verdict.HOLD

    def test_lets_answers_go(self) -> None:
        reply = outbox.queue_reply(conversation=make_thread(make_member()), text="Sure.", now=NOON)
        pauses.pause("follow_up_message", by="ada", now=NOON)

        assert delivery.may_send(reply, now=NOON).verdict is Verdict.SEND

    def test_still_drops_what_must_not_be_sent(self) -> None:
        member = make_member()
        message = make_automated(member)
        opt_out(member)
        pauses.pause("follow_up_message", by="ada", now=NOON)

        assert delivery.may_send(message, now=NOON).verdict is Verdict.DROP


@pytest.mark.django_db
class TestOnSent:
    def test_records_the_delivery(self) -> None:
        member = make_member()
        follow_up = make_queued(member)
        assert follow_up.message is not None

        delivery.on_sent(follow_up.message, now=NOON + HOUR)

        follow_up.refresh_from_db()
        member.refresh_from_db()
        history = FollowUpHistory.objects.get()
        assert (follow_up.status, follow_up.executed_at) == ("executed", NOON + HOUR)
        assert (history.follow_up, history.sent_at) == (follow_up, NOON + HOUR)
        assert history.message_sent == follow_up.message_content
        assert member.last_follow_up_sent == NOON + HOUR

    def test_twice_changes_nothing(self) -> None:
        member = make_member()
        follow_up = make_queued(member)
        assert follow_up.message is not None
        delivery.on_sent(follow_up.message, now=NOON)

        delivery.on_sent(follow_up.message, now=NOON + HOUR)

        follow_up.refresh_from_db()
        member.refresh_from_db()
        assert follow_up.executed_at == member.last_follow_up_sent == NOON
        assert FollowUpHistory.objects.count() == 1

    def test_never_moves_the_last_one_back(self) -> None:
        member = make_member()
        follow_up = make_queued(member)
        UserProfile.objects.filter(pk=member.pk).update(last_follow_up_sent=NOON + DAY)
        assert follow_up.message is not None

        delivery.on_sent(follow_up.message, now=NOON)

        member.refresh_from_db()
        assert member.last_follow_up_sent == NOON + DAY

    def test_records_what_arrived_though_it_was_stopped(self) -> None:
        member = make_member()
        follow_up = make_queued(member)
        opt_out(member)
        assert follow_up.message is not None

        delivery.on_sent(follow_up.message, now=NOON)

        follow_up.refresh_from_db()
        assert follow_up.status == "executed"
        assert FollowUpHistory.objects.filter(user=member).exists()

    def test_leaves_answers_alone(self) -> None:
        thread = make_thread(make_member())

        delivery.on_sent(outbox.queue_reply(conversation=thread, text="Sure.", now=NOON), now=NOON)

        assert not FollowUpHistory.objects.exists()

    def test_counts_the_use_of_the_template_once(self) -> None:
        message = make_queued(make_member(locale="fr", relationship_level=4)).message
        assert message is not None
        template = MessageTemplate.objects.get(key="custom", locale="fr", level=4)
        assert (template.times_used, template.last_used_at) == (0, None)

        delivery.on_sent(message, now=NOON)
        delivery.on_sent(message, now=NOON + HOUR)

        template.refresh_from_db()
        assert (template.times_used, template.last_used_at) == (1, NOON)
        history = FollowUpHistory.objects.get()
        assert (history.template_id, history.template_key, history.locale) == (template.pk, "custom", "fr")
        assert (history.relationship_level, history.emotion, history.composed_by) == (4, "neutral", "template")


@pytest.mark.django_db
class TestAnswerBeforeTheRecord:
    def answer(self, member: UserProfile, *, at: datetime, key: str = "1") -> None:
        message = inbox.record_inbound(
            conversation=make_thread(member), external_message_id=key, text="Fine!", sent_at=at, now=at
        )
        assert message is not None
        responses.record_activity(member, at=at, is_private=True, now=at)

    def test_moves_from_the_older_follow_up_to_the_one_it_came_after(self) -> None:
        member = make_member()
        message = make_queued(member).message
        assert message is not None
        older = make_sent(member, at=NOON - DAY)
        self.answer(member, at=NOON + 2 * HOUR)

        delivery.on_sent(message, now=NOON + HOUR)

        older.refresh_from_db()
        newer = FollowUpHistory.objects.exclude(pk=older.pk).get()
        assert (older.response_received, older.response_time) == (False, None)
        assert (newer.response_received, newer.response_time) == (True, NOON + 2 * HOUR)

    def test_leaves_what_came_before_or_belongs_to_a_later_one(self) -> None:
        member = make_member()
        message = make_queued(member).message
        assert message is not None
        older, later = make_sent(member, at=NOON - DAY), make_sent(member, at=NOON + 3 * HOUR)
        self.answer(member, at=NOON - HOUR)
        self.answer(member, at=NOON + 4 * HOUR, key="2")

        delivery.on_sent(message, now=NOON + HOUR)

        answered = FollowUpHistory.objects.filter(response_received=True)
        assert {row.pk: row.response_time for row in answered} == {older.pk: NOON - HOUR, later.pk: NOON + 4 * HOUR}


@pytest.mark.django_db(transaction=True)
class TestOnSentAtOnce:
    def test_writes_one_history_row(self) -> None:
        message = make_queued(make_member()).message
        assert message is not None

        at_once(3, lambda _: delivery.on_sent(message, now=NOON))

        assert FollowUpHistory.objects.count() == 1


@pytest.mark.django_db
class TestOnFailed:
    def test_marks_the_member_unreachable_until_they_write(self) -> None:
        member = make_member()
        follow_up = make_queued(member)
        assert follow_up.message is not None

        delivery.on_failed(follow_up.message, reason="50007", unreachable=True, now=NOON)

        follow_up.refresh_from_db()
        member.refresh_from_db()
        assert (follow_up.status, follow_up.error_message, follow_up.retry_count) == ("failed", "50007", 1)
        assert member.unreachable_since == NOON

    def test_keeps_a_member_reachable_for_other_reasons(self) -> None:
        member = make_member()
        message = make_queued(member).message
        assert message is not None

        delivery.on_failed(message, reason="too long", unreachable=False, now=NOON)

        member.refresh_from_db()
        assert member.unreachable_since is None


@pytest.mark.django_db
class TestHistoryOfTheCap:
    def test_survives_the_pruning_of_plans(self) -> None:
        from followups import facts

        member = make_member()
        make_sent(member, at=NOON - DAY)
        follow_up = make_queued(make_member(), trigger="post_event")
        assert follow_up.message is not None
        delivery.on_sent(follow_up.message, now=NOON)
        follow_up.delete()

        known = facts.gather(follow_up.user_id, "custom", now=NOON)

        assert [entry.trigger for entry in known.sent] == ["post_event"]


def make_doubtful(member: UserProfile) -> Message:
    """A follow-up's message that may or may not have arrived."""
    message = make_queued(member).message
    assert message is not None
    Message.objects.filter(pk=message.pk).update(status="unknown", first_attempt_at=NOON)
    message.refresh_from_db()
    return message


@pytest.mark.django_db
class TestSettleUnknown:
    def test_counts_it_as_sent_when_the_first_attempt_was_made(self) -> None:
        member = make_member()
        message = make_doubtful(member)

        assert delivery.settle_unknown(message, arrived=True, by="anna", now=NOON + DAY) is True

        message.refresh_from_db()
        assert (message.status, message.delivered_at) == ("sent", NOON)
        assert message.follow_up.status == "executed"
        assert FollowUpHistory.objects.get().sent_at == NOON

    def test_fails_the_follow_up_when_it_did_not_arrive(self) -> None:
        message = make_doubtful(make_member())

        assert delivery.settle_unknown(message, arrived=False, by="anna", now=NOON + DAY) is True

        message.refresh_from_db()
        assert (message.status, message.follow_up.status) == ("failed", "failed")
        assert "anna" in message.follow_up.error_message
        assert not FollowUpHistory.objects.exists()

    def test_changes_nothing_the_second_time(self) -> None:
        message = make_doubtful(make_member())
        delivery.settle_unknown(message, arrived=True, by="anna", now=NOON)

        assert delivery.settle_unknown(message, arrived=False, by="ben", now=NOON) is False

        message.refresh_from_db()
        assert (message.status, message.follow_up.status) == ("sent", "executed")
