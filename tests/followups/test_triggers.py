"""The seed documents' operations: what each occasion plans, and what is refused without leaving a trace."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps

from followups import planning, triggers
from followups.models import FollowUp, FollowUpStatus, Goal, UserProfile
from followups.planning import CannotPlan
from followups.policy import Gate
from jobs.models import ScheduledJob
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
    opt_out,
    start_job,
)
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db
EVENT = NOON + 5 * DAY
APART = [(-49, False), (-48, False), (-25, False), (-24, True), (-1, True), (0, True), (24, True), (25, False)]


class Nowhere(tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, at: datetime | None) -> None:
        return None


def after(member: UserProfile, event_at: datetime = EVENT, **more: Any) -> planning.Plan:
    """Plan a follow-up after an event."""
    return triggers.schedule_post_event_followup("", member.pk, event_at, **{"now": NOON, **more})


def row_counts() -> dict[str, int]:
    """The rows of every table of ours."""
    ours = [model for app in ("followups", "jobs", "socialmedia") for model in apps.get_app_config(app).get_models()]
    return {model.__name__: model._default_manager.count() for model in ours}


class TestPostEvent:
    @pytest.mark.parametrize("delay", [None, 1 * HOUR, 48 * HOUR])
    def test_is_due_the_delay_after_the_event(self, delay: timedelta | None, settings: Any) -> None:
        settings.FOLLOWUP_DELAY_HOURS = 30
        planned = after(make_member(), booking_id="b1", followup_delay=delay, name="Spring party").follow_up

        assert planned is not None
        assert (planned.scheduled_at, planned.event_at) == (EVENT + (delay or 30 * HOUR), EVENT)
        assert planned.trigger_data == {
            "event": "Spring party",
            "event_at": EVENT.isoformat(),
            "booking_id": "b1",
            "followup_delay_hours": (delay or 30 * HOUR) / HOUR,
            "same_event_hours": 24,
        }
        assert ScheduledJob.objects.get(job_id=planned.job_id).scheduled_time == planned.scheduled_at

    # ORIGINS 8.12
    @pytest.mark.parametrize("status", ["pending", "executed"])
    @pytest.mark.parametrize("delay", [24 * HOUR, 48 * HOUR])
    @pytest.mark.parametrize(("hours", "is_same"), [*APART, (48, False)])
    def test_takes_events_a_day_apart_for_one(self, hours: int, is_same: bool, delay: timedelta, status: str) -> None:
        member = make_member()
        first = after(member, followup_delay=delay).follow_up
        FollowUp.objects.update(status=status, executed_at=NOON)

        second = after(member, EVENT + hours * HOUR, followup_delay=delay)

        assert second.created is not is_same
        if is_same:
            assert second.follow_up == first
            assert second.reason

    # ORIGINS 8.12
    def test_takes_events_for_one_when_two_rows_match(self) -> None:
        member = make_member()
        assert after(member, EVENT - 20 * HOUR).created
        assert after(member, EVENT + 20 * HOUR).created

        third = after(member, EVENT)

        assert not third.created
        assert "events at most 24 hours apart count as one" in third.reason
        assert FollowUp.objects.count() == 2

    def test_of_two_bookings_on_one_day_is_one(self) -> None:
        member = make_member()
        first = after(member, booking_id="b1")

        second = after(member, EVENT + 3 * HOUR, booking_id="b2")

        assert (second.created, second.follow_up) == (False, first.follow_up)

    def test_of_one_booking_is_one_while_it_is_pending(self) -> None:
        member = make_member()
        after(member, booking_id="b1")

        again = after(member, EVENT + 30 * DAY, booking_id="b1")

        assert not again.created
        assert "move or cancel the booking" in again.reason

    # PEERS 23: the key names the occurrence, so that a real second one is not swallowed.
    def test_of_the_same_booking_months_later_is_another_once_the_first_is_over(self) -> None:
        member = make_member()
        after(member, booking_id="b1")
        FollowUp.objects.update(status="executed", executed_at=NOON)

        assert after(member, EVENT + 60 * DAY, booking_id="b1").created

    # PEERS 23
    @pytest.mark.parametrize(("tolerance", "hours", "is_same"), [(0, 0, True), (0, 1, False), (72, 72, True)])
    def test_lets_operators_say_how_near_is_the_same(
        self, tolerance: int, hours: int, is_same: bool, settings: Any
    ) -> None:
        settings.FOLLOW_UP_SAME_EVENT_HOURS = tolerance
        member = make_member()
        after(member)

        assert after(member, EVENT + hours * HOUR).created is not is_same

    def test_of_another_member_is_another(self) -> None:
        assert after(make_member()).created
        assert after(make_member()).created

    def test_asks_at_once_when_the_time_has_just_passed(self) -> None:
        planned = after(make_member(), NOON - 47 * HOUR).follow_up

        assert planned is not None
        assert planned.scheduled_at == NOON

    # ORIGINS 8.16
    def test_at_one_instant_in_two_zones_is_one(self) -> None:
        member = make_member()
        first = after(member, EVENT.astimezone(ZoneInfo("Asia/Tokyo"))).follow_up

        second = after(member, EVENT.astimezone(ZoneInfo("America/Los_Angeles")))

        assert (second.created, second.follow_up) == (False, first)
        assert first is not None
        assert first.scheduled_at == EVENT + DAY
        assert ScheduledJob.objects.count() == 1

    # ORIGINS 8.16
    @pytest.mark.parametrize("day", [datetime(2027, 3, 27), datetime(2026, 10, 24)])
    def test_counts_real_hours_over_a_change_of_clocks(self, day: datetime) -> None:
        event_at = day.replace(hour=12, tzinfo=ZoneInfo("Europe/Berlin"))

        planned = after(make_member(), event_at, now=event_at.astimezone(UTC) - DAY).follow_up

        assert planned is not None
        assert planned.scheduled_at - event_at.astimezone(UTC) == 24 * HOUR

    def test_says_why_the_policy_refused(self) -> None:
        plan = after(make_member(opted_in=False))

        assert (plan.follow_up, plan.created, plan.decision.gate) == (None, False, Gate.CONSENT)
        assert "never asked" in plan.reason


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_event_gets_one_follow_up(self) -> None:
        member = make_member()

        plans = at_once(6, lambda number: after(member, EVENT + number * HOUR, booking_id=f"b{number}"))

        assert sum(plan.created for plan in plans) == 1
        assert len({plan.follow_up for plan in plans}) == 1
        assert (FollowUp.objects.count(), ScheduledJob.objects.count()) == (1, 1)

    def test_one_silence_gets_one_follow_up(self) -> None:
        member = make_member(last_interaction=NOON - 40 * DAY)

        plans = at_once(4, lambda _: triggers.schedule_reengagement(member.pk, NOON - 40 * DAY, now=NOON))

        assert sum(plan.created for plan in plans) == 1
        assert ScheduledJob.objects.count() == 1


class TestReengagement:
    # ORIGINS 8.14: the seed's due time lay in the past, so that the job was dropped, and blocked the next one.
    def test_after_31_days_is_due_now_and_executes_and_is_not_repeated_tomorrow(self) -> None:
        make_bot()
        last = NOON - 31 * DAY
        member = make_member(last_interaction=last)

        first = triggers.schedule_reengagement(member.pk, last, now=NOON)
        assert first.follow_up is not None
        assert first.follow_up.scheduled_at == NOON
        assert execute(first.follow_up).message is not None
        FollowUp.objects.update(status="executed", executed_at=NOON)
        tomorrow = triggers.schedule_reengagement(member.pk, last, now=NOON + DAY)

        assert (tomorrow.created, tomorrow.follow_up) == (False, first.follow_up)
        assert ScheduledJob.objects.count() == 1

    @pytest.mark.parametrize(
        ("days", "threshold", "due"),
        [(10, None, NOON + 20 * DAY), (30, None, NOON), (400, None, NOON), (10, 14 * DAY, NOON + 4 * DAY)],
    )
    def test_is_due_at_the_threshold_and_never_in_the_past(
        self, days: int, threshold: timedelta | None, due: datetime
    ) -> None:
        last = NOON - days * DAY
        member = make_member(last_interaction=NOON - 400 * DAY)

        planned = triggers.schedule_reengagement(member.pk, last, threshold, now=NOON).follow_up

        assert planned is not None
        assert planned.scheduled_at == due

    # PEERS 18: coming back and going again is another silence; one is pending at a time.
    def test_of_another_silence_is_another_once_the_first_is_over(self) -> None:
        member = make_member(last_interaction=NOON - 90 * DAY)
        first = triggers.schedule_reengagement(member.pk, NOON - 90 * DAY, now=NOON)

        meanwhile = triggers.schedule_reengagement(member.pk, NOON - 40 * DAY, now=NOON)
        FollowUp.objects.update(status="executed", executed_at=NOON)
        later = triggers.schedule_reengagement(member.pk, NOON - 40 * DAY, now=NOON)

        assert (meanwhile.created, meanwhile.follow_up) == (False, first.follow_up)
        assert "pending re-engagement" in meanwhile.reason
        assert later.created

    def test_of_somebody_who_wrote_elsewhere_since_is_refused(self) -> None:
        member = make_member(last_interaction=NOON - DAY)

        plan = triggers.schedule_reengagement(member.pk, NOON - 40 * DAY, now=NOON)

        assert (plan.follow_up, plan.decision.gate) == (None, Gate.ACTIVE)


class TestOthers:
    def test_custom_takes_words_and_a_time(self) -> None:
        planned = triggers.schedule_custom_followup(make_member().pk, NOON + DAY, "How was\nit?", now=NOON).follow_up

        assert planned is not None
        assert (planned.scheduled_at, planned.trigger_data) == (NOON + DAY, {"text": "How was\nit?"})

    def test_custom_goes_without_words_after_the_default_delay(self) -> None:
        planned = triggers.schedule_custom_followup(make_member().pk, now=NOON).follow_up

        assert planned is not None
        assert (planned.scheduled_at, planned.trigger_data) == (NOON + 48 * HOUR, {})

    def test_goal_asks_when_the_member_wants_it(self) -> None:
        goal = Goal.objects.create(user=make_member(), text="Run 5 km", check_in_at=NOON + DAY)

        planned = triggers.schedule_goal_checkin(goal, now=NOON).follow_up

        assert planned is not None
        assert (planned.trigger_type, planned.scheduled_at) == ("goal", NOON + DAY)
        assert planned.trigger_data == {"goal": "Run 5 km"}
        assert not triggers.schedule_goal_checkin(goal, now=NOON).created

    def test_birthday_greets_once_a_year(self) -> None:
        member = make_member(birthday_month=11, birthday_day=18)

        first = triggers.schedule_birthday_greeting(member.pk, now=NOON)
        second = triggers.schedule_birthday_greeting(member.pk, now=NOON + HOUR)
        next_year = triggers.schedule_birthday_greeting(member.pk, now=NOON + 365 * DAY)

        assert first.follow_up is not None
        assert (first.follow_up.scheduled_at, first.follow_up.trigger_data) == (NOON, {"year": 2026})
        assert (second.created, second.follow_up) == (False, first.follow_up)
        assert next_year.created

    def test_birthday_is_not_greeted_tomorrow(self) -> None:
        """What the policy would hold until the next day comes too late."""
        late = make_member(birthday_month=11, birthday_day=18)
        just_written_to = make_member(birthday_month=11, birthday_day=18)
        make_sent(just_written_to, at=NOON - HOUR)
        in_time = make_member(birthday_month=11, birthday_day=18)

        assert "too late" in triggers.schedule_birthday_greeting(late.pk, now=NOON + 10 * HOUR).reason
        assert not triggers.schedule_birthday_greeting(just_written_to.pk, now=NOON).created
        assert triggers.schedule_birthday_greeting(in_time.pk, now=NOON).created


NONSENSE: list[tuple[str, Callable[[str], object]]] = [
    ("needs a time zone", lambda who: triggers.schedule_post_event_followup("", who, datetime(2026, 11, 20), now=NOON)),
    (
        "needs a time zone",
        lambda who: triggers.schedule_post_event_followup("", who, EVENT.replace(tzinfo=Nowhere()), now=NOON),
    ),
    ("over for too long", lambda who: triggers.schedule_post_event_followup("", who, NOON - 49 * HOUR, now=NOON)),
    (
        "outside of the calendar",
        lambda who: triggers.schedule_post_event_followup(
            "", who, datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")), now=NOON
        ),
    ),
    ("ten years away", lambda who: triggers.schedule_post_event_followup("", who, NOON + 4000 * DAY, now=NOON)),
    ("out of range", lambda who: triggers.schedule_post_event_followup("", who, NOON + 400 * DAY, now=NOON)),
    ("Nobody with the id", lambda _: triggers.schedule_post_event_followup("", "nobody", EVENT, now=NOON)),
    ("Nobody with the id", lambda _: triggers.schedule_post_event_followup("", "no\x00body", EVENT, now=NOON)),
    *(
        (
            "makes no sense",
            lambda who, delay=delay: triggers.schedule_post_event_followup("", who, EVENT, None, delay, now=NOON),
        )
        for delay in (timedelta(), -HOUR, 8760 * HOUR + SECOND, 36_500 * DAY)
    ),
    ("conversation's id", lambda who: triggers.schedule_post_event_followup("x" * 256, who, EVENT, now=NOON)),
    ("needs a time zone", lambda who: triggers.schedule_reengagement(who, datetime(2026, 10, 1), now=NOON)),
    ("lies ahead", lambda who: triggers.schedule_reengagement(who, NOON + SECOND, now=NOON)),
    ("makes no sense", lambda who: triggers.schedule_reengagement(who, NOON - DAY, -DAY, now=NOON)),
    ("makes no sense", lambda who: triggers.schedule_reengagement(who, NOON - DAY, 36_500 * DAY, now=NOON)),
    ("Nobody with the id", lambda _: triggers.schedule_reengagement("nobody", NOON - 31 * DAY, now=NOON)),
    ("needs a time zone", lambda who: triggers.schedule_custom_followup(who, datetime(2026, 11, 20), now=NOON)),
    ("out of range", lambda who: triggers.schedule_custom_followup(who, NOON - 2 * DAY, now=NOON)),
    ("The text must", lambda who: triggers.schedule_custom_followup(who, None, "a\x00b", now=NOON)),
    ("The text must", lambda who: triggers.schedule_custom_followup(who, None, "x" * 1501, now=NOON)),
    ("It is not the birthday", lambda who: triggers.schedule_birthday_greeting(who, now=NOON)),
    ("Nobody with the id", lambda _: triggers.schedule_birthday_greeting("no\x00body", now=NOON)),
    *(
        (
            "is not a time with a zone",
            lambda who, text=text: planning.plan(
                user_id=who, trigger="post_event", trigger_data={"event_at": text}, now=NOON
            ),
        )
        # An unknown zone, none at all, and an impossible day.
        for text in ("2026-11-20T12:00 Mars/Olympus", "2026-11-20T12:00:00", "2026-02-30T12:00:00Z")
    ),
]


class TestNonsense:
    @pytest.mark.parametrize(("words", "ask"), NONSENSE)
    def test_is_one_clear_error_and_leaves_no_row_anywhere(self, words: str, ask: Callable[[str], object]) -> None:
        member = make_member()
        before = row_counts()

        with pytest.raises(CannotPlan, match=words):
            ask(member.pk)

        assert row_counts() == before

    @pytest.mark.parametrize("timezone", ["", "Mars/Olympus", "../etc/passwd"])
    def test_as_the_members_zone_means_the_communitys(self, timezone: str, settings: Any) -> None:
        settings.SCHEDULER_TIMEZONE = "Asia/Tokyo"
        member = make_member(timezone=timezone, birthday_month=11, birthday_day=19)

        planned = triggers.schedule_birthday_greeting(member.pk, now=NOON + 4 * HOUR).follow_up

        assert planned is not None
        assert planned.scheduled_at == datetime(2026, 11, 19, 1, tzinfo=UTC)


class TestCancel:
    # ORIGINS 8.17
    @pytest.mark.parametrize("status", ["executed", "failed", "skipped"])
    def test_comes_too_late_for_what_is_over(self, status: str) -> None:
        planned = make_plan(make_member())
        FollowUp.objects.update(status=status, executed_at=NOON, reason="over")
        before = FollowUp.objects.values().get()

        assert triggers.cancel_followup(planned.pk, reason="late", now=NOON) is False
        assert FollowUp.objects.values().get() == before

    # ORIGINS 8.17: the seed's ids were made of member and second, and collided.
    def test_then_scheduling_the_same_instant_works(self) -> None:
        member = make_member()
        first = after(member, booking_id="b1").follow_up
        assert first is not None
        assert triggers.cancel_followup(first.pk, reason="asked to", now=NOON)

        second = after(member, booking_id="b1")

        assert second.created
        assert second.follow_up is not None
        assert second.follow_up.pk != first.pk
        assert second.follow_up.scheduled_at == first.scheduled_at


class TestReschedule:
    def test_moves_the_job_too_and_keeps_the_occasion(self) -> None:
        member = make_member()
        planned = after(member).follow_up
        assert planned is not None

        assert triggers.reschedule_followup(planned.pk, due_at=NOON + 9 * DAY, now=NOON)

        moved, job = FollowUp.objects.get(), ScheduledJob.objects.get()
        assert (moved.scheduled_at, moved.dedupe_key) == (NOON + 9 * DAY, planned.dedupe_key)
        assert (job.scheduled_time, job.next_attempt_at) == (NOON + 9 * DAY, NOON + 9 * DAY)
        assert not after(member).created

    @pytest.mark.parametrize("status", [status for status in FollowUpStatus.values if status != "pending"])
    def test_comes_too_late_for_what_is_over(self, status: str) -> None:
        planned = make_plan(make_member())
        FollowUp.objects.update(status=status, executed_at=NOON, cancelled_at=NOON, reason="over")

        assert not triggers.reschedule_followup(planned.pk, due_at=NOON + DAY, now=NOON)
        assert FollowUp.objects.get().scheduled_at == ScheduledJob.objects.get().scheduled_time == NOON

    def test_comes_too_late_for_what_is_written_or_at_work(self) -> None:
        written = make_queued(make_member())
        at_work = make_plan(make_member())
        start_job(at_work)

        for planned in (written, at_work):
            assert not triggers.reschedule_followup(planned.pk, due_at=NOON + DAY, now=NOON)
            planned.refresh_from_db()
            assert planned.scheduled_at == NOON

    def test_of_an_unknown_one_says_no(self) -> None:
        assert not triggers.reschedule_followup("nothing", due_at=NOON + DAY, now=NOON)

    @pytest.mark.parametrize("due_at", [NOON - 2 * DAY, NOON + 400 * DAY, datetime(2026, 11, 20)])
    def test_refuses_a_time_that_makes_no_sense(self, due_at: datetime) -> None:
        planned = make_plan(make_member())

        with pytest.raises(CannotPlan):
            triggers.reschedule_followup(planned.pk, due_at=due_at, now=NOON)

        assert FollowUp.objects.get().scheduled_at == NOON

    @pytest.mark.django_db(transaction=True)
    def test_at_once_with_an_opt_out_neither_deadlocks_nor_revives(self) -> None:
        for _ in range(10):
            member = make_member()
            planned = make_plan(member, due_at=NOON + DAY)

            def act(number: int, member: UserProfile = member, planned: FollowUp = planned) -> None:
                if number == 0:
                    opt_out(member)
                else:
                    triggers.reschedule_followup(planned.pk, due_at=NOON + number * DAY, now=NOON)

            at_once(3, act)

            planned.refresh_from_db()
            assert planned.status == "cancelled"
            assert ScheduledJob.objects.get(job_id=planned.job_id).status == "cancelled"


class TestList:
    def test_shows_the_latest_due_first_in_the_seeds_words(self) -> None:
        member = make_member()
        plans = [make_plan(member, due_at=NOON + days * DAY, conversation_id="c1") for days in (1, 3, 2)]
        FollowUp.objects.filter(pk=plans[1].pk).update(message_content="é" * 150, template_id="custom")

        listed = triggers.get_scheduled_followups()

        assert [item["id"] for item in listed] == [plans[index].pk for index in (1, 2, 0)]
        assert listed[0] == {
            "id": plans[1].pk,
            "conversation_id": "c1",
            "user_id": member.pk,
            "trigger_type": "custom",
            "scheduled_at": NOON + 3 * DAY,
            "status": "pending",
            "template_id": "custom",
            "message_preview": "é" * 100,
        }
        assert listed[1]["message_preview"] == ""

    def test_has_every_status_unless_one_is_asked_for(self) -> None:
        """ORIGINS T-C16: the seed's text and code disagree about that."""
        ada, ben = make_member(), make_member()
        kept, gone = make_plan(ada), make_plan(ben)
        triggers.cancel_followup(gone.pk, reason="asked to", now=NOON)

        assert len(triggers.get_scheduled_followups()) == 2
        assert [item["id"] for item in triggers.get_scheduled_followups(status="pending")] == [kept.pk]
        assert [item["id"] for item in triggers.get_scheduled_followups(ben.pk)] == [gone.pk]
        assert len(triggers.get_scheduled_followups(limit=1)) == 1

    @pytest.mark.parametrize("asked", [{"status": "lost"}, {"limit": 0}, {"limit": 501}])
    def test_refuses_what_it_cannot_show(self, asked: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"use one of|whole number"):
            triggers.get_scheduled_followups(**asked)
