"""Facts: what the policy is told, and in how many queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from followups import conf, consent, facts, flags, ledger, policy
from followups.admin import answers
from followups.models import Absence, Campaign, ConsentReceipt, FollowUp, UserProfile
from followups.policy import Decision, Facts, Gate, Verdict
from jobs import lifecycle
from jobs.models import ScheduledJob
from socialmedia.models import Account, ListeningGap
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
)
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


def make_gap(began: timedelta, ended: timedelta) -> ListeningGap:
    """A time, so long before NOON, in which nobody listened."""
    return ListeningGap.objects.create(began_at=NOON - began, ended_at=NOON - ended)


def make_absence(member: UserProfile, starts: timedelta, ends: timedelta) -> Absence:
    """An absence, so long after NOON (before, when negative)."""
    return Absence.objects.create(user=member, starts_at=NOON + starts, ends_at=NOON + ends)


def of(member: UserProfile, trigger: str = "inactivity", **more: Any) -> Facts:
    """The facts at NOON."""
    return facts.gather(member.pk, trigger, now=NOON, **more)


class TestGather:
    def test_takes_four_queries(self, django_assert_num_queries: Any) -> None:
        """Whatever there is to know of the member."""
        member = make_member(quiet_start=1, quiet_end=3)
        follow_up = make_queued(member, trigger="inactivity")
        make_sent(member, at=NOON - 6 * DAY)
        make_absence(member, -DAY, DAY)
        make_gap(30 * HOUR, 20 * HOUR)
        flags.raise_flag(kind="escalation", detail="Sad.", user_id=member.pk, now=NOON)

        with django_assert_num_queries(4):
            of(member, asked_about=follow_up)

    def test_takes_two_when_silence_counts_for_nothing(self, django_assert_num_queries: Any) -> None:
        member = make_member()

        with django_assert_num_queries(2):
            of(member, "custom")

    def test_of_somebody_unknown_takes_one(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            known = facts.gather("nobody", "custom", now=NOON)

        assert policy.decide(known, now=NOON).gate is Gate.PROFILE

    def test_fails_rather_than_guesses_when_the_database_does(self) -> None:
        """ORIGINS 8.6: an error is no permission."""
        member = make_member()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE member_absences RENAME TO out_of_order")

        with pytest.raises(DatabaseError):
            of(member)

    def test_knows_the_members_own_wishes(self) -> None:
        member = make_member(quiet_start=0, quiet_end=0, follow_up_frequency_hours=7, timezone="Asia/Tokyo")

        known = of(member)

        assert (known.user_id, known.timezone, known.frequency) == (member.pk, "Asia/Tokyo", 7 * HOUR)
        assert (known.quiet_start, known.quiet_end) == (0, 0)  # midnight is an hour, not "unset"

    def test_takes_midnight_for_an_hour(self) -> None:
        member = make_member(quiet_start=0, quiet_end=18, timezone="UTC")

        assert policy.decide(of(member), now=NOON).gate is Gate.QUIET_HOURS

    def test_knows_the_members_rhythm_when_it_is_asked_for(self, settings: Any) -> None:
        member = make_member(quiet_after=9 * DAY)

        assert of(member).quiet_after == 9 * DAY
        settings.FOLLOW_UP_PERSONAL_RHYTHM = False
        assert of(member).quiet_after is None


class TestTopics:
    def test_are_those_of_the_member(self) -> None:
        assert of(make_member()).topics == {"check_ins", "events", "re_engagement"}

    def test_are_the_fewer_when_profile_and_receipt_differ(self) -> None:
        member = make_member(topics=["check_ins", "events"])
        ConsentReceipt.objects.create(
            user=member, state="granted", source="api", evidence="e", wording_version="1", actor="a", topics=["events"]
        )

        assert of(member).topics == {"events"}

    def test_of_somebody_never_asked_are_none(self) -> None:
        assert of(make_member(opted_in=False)).topics == frozenset()


class TestPausedUntil:
    def test_is_the_members_pause(self) -> None:
        assert of(make_member(paused_until=NOON + DAY)).paused_until == NOON + DAY

    @pytest.mark.parametrize("until", [NOON, NOON - SECOND, NOON - 400 * DAY])
    def test_forgets_a_pause_that_has_passed(self, until: Any) -> None:
        assert of(make_member(paused_until=until)).paused_until is None

    def test_is_the_end_of_the_absence_they_are_in(self) -> None:
        member = make_member()
        make_absence(member, -2 * DAY, -DAY)
        make_absence(member, -HOUR, 3 * DAY)
        make_absence(member, 10 * DAY, 20 * DAY)

        assert of(member).paused_until == NOON + 3 * DAY

    def test_is_the_later_of_both(self) -> None:
        member = make_member(paused_until=NOON + 5 * DAY)
        make_absence(member, -HOUR, 3 * DAY)

        assert of(member).paused_until == NOON + 5 * DAY

    def test_knows_nothing_of_others(self) -> None:
        make_absence(make_member(), -HOUR, DAY)

        assert of(make_member()).paused_until is None


class TestUnheard:
    """PEERS 39: what was written while nobody listened is nobody's silence, and an absence is none either."""

    def test_is_the_part_of_the_silence_in_which_nobody_listened(self) -> None:
        member = make_member(last_interaction=NOON - 50 * HOUR)
        make_gap(60 * HOUR, 49 * HOUR)
        make_gap(10 * HOUR, 8 * HOUR)

        assert of(member).unheard == 3 * HOUR
        assert policy.decide(of(member), now=NOON).gate is Gate.ACTIVE

    def test_counts_the_gap_that_is_open_now(self) -> None:
        Account.objects.filter(pk=make_bot().pk).update(heard_until=NOON - 5 * HOUR)

        assert of(make_member()).unheard == 5 * HOUR

    def test_counts_what_is_both_once(self) -> None:
        member = make_member()
        make_absence(member, -30 * HOUR, -10 * HOUR)
        make_gap(20 * HOUR, 5 * HOUR)
        make_gap(25 * HOUR, 24 * HOUR)

        assert of(member).unheard == 25 * HOUR

    def test_of_somebody_who_never_wrote_is_nothing(self) -> None:
        member = make_member(last_interaction=None)
        make_gap(20 * HOUR, 5 * HOUR)

        assert of(member).unheard == timedelta()


class TestEscalation:
    def test_is_an_open_flag_of_that_kind(self) -> None:
        member = make_member()
        flags.raise_flag(kind="negative_reply", detail="No.", user_id=member.pk, now=NOON)
        assert of(member).is_escalated is False

        flag = flags.raise_flag(kind="escalation", detail="Sad.", user_id=member.pk, now=NOON)
        assert of(member).is_escalated is True

        flags.settle(flag.pk, by="anna", note="Talked.", now=NOON)
        assert of(member).is_escalated is False


class TestCampaign:
    def test_pauses_its_own_trigger_only(self) -> None:
        member = make_member()
        Campaign.objects.create(trigger_type="custom", paused_at=NOON, pause_reason="Three opted out.")
        Campaign.objects.create(trigger_type="inactivity", holdout_percent=10)

        assert of(member, "custom").campaign_paused == "Three opted out."
        assert of(member, "inactivity").campaign_paused == ""


class TestTimes:
    def test_of_a_plan_are_its_due_time_and_no_hold(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON + DAY)

        known = of(follow_up.user, asked_about=follow_up)

        assert (known.planned_for, known.held_until) == (NOON + DAY, None)

    def test_move_with_a_job_that_a_person_has_rescheduled(self) -> None:
        follow_up = make_plan(make_member())
        lifecycle.reschedule_job(follow_up.job_id, NOON + 9 * DAY, now=NOON)

        assert of(follow_up.user, asked_about=follow_up).planned_for == NOON + 9 * DAY

    def test_survive_the_job(self) -> None:
        follow_up = make_plan(make_member())
        ScheduledJob.objects.all().delete()

        assert of(follow_up.user, asked_about=follow_up).planned_for == NOON

    def test_know_the_last_hold(self) -> None:
        follow_up = make_plan(make_member())
        for gate, days in ((Gate.GAP, 1), (Gate.WEEKLY_CAP, 3)):
            held = Decision(Verdict.HOLD, gate, NOON + days * DAY, "Because.")
            ledger.record(
                held, user_id=follow_up.user_id, trigger="custom", asked_by="execution", follow_up_id=follow_up.pk
            )

        assert of(follow_up.user, asked_about=follow_up).held_until == NOON + 3 * DAY


class TestSent:
    def test_knows_the_kind_of_every_row(self) -> None:
        """From its own column, from the plan, or from what was kept when the plan was pruned."""
        member = make_member()
        make_sent(member, at=NOON - 2 * DAY, trigger="goal")
        of_column = make_sent(member, at=NOON - 3 * DAY, trigger="goal")
        type(of_column).objects.filter(pk=of_column.pk).update(trigger_type="birthday")
        pruned = make_sent(member, at=NOON - 4 * DAY, trigger="goal")
        type(pruned).objects.filter(pk=pruned.pk).update(context_data={"trigger_type": "post_event"})
        FollowUp.objects.filter(pk=pruned.follow_up_id).delete()
        bare = make_sent(member, at=NOON - 5 * DAY)
        FollowUp.objects.filter(pk=bare.follow_up_id).delete()
        make_sent(member, at=NOON - 7 * DAY)

        assert [entry.trigger for entry in of(member).sent] == ["", "post_event", "birthday", "goal"]

    def test_counts_what_waits_in_the_outbox_but_not_the_one_asked_about(self) -> None:
        member = make_member()
        follow_up = make_queued(member)

        assert [(entry.at, entry.trigger) for entry in of(member).sent] == [(NOON, "custom")]
        assert of(member, asked_about=follow_up).sent == ()


class TestList:
    """The console's list of members."""

    def of_all(self) -> dict[str, Decision]:
        rows = answers.answered(answers.annotated(UserProfile.objects.all(), now=NOON), now=NOON)
        return {member.pk: member.decision for member in rows}

    def test_takes_three_queries_for_any_number(self, django_assert_num_queries: Any) -> None:
        for _ in range(20):
            make_sent(make_member(), at=NOON - 5 * DAY)
        make_gap(20 * HOUR, 5 * HOUR)

        with django_assert_num_queries(3):
            assert len(self.of_all()) == 20

    def test_says_what_the_members_page_says(self) -> None:
        members = [
            make_member(),
            make_member(opted_in=False),
            make_member(paused_until=NOON + DAY),
            make_member(topics=["events"]),
            make_member(last_interaction=NOON - HOUR),
            make_member(last_interaction=NOON - 49 * HOUR),
            make_member(last_interaction=None),
            make_member(quiet_after=20 * DAY),
            make_member(quiet_start=8, quiet_end=20),
            make_member(quiet_start=9, quiet_end=21),
            make_member(left_at=NOON),
            make_member(last_follow_up_sent=NOON - HOUR),
        ]
        make_absence(members[0], -DAY, -HOUR)
        make_gap(30 * HOUR, 20 * HOUR)
        make_thread(members[3])
        expected = {member.pk: policy.decide(of(member), now=NOON) for member in members}

        assert self.of_all() == expected
        assert len({decision.gate for decision in expected.values()}) >= 8

    def test_names_every_gate(self) -> None:
        assert set(answers.GATES) == set(Gate)
        assert all(answers.verdict_pill("drop", gate.value) for gate in Gate)


class TestNobodyWhoDidNotAsk:
    """ORIGINS 8.6: no profile, an unset preference, an unknown answer: nothing is sent."""

    def test_gets_anything(self) -> None:
        settings = conf.current()
        assert settings.enabled
        never_asked, switched_off = make_member(opted_in=False), make_member()
        UserProfile.objects.filter(pk=switched_off.pk).update(follow_ups_enabled=False)
        switched_on = make_member(opted_in=False, follow_ups_enabled=True)

        assert policy.decide(facts.gather("nobody", "custom", now=NOON), now=NOON).gate is Gate.PROFILE
        for member in (never_asked, switched_off, switched_on):
            assert policy.decide(of(member, "custom"), now=NOON).gate is Gate.CONSENT
            with pytest.raises(consent.ConsentMissing):
                consent.require(member.pk)

    def test_can_be_left_unset(self) -> None:
        """The database knows no third state: NULL is refused."""
        member = make_member()
        with pytest.raises(DatabaseError):
            UserProfile.objects.filter(pk=member.pk).update(follow_ups_enabled=None)
