"""Who has gone quiet: check-ins, re-engagements, and what is nobody's silence."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from followups import delivery, facts, policy, responses, retiring, silence
from followups.models import Absence, Campaign, ConsentReceipt, FollowUp, Holdout, PolicyDecision, Rhythm, UserProfile
from followups.policy import Verdict
from jobs import enqueue, runner
from jobs.models import ScheduledJob
from socialmedia.models import Account, ListeningGap, Message
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
    make_thread,
    opt_out,
)
from tests.socialmedia.factories import make_bot


def with_rhythm(member: UserProfile, *, after: timedelta, low: int = 2, high: int = 4) -> UserProfile:
    """Let a silence of `after` be unusual for the member, who usually comes every `low` to `high` days."""
    assert member.last_interaction is not None
    Rhythm.objects.create(
        user=member,
        gaps=30,
        usual_low=low * DAY,
        usual_high=high * DAY,
        rare=after / 1.5,
        weekdays=[1 / 7] * 7,
        computed_at=NOON,
    )
    UserProfile.objects.filter(pk=member.pk).update(quiet_after=after, quiet_due_at=member.last_interaction + after)
    member.refresh_from_db()
    return member


def deaf(from_days: float, to_days: float) -> None:
    """Nobody listened from so many days before NOON to so many."""
    ListeningGap.objects.create(began_at=NOON - from_days * DAY, ended_at=NOON - to_days * DAY)


def away(member: UserProfile, from_days: float, to_days: float) -> None:
    """The member said to be away from so many days before NOON to so many."""
    Absence.objects.create(user=member, starts_at=NOON - from_days * DAY, ends_at=NOON - to_days * DAY)


def explain(statement: str, values: dict[str, Any]) -> str:
    """How PostgreSQL runs it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE user_profiles, consent_receipts, scheduled_followups, member_rhythms, member_absences")
        cursor.execute(silence.BY_INDEX)
        cursor.execute("EXPLAIN " + statement, values)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.django_db
class TestDowntime:
    """PEERS 39, ORIGINS 8.8: nobody is flagged because we did not listen."""

    def test_of_two_days_makes_nobody_quiet(self) -> None:
        make_member(last_interaction=NOON - 3 * DAY)
        with_rhythm(make_member(last_interaction=NOON - 3 * DAY), after=2 * DAY)
        deaf(2.5, 0.5)

        assert silence.plan_quiet_members(now=NOON) == 0
        assert silence.plan_quiet_members(now=NOON + DAY) == 2

    def test_that_goes_on_makes_nobody_quiet(self) -> None:
        bot = make_bot()
        Account.objects.filter(pk=bot.pk).update(heard_until=NOON - 2 * DAY)
        make_member(last_interaction=NOON - 3 * DAY)

        assert silence.plan_quiet_members(now=NOON) == 0
        assert silence.plan_quiet_members(now=NOON + 100 * DAY) == 0

    def test_before_the_first_log_in_is_no_downtime(self) -> None:
        """What we know then comes from imports."""
        make_bot()
        make_member(last_interaction=NOON - 3 * DAY)

        assert silence.plan_quiet_members(now=NOON) == 1

    def test_changes_nothing_for_silences_before_and_after_it(self) -> None:
        early = make_member(last_interaction=NOON - 5 * DAY)
        make_member(last_interaction=NOON - 1 * DAY)
        deaf(3, 2)

        assert silence.plan_quiet_members(now=NOON) == 1
        assert FollowUp.objects.get().user == early

    def test_adds_to_a_personal_silence(self) -> None:
        with_rhythm(make_member(last_interaction=NOON - 10 * DAY), after=9 * DAY)
        deaf(6, 4)

        assert silence.plan_quiet_members(now=NOON) == 0
        assert silence.plan_quiet_members(now=NOON + DAY) == 1
        assert FollowUp.objects.get().trigger_data["silent_days"] == 9

    def test_postpones_a_re_engagement(self) -> None:
        make_member(last_interaction=NOON - 31 * DAY)
        deaf(10, 8)

        assert silence.plan_re_engagements(now=NOON) == 0
        assert silence.plan_re_engagements(now=NOON + DAY) == 1


@pytest.mark.django_db
class TestAbsence:
    def test_is_no_silence(self) -> None:
        away(make_member(last_interaction=NOON - 10 * DAY), 9, 1)
        away(with_rhythm(make_member(last_interaction=NOON - 10 * DAY), after=2 * DAY), 9, 1)

        assert silence.plan_quiet_members(now=NOON - SECOND) == 0
        assert silence.plan_quiet_members(now=NOON) == 2

    def test_that_lasts_keeps_the_plan_back(self) -> None:
        member = make_member(last_interaction=NOON - 10 * DAY)
        away(member, 1, -5)
        away(make_member(last_interaction=NOON - 40 * DAY), 1, -5)

        assert silence.plan_quiet_members(now=NOON) == silence.plan_re_engagements(now=NOON) == 0
        assert silence.plan_quiet_members(now=NOON + 5 * DAY) == 1
        assert FollowUp.objects.get().user == member

    def test_in_a_downtime_counts_once(self) -> None:
        away(make_member(last_interaction=NOON - 5 * DAY), 4, 2)
        deaf(3, 1)

        assert silence.plan_quiet_members(now=NOON - SECOND) == 0
        assert silence.plan_quiet_members(now=NOON) == 1

    def test_of_the_past_changes_nothing(self) -> None:
        away(make_member(last_interaction=NOON - 3 * DAY), 20, 10)

        assert silence.plan_quiet_members(now=NOON) == 1


@pytest.mark.django_db
class TestPersonalRhythm:
    def test_keeps_back_who_usually_comes_rarely(self) -> None:
        rare = with_rhythm(make_member(last_interaction=NOON - 6 * DAY), after=9 * DAY)
        unknown = make_member(last_interaction=NOON - 6 * DAY)

        assert silence.plan_quiet_members(now=NOON) == 1
        assert FollowUp.objects.get().user == unknown
        assert silence.plan_quiet_members(now=NOON + 3 * DAY - SECOND) == 0
        assert silence.plan_quiet_members(now=NOON + 3 * DAY) == 1
        assert FollowUp.objects.filter(user=rare).exists()

    def test_never_asks_sooner_than_the_community_wants(self) -> None:
        with_rhythm(make_member(last_interaction=NOON - 47 * HOUR), after=30 * HOUR)

        assert silence.plan_quiet_members(now=NOON) == 0

    def test_says_why_in_words(self) -> None:
        with_rhythm(make_member(last_interaction=NOON - 11 * DAY), after=6 * DAY)

        silence.plan_quiet_members(now=NOON)

        data = FollowUp.objects.get().trigger_data
        assert (data["silent_days"], data["usual_low_days"], data["usual_high_days"]) == (11, 2, 4)
        assert data["rhythm"] == "usually every 2-4 days, now 11"
        assert "usually every 2-4 days, now 11" in PolicyDecision.objects.get().reason

    def test_says_how_long_where_none_is_known(self) -> None:
        make_member(last_interaction=NOON - 11 * DAY)

        silence.plan_quiet_members(now=NOON)

        assert set(FollowUp.objects.get().trigger_data) == {"quiet_since", "silent_days"}
        assert "11 days without a message" in PolicyDecision.objects.get().reason

    def test_switched_off_is_ignored(self, settings: Any) -> None:
        settings.FOLLOW_UP_PERSONAL_RHYTHM = False
        member = with_rhythm(make_member(last_interaction=NOON - 6 * DAY), after=9 * DAY)

        silence.plan_all(now=NOON)

        assert "rhythm" not in FollowUp.objects.get().trigger_data
        member.refresh_from_db()
        assert (member.quiet_after, member.quiet_due_at) == (None, None)
        assert Rhythm.objects.get().computed_at is None, "switched on again, it is to be computed"


@pytest.mark.django_db
class TestPlanReEngagements:
    def test_plans_for_who_was_inactive_for_31_days(self) -> None:
        """ORIGINS 8.14, T-C2, W21: due now, executes, and is not repeated tomorrow."""
        make_bot()
        member = make_member(last_interaction=NOON - 31 * DAY)

        assert silence.plan_re_engagements(now=NOON) == 1

        follow_up = FollowUp.objects.get()
        job = ScheduledJob.objects.get()
        assert (follow_up.user, follow_up.trigger_type, follow_up.scheduled_at) == (member, "re_engagement", NOON)
        assert (job.job_id, job.payload) == (follow_up.job_id, {"follow_up_id": follow_up.pk})
        assert follow_up.trigger_data["silent_days"] == 31
        assert PolicyDecision.objects.get().verdict == "send"
        follow_up = execute(follow_up)
        assert follow_up.message is not None
        delivery.on_sent(follow_up.message, now=NOON)
        assert silence.plan_re_engagements(now=NOON + DAY) == 0
        assert silence.plan_quiet_members(now=NOON + DAY) == 0

    def test_leaves_shorter_silences_to_the_check_in(self) -> None:
        short, long = (
            make_member(last_interaction=NOON - 30 * DAY + SECOND),
            make_member(last_interaction=NOON - 30 * DAY),
        )

        assert (silence.plan_quiet_members(now=NOON), silence.plan_re_engagements(now=NOON)) == (1, 1)

        kinds = dict(FollowUp.objects.values_list("user_id", "trigger_type"))
        assert kinds == {short.pk: "inactivity", long.pk: "re_engagement"}

    def test_plans_the_next_after_the_cool_off_and_never_a_third(self) -> None:
        make_bot()
        member = make_member(last_interaction=NOON - 31 * DAY)
        self.re_engage(now=NOON)

        assert silence.plan_re_engagements(now=NOON + 90 * DAY - SECOND) == 0
        self.re_engage(now=NOON + 90 * DAY)

        member.refresh_from_db()
        assert member.re_engagements_unanswered == 2
        assert silence.plan_re_engagements(now=NOON + 1000 * DAY) == 0

    def test_begins_anew_when_they_write(self) -> None:
        make_bot()
        member = make_member(last_interaction=NOON - 31 * DAY)
        self.re_engage(now=NOON)
        self.re_engage(now=NOON + 90 * DAY)
        back = NOON + 100 * DAY

        responses.record_activity(member, at=back, is_private=True, now=back)

        member.refresh_from_db()
        assert member.re_engagements_unanswered == 0
        assert silence.plan_re_engagements(now=back + 30 * DAY) == 0, "the cool-off goes on"
        assert silence.plan_re_engagements(now=NOON + 180 * DAY) == 1

    def test_counts_a_delivery_that_is_told_twice_once(self) -> None:
        make_bot()
        member = make_member(last_interaction=NOON - 31 * DAY)
        self.re_engage(now=NOON)

        delivery.on_sent(Message.objects.get(), now=NOON + DAY)

        member.refresh_from_db()
        assert member.re_engagements_unanswered == 1

    def test_counts_who_is_held_out_as_who_is_not(self) -> None:
        """Else those held out would be asked about for ever, and the comparison would be of unlike members."""
        Campaign.objects.create(pk="re_engagement", holdout_percent=50)
        for _ in range(12):
            make_member(last_interaction=NOON - 40 * DAY)
        make_bot()

        for days, planned in ((0, 12), (60, 0), (90, 12), (180, 0)):
            now = NOON + days * DAY
            assert silence.plan_re_engagements(now=now) == planned, days
            for follow_up in FollowUp.objects.filter(status="pending", message=None):
                done = execute(follow_up, now=now)
                if done.message is not None:
                    delivery.on_sent(done.message, now=now)

        assert 0 < Holdout.objects.count() < 24
        assert set(UserProfile.objects.values_list("re_engagements_unanswered", flat=True)) == {2}

    def test_plans_the_second_of_a_silence_again_when_it_was_taken_back(self) -> None:
        """As when the account that it waited for was taken out of use; the first one of the silence is not meant."""
        make_bot()
        make_member(last_interaction=NOON - 40 * DAY)
        assert silence.plan_re_engagements(now=NOON) == 1
        first = execute(FollowUp.objects.get())
        assert first.message is not None
        delivery.on_sent(first.message, now=NOON)
        then = NOON + 90 * DAY
        assert silence.plan_re_engagements(now=then) == 1
        second = execute(FollowUp.objects.get(status="pending"), now=then)

        assert second.message is not None
        retiring.retire(Account.objects.get(is_own=True), now=then)

        assert silence.plan_re_engagements(now=then) == 1

    def test_leaves_who_has_never_written(self) -> None:
        """PEERS 39: joined and never wrote."""
        make_member(last_interaction=None)
        make_member(last_interaction=None, re_engagement_counts_from=NOON - 40 * DAY)  # one was planned by hand

        assert silence.plan_quiet_members(now=NOON) == silence.plan_re_engagements(now=NOON) == 0

    def test_waits_for_somebody_who_usually_comes_that_rarely(self) -> None:
        with_rhythm(make_member(last_interaction=NOON - 31 * DAY), after=45 * DAY)

        assert silence.plan_re_engagements(now=NOON) == 0
        assert silence.plan_re_engagements(now=NOON + 14 * DAY) == 1

    def test_waits_for_a_pending_check_in(self) -> None:
        make_plan(make_member(last_interaction=NOON - 31 * DAY), trigger="inactivity", due_at=NOON + DAY)

        assert silence.plan_re_engagements(now=NOON) == 0

    @staticmethod
    def re_engage(*, now: Any) -> None:
        assert silence.plan_re_engagements(now=now) == 1
        follow_up = execute(FollowUp.objects.get(status="pending"), now=now)
        assert follow_up.message is not None, follow_up.reason
        delivery.on_sent(follow_up.message, now=now)


@pytest.mark.django_db
class TestBothSweeps:
    @pytest.mark.parametrize(("days", "topic"), [(3, "check_ins"), (40, "re_engagement")])
    def test_plan_only_what_the_member_wants_to_hear_about(self, days: int, topic: str) -> None:
        wanted = make_member(last_interaction=NOON - days * DAY, topics=[topic])
        others = [name for name in ("check_ins", "events", "re_engagement") if name != topic]
        make_member(last_interaction=NOON - days * DAY, topics=others)

        silence.plan_all(now=NOON)

        assert FollowUp.objects.get().user == wanted

    @pytest.mark.parametrize("days", [3, 40])
    def test_leave_who_wants_a_pause(self, days: int) -> None:
        make_member(last_interaction=NOON - days * DAY, paused_until=NOON + DAY)

        silence.plan_all(now=NOON)
        assert not FollowUp.objects.exists()
        silence.plan_all(now=NOON + DAY)
        assert FollowUp.objects.exists()

    @pytest.mark.parametrize("shut", ["is_blocked", "is_spam"])
    def test_leave_whom_staff_have_shut_out(self, shut: str) -> None:
        for days in (3, 40):
            thread = make_thread(make_member(last_interaction=NOON - days * DAY))
            type(thread).objects.filter(pk=thread.pk).update(**{shut: True})

        silence.plan_all(now=NOON)

        assert not FollowUp.objects.exists()

    @pytest.mark.parametrize(("days", "trigger"), [(3, "inactivity"), (40, "re_engagement")])
    def test_plan_nothing_of_a_paused_campaign(self, days: int, trigger: str) -> None:
        make_member(last_interaction=NOON - days * DAY)
        campaign = Campaign.objects.create(trigger_type=trigger, paused_at=NOON, pause_reason="It did harm.")

        silence.plan_all(now=NOON)
        assert not FollowUp.objects.exists()
        campaign.delete()
        silence.plan_all(now=NOON)
        assert FollowUp.objects.get().trigger_type == trigger


@pytest.mark.django_db
class TestPlanQuietMembers:
    @pytest.mark.parametrize(("status", "planned"), [("unknown", 1), ("queued", 0)])
    def test_waits_for_what_is_under_way_but_not_for_what_a_person_must_settle(self, status: str, planned: int) -> None:
        member = make_member(last_interaction=NOON - 3 * DAY)
        first = make_queued(member, trigger="inactivity")
        Message.objects.filter(pk=first.message_id).update(status=status)

        assert silence.plan_quiet_members(now=NOON + 10 * DAY) == planned

    def test_plans_for_whom_silence_is_long_enough(self) -> None:
        quiet = make_member(last_interaction=NOON - 48 * HOUR)
        make_member(last_interaction=NOON - 48 * HOUR + SECOND)

        assert silence.plan_quiet_members(now=NOON) == 1

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

        assert silence.plan_quiet_members(now=NOON) == 1
        assert silence.plan_quiet_members(now=NOON + 10 * DAY) == 0

    def test_plans_the_next_silence_again(self) -> None:
        """Also when the first plan was dropped because the member was active again."""
        member = make_member()
        silence.plan_quiet_members(now=NOON)
        UserProfile.objects.filter(pk=member.pk).update(last_interaction=NOON - 60 * SECOND)
        assert execute(FollowUp.objects.get()).status == "skipped"

        assert silence.plan_quiet_members(now=NOON) == 0
        assert silence.plan_quiet_members(now=NOON + 2 * DAY) == 1

    def test_takes_the_longest_silences_first(self) -> None:
        members = [make_member(last_interaction=NOON - days * DAY) for days in (3, 9, 5)]

        assert silence.plan_quiet_members(now=NOON, limit=2) == 2

        assert {row.user_id for row in FollowUp.objects.all()} == {members[1].pk, members[2].pk}
        assert silence.plan_quiet_members(now=NOON, limit=2) == 1

    @pytest.mark.parametrize("setting", ["FOLLOW_UP_ENABLED", "FOLLOW_UP_MAX_PER_USER_PER_WEEK"])
    def test_plans_nothing_when_nothing_may_be_sent(self, settings: Any, setting: str) -> None:
        setattr(settings, setting, 0)
        make_member()

        assert silence.plan_quiet_members(now=NOON) == 0

    def test_leaves_who_has_a_pending_check_in(self) -> None:
        make_plan(make_member(), trigger="inactivity", due_at=NOON + DAY)

        assert silence.plan_quiet_members(now=NOON) == 0

    def test_is_due_at_once_even_at_night(self) -> None:
        """The night is judged when the job runs, so that the sweep stays one statement."""
        make_member(timezone="Australia/Sydney")

        silence.plan_quiet_members(now=NOON)

        assert ScheduledJob.objects.get().next_attempt_at == NOON

    def test_agrees_with_the_policy(self) -> None:
        """For random members: planned exactly when the policy would not drop an inactivity follow-up."""
        chance = random.Random(random.random())  # reproducible by pytest-randomly's seed
        members = [make_random_member(chance) for _ in range(60)]
        verdicts = {
            member.pk: policy.decide(facts.gather(member.pk, "inactivity", now=NOON), now=NOON).verdict
            for member in members
        }

        silence.plan_quiet_members(now=NOON)

        planned = set(FollowUp.objects.values_list("user_id", flat=True))
        assert planned == {pk for pk, verdict in verdicts.items() if verdict is not Verdict.DROP}

    def test_uses_the_partial_indexes_as_re_engagements_do_theirs(self) -> None:
        make_crowd(10_000, quiet_every=500)
        explained = explain(silence.PLAN_RE_ENGAGEMENTS, silence.away_values(now=NOON, limit=10_000))

        assert "idx_profiles_re_engagement" in explained
        assert "Seq Scan on" not in explained
        explained = explain(silence.PLAN_QUIET, silence.quiet_values(now=NOON, limit=10_000))

        assert "idx_profiles_quiet_fixed" in explained
        assert "idx_profiles_quiet_personal" in explained
        assert "Seq Scan on" not in explained
        assert "idx_consent_newest" in explained
        assert "idx_profiles_last_interaction" not in explained
        assert silence.plan_quiet_members(now=NOON) == 20


@pytest.mark.django_db(transaction=True)
class TestTwoSweepsAtOnce:
    def test_plan_each_member_once(self) -> None:
        for _ in range(30):
            make_member()

        for _ in range(10):
            with_rhythm(make_member(), after=2 * DAY)

        counts = at_once(3, lambda _: silence.plan_quiet_members(now=NOON))

        assert sum(counts) == 40
        assert FollowUp.objects.count() == FollowUp.objects.values("user_id").distinct().count() == 40
        assert ScheduledJob.objects.count() == 40

    def test_plan_each_absent_member_once(self) -> None:
        for days in (3, 40):
            for _ in range(15):
                make_member(last_interaction=NOON - days * DAY)

        at_once(3, lambda _: silence.plan_all(now=NOON))

        kinds = sorted(FollowUp.objects.values_list("trigger_type", flat=True))
        assert kinds == ["inactivity"] * 15 + ["re_engagement"] * 15
        assert FollowUp.objects.values("user_id").distinct().count() == 30

    def test_never_plan_somebody_who_opts_out_meanwhile(self) -> None:
        for _ in range(5):
            member = make_member()

            at_once(2, lambda index, member=member: opt_out(member) if index else silence.plan_quiet_members(now=NOON))

            assert not FollowUp.objects.filter(user=member, status="pending").exists()


def make_random_member(chance: random.Random) -> UserProfile:
    """A member with any mix of what the gates look at."""
    long_ago = NOON - chance.choice([1, 47, 48, 49, 100, 700]) * HOUR
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
        type(thread).objects.filter(pk=thread.pk).update(
            is_blocked=chance.random() < 0.3, is_spam=chance.random() < 0.3
        )
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
