"""Planning: one occasion, one plan, and the sweep over quiet members."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from followups import facts, planning, policy
from followups.models import ConsentReceipt, FollowUp, PolicyDecision, UserProfile
from followups.planning import CannotPlan
from followups.policy import Gate, Verdict
from jobs import enqueue, runner
from jobs.models import ScheduledJob
from socialmedia.models import Account, Message
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    execute,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
    opt_out,
)
from tests.socialmedia.factories import make_bot


def plan_event(member: UserProfile, event_at: datetime, **more: Any) -> planning.Plan:
    return planning.plan(
        user_id=member.pk,
        trigger="post_event",
        trigger_data={"event_at": event_at.isoformat()},
        occasion=event_at.isoformat(),
        now=NOON,
        **more,
    )


@pytest.mark.django_db
class TestPlan:
    def test_writes_the_follow_up_its_job_and_the_ledger(self) -> None:
        member = make_member()

        follow_up = make_plan(member, due_at=NOON + 5 * HOUR, trigger_data={"text": "Hello"})

        follow_up.refresh_from_db()
        job = ScheduledJob.objects.get(job_id=follow_up.job_id)
        ledger = PolicyDecision.objects.get(follow_up_id=follow_up.pk)
        assert (follow_up.status, follow_up.scheduled_at) == ("pending", NOON + 5 * HOUR)
        assert follow_up.message_content == ""
        assert (job.job_type, job.payload) == ("follow_up_message", {"follow_up_id": follow_up.pk})
        assert (job.scheduled_time, job.next_attempt_at) == (follow_up.scheduled_at, follow_up.scheduled_at)
        assert (ledger.asked_by, ledger.verdict) == ("planning", "send")

    @pytest.mark.parametrize(
        ("trigger", "delay"),
        [
            ("inactivity", 48 * HOUR),
            ("post_event", 24 * HOUR),
            ("emotion_based", 24 * HOUR),
            ("re_engagement", 30 * DAY),
            ("custom", 48 * HOUR),
        ],
    )
    def test_is_due_after_the_triggers_own_delay(self, trigger: str, delay: timedelta) -> None:
        planned = planning.plan(user_id=make_member().pk, trigger=trigger, now=NOON)

        assert planned.follow_up is not None
        assert planned.follow_up.scheduled_at == NOON + delay

    def test_twice_gives_one_and_says_which(self) -> None:
        member = make_member()
        first = make_plan(member, occasion="booking-7")

        second = planning.plan(user_id=member.pk, trigger="custom", occasion="booking-7", now=NOON)

        assert (second.created, second.follow_up) == (False, first)
        assert ScheduledJob.objects.count() == 1

    def test_of_a_cancelled_occasion_works_again(self) -> None:
        member = make_member()
        first = make_plan(member)
        assert planning.cancel_followup(first.pk, reason="asked to", now=NOON)

        assert make_plan(member).pk != first.pk

    def test_refuses_what_the_policy_drops_and_records_why(self) -> None:
        member = make_member(opted_in=False)

        planned = planning.plan(user_id=member.pk, trigger="custom", now=NOON)

        assert (planned.follow_up, planned.created) == (None, False)
        assert planned.decision.gate is Gate.CONSENT
        assert PolicyDecision.objects.get(user_id=member.pk).verdict == "drop"
        assert not ScheduledJob.objects.exists()

    def test_plans_what_the_policy_holds_for_the_end_of_the_hold(self) -> None:
        member = make_member()
        make_sent(member, at=NOON - 40 * HOUR)

        held = make_plan(member, due_at=NOON)

        assert held.scheduled_at == NOON + 8 * HOUR
        assert PolicyDecision.objects.get(follow_up_id=held.pk).gate == "gap"

    def test_asks_the_policy_for_the_due_time(self) -> None:
        """Somebody who wrote just now may be asked in two days whether they are well, if they stay silent."""
        member = make_member(last_interaction=NOON - SECOND)

        now = planning.plan(user_id=member.pk, trigger="inactivity", due_at=NOON, now=NOON)
        later = planning.plan(user_id=member.pk, trigger="inactivity", now=NOON)

        assert now.decision.gate is Gate.ACTIVE
        assert later.created

    def test_refuses_the_eleventh_pending_one(self) -> None:
        member = make_member()
        for number in range(10):
            make_plan(member, occasion=str(number))

        with pytest.raises(CannotPlan, match="10 pending"):
            make_plan(member, occasion="11")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"user_id": "nobody"}, "Nobody with the id 'nobody'"),
            ({"trigger": "anniversary"}, "is not a trigger"),
            ({"due_at": datetime(2026, 11, 20, 9, 0)}, "needs a time zone"),
            ({"due_at": NOON - 2 * DAY}, "out of range"),
            ({"due_at": NOON + 400 * DAY}, "out of range"),
            ({"occasion": "x" * 300}, "too long"),
            ({"trigger": "post_event", "trigger_data": {"event_at": "tomorrow"}}, "is not a time"),
        ],
    )
    def test_says_what_is_wrong_with_the_request(self, changes: dict[str, Any], message: str) -> None:
        values: dict[str, Any] = {"user_id": make_member().pk, "trigger": "custom", "now": NOON, **changes}

        with pytest.raises(CannotPlan, match=message):
            planning.plan(**values)

        assert not FollowUp.objects.exists()

    def test_in_a_transaction_that_is_rolled_back_leaves_nothing(self) -> None:
        member = make_member()

        with transaction.atomic():
            make_plan(member)
            transaction.set_rollback(True)

        assert not FollowUp.objects.exists()
        assert not ScheduledJob.objects.exists()
        assert not PolicyDecision.objects.exists()

    @pytest.mark.parametrize(("hours", "is_same"), [(-25, False), (-24, True), (0, True), (24, True), (25, False)])
    def test_takes_events_a_day_apart_for_the_same(self, hours: int, is_same: bool) -> None:
        member = make_member()
        event_at = NOON - DAY
        first = plan_event(member, event_at, due_at=NOON + 48 * HOUR)

        second = plan_event(member, event_at + hours * HOUR)

        assert first.created
        assert second.created is not is_same

    def test_takes_events_for_the_same_when_several_match(self) -> None:
        member = make_member()
        assert plan_event(member, NOON - 20 * HOUR).created
        assert plan_event(member, NOON + 20 * HOUR).created

        assert not plan_event(member, NOON).created

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("Hi {naem}!", r"The text cannot be sent: \{naem\} is not known here: use \{custom_message\}"),
            ("Hi {name!", "lacks its other half"),
            ("Hi @everyone!", "must not mention anybody"),
            ("x" * 2000, "has 2000 characters"),
        ],
    )
    def test_refuses_a_text_that_cannot_be_sent(self, text: str, complaint: str) -> None:
        member = make_member()
        with pytest.raises(CannotPlan, match=complaint):
            planning.plan(user_id=member.pk, trigger="custom", trigger_data={"text": text}, now=NOON)
        assert not FollowUp.objects.exists()

    def test_takes_a_text_with_known_placeholders(self) -> None:
        text = "Hi[[ {name}]]! It's been {time_period}."
        assert make_plan(make_member(), trigger_data={"text": text}).trigger_data == {"text": text}


@pytest.mark.django_db(transaction=True)
class TestPlanAtOnce:
    def test_gives_one(self) -> None:
        member = make_member()

        plans = at_once(
            4, lambda _: planning.plan(user_id=member.pk, trigger="custom", occasion="one", due_at=NOON, now=NOON)
        )

        assert sorted(plan.created for plan in plans) == [False, False, False, True]
        assert len({plan.follow_up.pk for plan in plans if plan.follow_up}) == 1
        assert ScheduledJob.objects.count() == 1


@pytest.mark.django_db
class TestCancelFollowup:
    def test_cancels_the_job_too(self) -> None:
        follow_up = make_plan(make_member())

        assert planning.cancel_followup(follow_up.pk, reason="event called off", now=NOON)

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason, follow_up.cancelled_at) == ("cancelled", "event called off", NOON)
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "cancelled"

    @pytest.mark.parametrize("status", ["executed", "failed", "skipped", "cancelled"])
    def test_leaves_what_is_not_pending(self, status: str) -> None:
        follow_up = make_plan(make_member())
        FollowUp.objects.filter(pk=follow_up.pk).update(
            status=status, executed_at=NOON, cancelled_at=NOON, reason="before"
        )
        before = FollowUp.objects.filter(pk=follow_up.pk).values().get()

        assert not planning.cancel_followup(follow_up.pk, reason="late", now=NOON)
        assert FollowUp.objects.filter(pk=follow_up.pk).values().get() == before

    def test_of_an_unknown_one_says_no(self) -> None:
        assert not planning.cancel_followup("nothing", reason="?", now=NOON)


@pytest.mark.django_db
class TestPlanQuietMembers:
    @pytest.mark.parametrize(("status", "planned"), [("unknown", 1), ("queued", 0)])
    def test_waits_for_what_is_under_way_but_not_for_what_a_person_must_settle(self, status: str, planned: int) -> None:
        member = make_member(last_interaction=NOON - 3 * DAY)
        first = make_queued(member, trigger="inactivity")
        Message.objects.filter(pk=first.message_id).update(status=status)

        assert planning.plan_quiet_members(now=NOON + 10 * DAY) == planned

    def test_plans_for_whom_silence_is_long_enough(self) -> None:
        quiet = make_member(last_interaction=NOON - 48 * HOUR)
        make_member(last_interaction=NOON - 48 * HOUR + SECOND)

        assert planning.plan_quiet_members(now=NOON) == 1

        follow_up = FollowUp.objects.get()
        job = ScheduledJob.objects.get()
        quiet.refresh_from_db()
        assert (follow_up.user, follow_up.trigger_type, follow_up.scheduled_at) == (quiet, "inactivity", NOON)
        assert (job.job_id, job.job_type, job.status) == (follow_up.job_id, "follow_up_message", "pending")
        assert job.payload == {"follow_up_id": follow_up.pk}
        assert (job.scheduled_time, job.next_attempt_at) == (NOON, NOON)
        assert quiet.quiet_planned_for == quiet.last_interaction
        assert PolicyDecision.objects.get().follow_up_id == follow_up.pk

    def test_plans_one_silence_once(self) -> None:
        make_member()

        assert planning.plan_quiet_members(now=NOON) == 1
        assert planning.plan_quiet_members(now=NOON + 10 * DAY) == 0

    def test_plans_the_next_silence_again(self) -> None:
        """Also when the first plan was dropped because the member was active again."""
        member = make_member()
        planning.plan_quiet_members(now=NOON)
        UserProfile.objects.filter(pk=member.pk).update(last_interaction=NOON - 60 * SECOND)
        assert execute(FollowUp.objects.get()).status == "skipped"

        assert planning.plan_quiet_members(now=NOON) == 0
        assert planning.plan_quiet_members(now=NOON + 2 * DAY) == 1

    def test_takes_the_longest_silences_first(self) -> None:
        members = [make_member(last_interaction=NOON - days * DAY) for days in (3, 9, 5)]

        assert planning.plan_quiet_members(now=NOON, limit=2) == 2

        assert {row.user_id for row in FollowUp.objects.all()} == {members[1].pk, members[2].pk}
        assert planning.plan_quiet_members(now=NOON, limit=2) == 1

    @pytest.mark.parametrize("setting", ["FOLLOW_UP_ENABLED", "FOLLOW_UP_MAX_PER_USER_PER_WEEK"])
    def test_plans_nothing_when_nothing_may_be_sent(self, settings: Any, setting: str) -> None:
        setattr(settings, setting, 0)
        make_member()

        assert planning.plan_quiet_members(now=NOON) == 0

    def test_leaves_who_has_a_pending_check_in(self) -> None:
        make_plan(make_member(), trigger="inactivity", due_at=NOON + DAY)

        assert planning.plan_quiet_members(now=NOON) == 0

    def test_is_due_at_once_even_at_night(self) -> None:
        """The night is judged when the job runs, so that the sweep stays one statement."""
        make_member(timezone="Australia/Sydney")

        planning.plan_quiet_members(now=NOON)

        assert ScheduledJob.objects.get().next_attempt_at == NOON

    def test_agrees_with_the_policy(self) -> None:
        """For random members: planned exactly when the policy would not drop an inactivity follow-up."""
        chance = random.Random(random.random())  # reproducible by pytest-randomly's seed
        members = [make_random_member(chance) for _ in range(60)]
        verdicts = {
            member.pk: policy.decide(facts.gather(member.pk, "inactivity", now=NOON), now=NOON).verdict
            for member in members
        }

        planning.plan_quiet_members(now=NOON)

        planned = set(FollowUp.objects.values_list("user_id", flat=True))
        assert planned == {pk for pk, verdict in verdicts.items() if verdict is not Verdict.DROP}

    def test_uses_the_partial_index(self) -> None:
        make_crowd(20_000, quiet_every=1000)
        values = {"now": NOON, "quiet_since": NOON - 48 * HOUR, "limit": 10_000}
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE user_profiles, consent_receipts, scheduled_followups")
            cursor.execute("EXPLAIN " + planning._PLAN_QUIET, values)
            explained = "\n".join(row[0] for row in cursor.fetchall())

        assert "idx_profiles_quiet" in explained
        assert "Seq Scan on user_profiles" not in explained
        assert "idx_consent_newest" in explained
        assert planning.plan_quiet_members(now=NOON) == 20


@pytest.mark.django_db(transaction=True)
class TestTwoSweepsAtOnce:
    def test_plan_each_member_once(self) -> None:
        for _ in range(30):
            make_member()

        counts = at_once(3, lambda _: planning.plan_quiet_members(now=NOON))

        assert sum(counts) == 30
        assert FollowUp.objects.count() == FollowUp.objects.values("user_id").distinct().count() == 30
        assert ScheduledJob.objects.count() == 30

    def test_never_plan_somebody_who_opts_out_meanwhile(self) -> None:
        for _ in range(5):
            member = make_member()

            at_once(2, lambda index, member=member: opt_out(member) if index else planning.plan_quiet_members(now=NOON))

            assert not FollowUp.objects.filter(user=member, status="pending").exists()


def make_random_member(chance: random.Random) -> UserProfile:
    """A member with any mix of what the gates look at."""
    long_ago = NOON - chance.choice([1, 47, 48, 49, 100, 2000]) * HOUR
    member = make_member(
        opted_in=chance.random() < 0.8,
        last_interaction=long_ago,
        left_at=chance.choice([None, None, None, NOON]),
        unreachable_since=chance.choice([None, None, None, NOON]),
        last_follow_up_sent=chance.choice([None, NOON - HOUR]),
        timezone=chance.choice(["", "Asia/Tokyo", "America/New_York"]),
    )
    if chance.random() < 0.15:
        opt_out(member)
    if chance.random() < 0.3:
        thread = make_thread(member)
        type(thread).objects.filter(pk=thread.pk).update(is_blocked=chance.random() < 0.5)
    if chance.random() < 0.15:
        # The switch and the receipts contradict each other: both must say yes.
        UserProfile.objects.filter(pk=member.pk).update(follow_ups_enabled=chance.random() < 0.5)
    return member


def make_crowd(number: int, *, quiet_every: int) -> None:
    """Many opted-in members, few of whom are quiet."""
    accounts = Account.objects.bulk_create(
        Account(platform="discord", username=f"m{index}", external_id=f"crowd-{index}") for index in range(number)
    )
    UserProfile.objects.bulk_create(
        UserProfile(
            user_id=account.external_id,
            account=account,
            follow_ups_enabled=True,
            last_interaction=NOON - (5 * DAY if index % quiet_every == 0 else HOUR),
        )
        for index, account in enumerate(accounts)
    )
    ConsentReceipt.objects.bulk_create(
        ConsentReceipt(
            user_id=account.external_id, state="granted", source="api", evidence="e", wording_version="1", actor="a"
        )
        for account in accounts
    )


@pytest.mark.django_db
class TestSweepHandler:
    def test_runs_until_nobody_is_left(self) -> None:
        make_bot()
        real_past = NOON - 400 * DAY
        for _ in range(3):
            make_member(last_interaction=real_past)
        job = enqueue.schedule_job("quiet_member_sweep", timezone.now() - HOUR, {})
        runner.run_once()

        job.refresh_from_db()
        assert job.status == "completed", job.error_message
        assert FollowUp.objects.count() == 3

    def test_does_nothing_when_the_scheduler_is_off(self, settings: Any) -> None:
        settings.SCHEDULER_ENABLED = False
        make_member(last_interaction=NOON - 400 * DAY)

        job = enqueue.schedule_job("quiet_member_sweep", timezone.now() - HOUR, {})
        runner.run_once()

        job.refresh_from_db()
        assert job.status == "completed"
        assert not FollowUp.objects.exists()
