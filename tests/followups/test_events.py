"""Booked events: what happens to the one happens to its follow-up."""

from datetime import datetime
from typing import Any

import pytest

from followups import events, triggers
from followups.events import BookingCancelled, BookingExists
from followups.models import Booking, FollowUp, UserProfile
from followups.planning import CannotPlan
from jobs.models import ScheduledJob
from socialmedia.models import Message
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, execute, make_member, opt_in, opt_out, start_job
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db
EVENT = NOON + 5 * DAY


def book(member: UserProfile, event_at: datetime = EVENT, **more: Any) -> events.Booked:
    """Book an event."""
    return events.book(user_id=member.pk, event_at=event_at, **{"now": NOON, **more})


def follow_up_of(booked: events.Booked) -> FollowUp:
    """The follow-up as it is stored now."""
    assert booked.follow_up is not None
    return FollowUp.objects.get(pk=booked.follow_up.pk)


def arrive(follow_up: FollowUp) -> None:
    """Let the message have reached the member."""
    FollowUp.objects.filter(pk=follow_up.pk).update(status="executed", executed_at=NOON)
    ScheduledJob.objects.filter(job_id=follow_up.job_id).update(status="completed", completed_at=NOON)


class TestBook:
    def test_stores_the_booking_and_plans_its_follow_up(self) -> None:
        member = make_member()

        booked = book(member, name="Party", booking_id="b1", conversation_id="c1", delay=2 * HOUR)

        stored, planned = Booking.objects.get(), FollowUp.objects.get()
        assert (stored.booking_id, stored.name, stored.event_at, stored.status) == ("b1", "Party", EVENT, "booked")
        assert (planned.scheduled_at, planned.conversation_id) == (EVENT + 2 * HOUR, "c1")
        assert stored.follow_up_id == planned.pk
        assert (booked.booking, booked.follow_up, booked.is_planned) == (stored, planned, True)

    @pytest.mark.parametrize("other_member", [False, True])
    def test_of_a_live_booking_id_is_one_clear_error(self, other_member: bool) -> None:
        member = make_member()
        first = book(member, booking_id="b1")
        second = make_member() if other_member else member

        with pytest.raises(BookingExists, match="'b1' exists: an event on 2026-11-23 12:00 UTC") as caught:
            book(second, EVENT + 30 * DAY, booking_id="b1")

        assert caught.value.existing == first.booking
        assert (Booking.objects.count(), FollowUp.objects.count(), ScheduledJob.objects.count()) == (1, 1, 1)

    @pytest.mark.django_db(transaction=True)
    def test_of_one_booking_id_at_once_stores_one(self) -> None:
        members = [make_member() for _ in range(4)]

        def act(number: int) -> str:
            try:
                return "booked" if book(members[number], booking_id="b1").is_planned else "no"
            except BookingExists:
                return "exists"

        assert sorted(at_once(4, act)) == ["booked", "exists", "exists", "exists"]
        assert (Booking.objects.count(), FollowUp.objects.count()) == (1, 1)

    def test_of_a_cancelled_booking_id_works_again(self) -> None:
        member = make_member()
        events.cancel(book(member, booking_id="b1").booking.pk, now=NOON)

        assert book(member, booking_id="b1").is_planned

    def test_near_another_event_shares_its_follow_up(self) -> None:
        member = make_member()
        first = book(member, booking_id="b1")

        second = book(member, EVENT + 2 * HOUR, booking_id="b2")

        assert (second.is_planned, second.follow_up, second.booking.follow_up_id) == (False, first.follow_up, "")
        assert "count as one" in second.reason

    def test_of_somebody_who_has_not_opted_in_is_a_fact_without_a_message(self) -> None:
        booked = book(make_member(opted_in=False))

        assert (booked.follow_up, Booking.objects.count(), FollowUp.objects.count()) == (None, 1, 0)
        assert "never asked" in booked.reason

    def test_of_an_event_long_over_is_a_fact_without_a_message(self) -> None:
        member = make_member()

        booked = book(member, NOON - 90 * DAY)

        assert (booked.follow_up, Booking.objects.count()) == (None, 1)
        assert "over for too long" in booked.reason

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"user_id": "nobody"}, "Nobody with the id"),
            ({"event_at": datetime(2026, 11, 20)}, "needs a time zone"),
            ({"event_at": NOON + 367 * DAY}, "more than 366 days ahead"),
            ({"event_at": NOON - 4000 * DAY}, "more than ten years away"),
            ({"delay": -HOUR}, "makes no sense"),
            ({"delay": 9000 * HOUR}, "makes no sense"),
            ({"name": "a\nb"}, "The name must"),
            ({"booking_id": "a\x00"}, "The booking id must"),
            ({"booking_id": "x" * 256}, "The booking id must"),
        ],
    )
    def test_of_nonsense_stores_nothing(self, changes: dict[str, Any], words: str) -> None:
        asked = {"user_id": make_member().pk, "event_at": EVENT, "now": NOON, **changes}

        with pytest.raises(CannotPlan, match=words):
            events.book(**asked)

        assert not Booking.objects.exists()
        assert not FollowUp.objects.exists()


class TestMove:
    @pytest.mark.parametrize("by", [HOUR, -HOUR, 30 * DAY])
    def test_takes_the_follow_up_along(self, by: Any) -> None:
        booked = book(make_member(), booking_id="b1", name="Party")

        moved = events.move(booked.booking.pk, event_at=EVENT + by, now=NOON)

        planned, job = follow_up_of(booked), ScheduledJob.objects.get()
        assert moved.is_planned
        assert (planned.event_at, planned.scheduled_at) == (EVENT + by, EVENT + by + DAY)
        assert planned.trigger_data["event_at"] == (EVENT + by).isoformat()
        assert (job.scheduled_time, job.status) == (EVENT + by + DAY, "pending")
        assert Booking.objects.get().event_at == EVENT + by

    def test_frees_the_old_time_for_another_event(self) -> None:
        member = make_member()
        booked = book(member)
        events.move(booked.booking.pk, event_at=EVENT + 30 * DAY, now=NOON)

        assert book(member, EVENT).is_planned
        assert not book(member, EVENT + 30 * DAY).is_planned

    @pytest.mark.parametrize("status", ["executed", "skipped", "failed", "cancelled"])
    @pytest.mark.parametrize(("hours", "is_new"), [(24, False), (-24, False), (25, True)])
    def test_of_one_that_was_followed_up_asks_again_only_if_it_is_another_event(
        self, status: str, hours: int, is_new: bool
    ) -> None:
        booked = book(make_member(), booking_id="b1")
        arrive(follow_up_of(booked))
        FollowUp.objects.update(status=status, cancelled_at=NOON, reason="a test")

        moved = events.move(booked.booking.pk, event_at=EVENT + hours * HOUR, now=NOON)

        assert moved.is_planned is is_new
        assert FollowUp.objects.count() == (2 if is_new else 1)
        assert moved.follow_up is not None
        assert Booking.objects.get().follow_up_id == moved.follow_up.pk

    def test_next_to_another_event_gives_its_follow_up_up(self) -> None:
        member = make_member()
        first, second = book(member), book(member, EVENT + 10 * DAY)

        moved = events.move(second.booking.pk, event_at=EVENT + HOUR, now=NOON)

        assert (moved.is_planned, moved.follow_up) == (False, first.follow_up)
        assert (follow_up_of(second).status, follow_up_of(second).reason) == ("cancelled", "the event was moved")
        assert Booking.objects.get(pk=second.booking.pk).follow_up_id == ""

    def test_away_lets_the_one_that_shared_its_follow_up_have_its_own(self) -> None:
        member = make_member()
        first, second = book(member), book(member, EVENT + HOUR)

        events.move(first.booking.pk, event_at=EVENT + 10 * DAY, now=NOON)

        own = FollowUp.objects.get(pk=Booking.objects.get(pk=second.booking.pk).follow_up_id)
        assert (own.status, own.event_at) == ("pending", EVENT + HOUR)

    def test_into_the_past_stops_the_follow_up(self) -> None:
        booked = book(make_member())

        moved = events.move(booked.booking.pk, event_at=NOON - 30 * DAY, now=NOON)

        assert follow_up_of(booked).status == "cancelled"
        assert ScheduledJob.objects.get().status == "cancelled"
        assert "over for too long" in moved.reason

    def test_while_the_message_waits_takes_it_back_and_plans_anew(self) -> None:
        make_bot()
        booked = book(make_member(), NOON - DAY)
        execute(follow_up_of(booked))

        moved = events.move(booked.booking.pk, event_at=EVENT, now=NOON)

        assert Message.objects.get().status == "suppressed"
        assert follow_up_of(booked).status == "cancelled"
        assert moved.is_planned
        assert follow_up_of(moved).scheduled_at == EVENT + DAY

    def test_while_its_job_is_at_work_stops_that_and_plans_anew(self) -> None:
        booked = book(make_member(), NOON - DAY)
        attempt_of = follow_up_of(booked)
        start_job(attempt_of)

        moved = events.move(booked.booking.pk, event_at=EVENT, now=NOON)

        assert follow_up_of(booked).status == "cancelled"
        assert (moved.is_planned, follow_up_of(moved).scheduled_at) == (True, EVENT + DAY)

    def test_comes_too_late_for_what_is_on_the_wire(self) -> None:
        make_bot()
        booked = book(make_member(), NOON - DAY)
        execute(follow_up_of(booked))
        Message.objects.update(status="unknown", first_attempt_at=NOON)

        moved = events.move(booked.booking.pk, event_at=EVENT, now=NOON)

        assert (moved.is_planned, moved.reason) == (False, "Its follow-up is on the wire already.")
        assert Booking.objects.get().event_at == EVENT

    def test_to_the_same_time_changes_nothing(self) -> None:
        booked = book(make_member())

        assert not events.move(booked.booking.pk, event_at=EVENT, now=NOON + HOUR).is_planned
        assert Booking.objects.get().updated_at == NOON

    def test_of_a_cancelled_or_unknown_one_is_refused(self) -> None:
        booked = book(make_member())
        events.cancel(booked.booking.pk, now=NOON)

        with pytest.raises(BookingCancelled, match="cannot be moved"):
            events.move(booked.booking.pk, event_at=EVENT + DAY, now=NOON)
        with pytest.raises(CannotPlan, match="no booking"):
            events.move(0, event_at=EVENT, now=NOON)
        assert Booking.objects.get().event_at == EVENT

    @pytest.mark.django_db(transaction=True)
    def test_at_once_with_everything_else_leaves_one_follow_up_at_most(self) -> None:
        for _ in range(8):
            member = make_member()
            first, second = book(member), book(member, EVENT + HOUR)

            def act(
                number: int,
                first: events.Booked = first,
                second: events.Booked = second,
                member: UserProfile = member,
            ) -> None:
                if number == 0:
                    events.cancel(first.booking.pk, now=NOON)
                elif number == 1:
                    events.move(second.booking.pk, event_at=EVENT + 2 * HOUR, now=NOON)
                elif number == 2:
                    book(member, EVENT - HOUR)
                else:
                    assert first.follow_up is not None
                    triggers.reschedule_followup(first.follow_up.pk, due_at=EVENT + 3 * DAY, now=NOON)

            at_once(4, act)

            assert FollowUp.objects.filter(user=member, status="pending").count() == 1


class TestRename:
    def test_renames_it_in_the_follow_up_too(self) -> None:
        booked = book(make_member(), name="Party")

        events.rename(booked.booking.pk, name="Feast", now=NOON + HOUR)

        assert (Booking.objects.get().name, follow_up_of(booked).trigger_data["event"]) == ("Feast", "Feast")
        assert Booking.objects.get().updated_at == NOON + HOUR

    def test_together_with_a_move_that_cannot_be_changes_nothing(self) -> None:
        booked = book(make_member(), name="Party")

        with pytest.raises(CannotPlan):
            events.change(booked.booking.pk, name="Feast", event_at=NOON + 400 * DAY, now=NOON)

        assert Booking.objects.get().name == "Party"


class TestCancel:
    def test_stops_the_follow_up_and_its_job(self) -> None:
        booked = book(make_member())

        done = events.cancel(booked.booking.pk, now=NOON)

        assert (done.changed, done.stopped_follow_up) == (True, True)
        assert (follow_up_of(booked).status, follow_up_of(booked).reason) == ("cancelled", "the event was called off")
        assert ScheduledJob.objects.get().status == "cancelled"
        assert (Booking.objects.get().status, Booking.objects.get().cancelled_at) == ("cancelled", NOON)

    def test_twice_changes_nothing(self) -> None:
        booked = book(make_member())
        events.cancel(booked.booking.pk, now=NOON)

        again = events.cancel(booked.booking.pk, now=NOON + HOUR)

        assert (again.changed, again.booking.cancelled_at) == (False, NOON)

    def test_lets_the_one_that_shared_its_follow_up_have_its_own(self) -> None:
        member = make_member()
        first = book(member, booking_id="b1")
        others = [book(member, EVENT + hours * HOUR, booking_id=f"near {hours}") for hours in (20, 2)]
        assert not any(other.is_planned for other in others)

        done = events.cancel(first.booking.pk, now=NOON)

        (follows,) = done.followed
        assert follows.booking == others[1].booking  # the first of them; the other one is within a day of it
        assert FollowUp.objects.get(status="pending").event_at == EVENT + 2 * HOUR

    def test_after_the_message_went_out_asks_nobody_twice(self) -> None:
        member = make_member()
        first = book(member)
        book(member, EVENT + HOUR)
        arrive(follow_up_of(first))

        done = events.cancel(first.booking.pk, now=NOON)

        assert (done.stopped_follow_up, done.followed) == (False, [])
        assert FollowUp.objects.count() == 1


class TestPlanMissing:
    def test_gives_those_who_opt_in_what_is_still_to_come(self) -> None:
        member = make_member(opted_in=False)
        book(member, NOON - HOUR)  # over; its follow-up would be due tomorrow
        coming = book(member, EVENT)
        opt_in(member)

        assert events.plan_missing(member.pk, now=NOON) == 1
        assert Booking.objects.get(pk=coming.booking.pk).follow_up_id == FollowUp.objects.get().pk
        assert events.plan_missing(member.pk, now=NOON) == 0

    def test_gives_nothing_to_those_who_did_not(self) -> None:
        member = make_member(opted_in=False)
        book(member)

        assert events.plan_missing(member.pk, now=NOON) == 0
        assert not FollowUp.objects.exists()

    def test_brings_back_what_an_opt_out_stopped_but_not_what_a_person_did(self) -> None:
        member = make_member()
        by_hand, by_opt_out = book(member, EVENT), book(member, EVENT + 10 * DAY)
        assert by_hand.follow_up is not None
        triggers.cancel_followup(by_hand.follow_up.pk, reason="cancelled by boss", now=NOON)
        opt_out(member)
        opt_in(member)

        assert events.plan_missing(member.pk, now=NOON) == 1
        assert FollowUp.objects.get(status="pending").event_at == by_opt_out.booking.event_at


class TestHasAttended:
    # ORIGINS C24
    def test_means_a_booked_event_that_is_over(self) -> None:
        member = make_member()
        assert not events.has_attended(member.pk, now=NOON)
        booked = book(member, NOON + HOUR)

        assert not events.has_attended(member.pk, now=NOON + HOUR)
        assert events.has_attended(member.pk, now=NOON + 2 * HOUR)

        events.cancel(booked.booking.pk, now=NOON)
        assert not events.has_attended(member.pk, now=NOON + 2 * HOUR)
