"""Execution: what happens when a follow-up's job runs."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from followups import conf, execution, planning
from followups.models import FollowUp, FollowUpHistory, PolicyDecision, UserProfile
from followups.planning import FollowUpMessage
from jobs import outcomes, runner
from jobs.errors import PermanentFailure, Snooze
from jobs.models import ScheduledJob
from jobs.registry import Attempt
from socialmedia.models import Account, Message, MessageTemplate
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    execute,
    execute_again,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
    opt_in,
    opt_out,
    start_job,
)
from tests.socialmedia.factories import make_bot, make_conversation


@pytest.mark.django_db
class TestExecute:
    def test_queues_the_message_and_completes_the_job(self) -> None:
        make_bot()
        member = make_member(relationship_level=3, name="Ada")

        follow_up = execute(make_plan(member, trigger="post_event"))

        message = follow_up.message
        assert message is not None
        assert (message.status, message.is_automated, message.is_outgoing) == ("queued", True, True)
        assert message.conversation.participant_id == member.pk
        assert message.message_text == follow_up.message_content
        assert "Hey Ada!" in message.message_text
        assert message.template_used == follow_up.template_id == "post_event_neutral_emotion"
        assert follow_up.status == "pending"
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "completed"
        asked = PolicyDecision.objects.filter(follow_up_id=follow_up.pk).order_by("id")
        assert [(row.asked_by, row.verdict) for row in asked] == [("planning", "send"), ("execution", "send")]

    def test_uses_the_conversation_that_is_there(self) -> None:
        member = make_member()
        thread = make_thread(member)
        make_bot()

        message = execute(make_plan(member)).message

        assert message is not None
        assert message.conversation == thread

    def test_never_uses_a_conversation_with_somebody_elses_account(self) -> None:
        member = make_member()
        stranger = make_conversation(make_bot(), member.account)
        Account.objects.filter(pk=stranger.account_id).update(is_own=False)
        own = make_bot()

        message = execute(make_plan(member)).message

        assert message is not None
        assert message.conversation.account == own

    def test_skips_a_member_who_opted_out_after_planning(self) -> None:
        """The withdrawal cancels; even a plan that it missed is not written."""
        member = make_member()
        follow_up = make_plan(member)
        opt_out(member)
        FollowUp.objects.filter(pk=follow_up.pk).update(status="pending", cancelled_at=None)
        ScheduledJob.objects.filter(job_id=follow_up.job_id).update(status="pending", completed_at=None)

        execute(follow_up)

        assert follow_up.status == "skipped"
        assert follow_up.reason == "consent: The member has opted out; only those who opted in get messages."
        assert not Message.objects.exists()
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "completed"

    def test_skips_a_member_who_wrote_elsewhere_a_minute_ago(self) -> None:
        make_bot()
        member = make_member()
        follow_up = make_plan(member, trigger="inactivity")
        UserProfile.objects.filter(pk=member.pk).update(last_interaction=NOON - 60 * SECOND)

        execute(follow_up)

        assert (follow_up.status, follow_up.reason[:7]) == ("skipped", "active:")
        assert not Message.objects.exists()

    def test_holds_through_the_night(self, settings: Any) -> None:
        settings.FOLLOW_UP_JITTER_MINUTES = 0
        make_bot()
        follow_up = make_plan(make_member(timezone="Europe/Berlin"), due_at=NOON)

        with pytest.raises(Snooze) as held:
            execute(follow_up, now=NOON + 9 * HOUR)

        follow_up.refresh_from_db()
        assert held.value.until == datetime.fromisoformat("2026-11-19T09:00+01:00")
        assert (follow_up.status, follow_up.scheduled_at) == ("pending", NOON)
        ledger = PolicyDecision.objects.get(follow_up_id=follow_up.pk, asked_by="execution")
        assert (ledger.verdict, ledger.gate, ledger.held_until) == ("hold", "quiet_hours", held.value.until)
        assert not Message.objects.exists()

    def test_waits_for_a_bot_to_log_in(self) -> None:
        follow_up = make_plan(make_member())

        with pytest.raises(Snooze, match="No bot has logged in") as held:
            execute(follow_up)

        assert held.value.until == NOON + timedelta(seconds=60)

    def test_of_an_unknown_follow_up_fails_for_good(self) -> None:
        attempt = Attempt(
            job_id="j",
            job_type="follow_up_message",
            payload=FollowUpMessage(),
            scheduled_time=NOON,
            number=1,
            lease_token=uuid.uuid4(),
        )

        with pytest.raises(PermanentFailure, match="no follow-up ''"):
            execution.execute(attempt, now=NOON)

    def test_again_writes_no_second_message(self) -> None:
        follow_up = make_queued(make_member())
        ScheduledJob.objects.filter(job_id=follow_up.job_id).update(status="pending", completed_at=None)

        execute(follow_up, now=NOON + HOUR)

        assert Message.objects.count() == 1
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "completed"

    def test_of_a_cancelled_follow_up_only_completes(self) -> None:
        follow_up = make_plan(make_member())
        attempt = start_job(follow_up)
        assert planning.cancel_followup(follow_up.pk, reason="called off", now=NOON)

        execution.execute(attempt, now=NOON)

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason) == ("cancelled", "called off")
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "completed"

    def test_without_the_lease_leaves_nothing(self) -> None:
        make_bot()
        follow_up = make_plan(make_member())
        attempt = start_job(follow_up)
        ScheduledJob.objects.filter(job_id=follow_up.job_id).update(lease_token=uuid.uuid4())

        with pytest.raises(outcomes.LeaseLost):
            execution.execute(attempt, now=NOON)

        follow_up.refresh_from_db()
        assert follow_up.message is None
        assert not Message.objects.exists()

    def test_sends_nothing_when_the_database_fails(self) -> None:
        make_bot()
        follow_up = make_plan(make_member())
        attempt = start_job(follow_up)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE consent_receipts RENAME TO out_of_order")

        with pytest.raises(DatabaseError):
            execution.execute(attempt, now=NOON)

        assert not Message.objects.exists()

    def test_fails_clearly_when_no_template_is_published(self) -> None:
        make_bot()
        MessageTemplate.objects.filter(trigger="custom").update(status="retired")
        follow_up = make_plan(make_member())

        with pytest.raises(PermanentFailure, match="No published template for 'custom' suits"):
            execute(follow_up)

        follow_up.refresh_from_db()
        assert follow_up.status == "failed"
        assert follow_up.error_message.endswith("Publish one, then retry the job.")
        assert not Message.objects.exists()

    def test_sends_it_once_a_template_is_published_and_the_job_retried(self) -> None:
        make_bot()
        MessageTemplate.objects.filter(trigger="custom").update(is_active=False)
        follow_up = make_plan(make_member())
        with pytest.raises(PermanentFailure):
            execute(follow_up)
        MessageTemplate.objects.filter(trigger="custom").update(is_active=True)

        execute_again(follow_up, now=NOON + HOUR)

        assert (follow_up.status, follow_up.error_message) == ("pending", "")
        assert follow_up.message is not None

    def test_without_a_template_leaves_a_cancelled_one_cancelled(self) -> None:
        make_bot()
        MessageTemplate.objects.filter(trigger="custom").update(is_active=False)
        follow_up = make_plan(make_member())
        attempt = start_job(follow_up)
        assert planning.cancel_followup(follow_up.pk, reason="called off", now=NOON)

        execution.execute(attempt, now=NOON)

        follow_up.refresh_from_db()
        assert follow_up.status == "cancelled"

    def test_writes_down_how_it_was_written(self) -> None:
        make_bot()
        follow_up = execute(make_plan(make_member(locale="de", relationship_level=3)))
        template = MessageTemplate.objects.get(pk=follow_up.composition["template"])
        assert (template.key, template.locale, template.level) == ("custom", "de", 3)
        assert follow_up.composition["locale"] == "de"

    def test_takes_few_queries(self, django_assert_max_num_queries: Any) -> None:
        make_bot()
        member = make_member()
        make_thread(member)
        attempt = start_job(make_plan(member))

        with django_assert_max_num_queries(20):
            execution.execute(attempt, now=NOON)


@pytest.mark.django_db
class TestCaps:
    def test_hold_the_third_in_seven_days(self) -> None:
        make_bot()
        member = make_member()
        make_sent(member, at=NOON - 7 * DAY + SECOND, trigger="post_event")
        make_sent(member, at=NOON - 3 * DAY, trigger="emotion_based")
        follow_up = make_plan(member, due_at=NOON)
        assert follow_up.scheduled_at == NOON + SECOND

        with pytest.raises(Snooze) as held:
            execute(follow_up)

        assert held.value.until == NOON + SECOND
        execute_again(follow_up, now=NOON + SECOND)
        assert follow_up.message is not None

    def test_count_what_waits_in_the_outbox(self) -> None:
        member = make_member()
        first, second = make_queued(member, occasion="1"), make_plan(member, occasion="2")

        with pytest.raises(Snooze) as held:
            execute(second)

        assert first.message is not None
        assert held.value.until == NOON + 2 * DAY

    def test_count_what_may_have_arrived_from_its_attempt_on(self) -> None:
        member = make_member()
        first, second = make_queued(member, occasion="1"), make_plan(member, occasion="2")
        Message.objects.filter(pk=first.message_id).update(status="unknown", first_attempt_at=NOON)

        with pytest.raises(Snooze) as held:
            execute(second, now=NOON + 5 * HOUR)

        assert held.value.until == NOON + 2 * DAY

    def test_forget_what_never_left(self) -> None:
        member = make_member()
        first, second = make_queued(member, occasion="1"), make_plan(member, occasion="2")
        Message.objects.filter(pk=first.message_id).update(status="failed")

        assert execute(second).message is not None


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_only_one_passes_when_one_place_is_left(self) -> None:
        make_bot()
        for _ in range(5):
            member = make_member(follow_up_frequency_hours=1)
            make_sent(member, at=NOON - 3 * DAY)
            attempts = [start_job(make_plan(member, trigger=trigger)) for trigger in ("custom", "post_event")]

            def run(index: int, attempts: list[Attempt[FollowUpMessage]] = attempts) -> bool:
                try:
                    execution.execute(attempts[index], now=NOON)
                except Snooze:
                    return False
                return True

            assert sorted(at_once(2, run)) == [False, True]
            assert Message.objects.filter(conversation__participant_id=member.pk).count() == 1


@pytest.mark.django_db
class TestHandler:
    def test_runs_by_the_engine(self, settings: Any) -> None:
        settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0
        make_bot()
        member, now = make_member(), timezone.now()
        planned = planning.plan(user_id=member.pk, trigger="custom", due_at=now - HOUR, now=now - HOUR)
        assert planned.follow_up is not None

        assert runner.run_once() == 1

        assert ScheduledJob.objects.get().status == "completed"
        assert Message.objects.get().status == "queued"

    def test_puts_a_held_one_back_without_an_attempt(self) -> None:
        now = timezone.now()
        planning.plan(user_id=make_member().pk, trigger="custom", due_at=now - HOUR, now=now - HOUR)
        ScheduledJob.objects.update(next_attempt_at=now - HOUR)

        assert runner.run_once() == 1

        job = ScheduledJob.objects.get()
        assert (job.status, job.retry_count) == ("pending", 0)
        assert job.next_attempt_at > now

    def test_gets_nothing_to_do_for_an_opted_out_member(self) -> None:
        make_bot()
        member, now = make_member(opted_in=False), timezone.now()
        opt_in(member)
        planning.plan(user_id=member.pk, trigger="custom", due_at=now - HOUR, now=now - HOUR)
        opt_out(member, now=now)

        assert runner.run_once() == 0
        assert FollowUp.objects.get().status == "cancelled"
        assert not FollowUpHistory.objects.exists()
        assert conf.current().enabled
