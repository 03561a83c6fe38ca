"""Events that members booked, each with its follow-up: what happens to the one happens to the other.

A booking is a fact and is stored whatever becomes of its follow-up: a member who has not opted in gets none, nor does a
second event near another one. Who opts in later gets those of the events that are still to come (`plan_missing`),
never one of an event that was over by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from followups import cancelling, conf, planning, triggers
from followups.models import Booking, BookingStatus, FollowUp, FollowUpStatus
from followups.occasions import Taken
from followups.planning import CannotPlan, Plan

LONGEST_NAME = 255
CALLED_OFF = "the event was called off"
MOST_AT_ONCE = 100


class BookingCancelled(CannotPlan):
    """What does not take place cannot be moved."""


class BookingExists(CannotPlan):
    """A live booking has this booking id; `existing` is it."""

    def __init__(self, existing: Booking) -> None:
        super().__init__(
            f"The booking {existing.booking_id!r} exists: an event on {existing.event_at:%Y-%m-%d %H:%M} UTC. "
            "Move it, or cancel it first."
        )
        self.existing = existing


@dataclass(frozen=True)
class Booked:
    """A booking and its follow-up: `follow_up` is its own or the one that it shares with an event nearby, or None.
    `is_planned`: this call planned or moved it. `reason` says why not.
    """

    booking: Booking
    follow_up: FollowUp | None
    is_planned: bool
    reason: str = ""


@dataclass(frozen=True)
class CalledOff:
    """What cancelling came to. `changed` is False for a booking that was cancelled before."""

    booking: Booking
    changed: bool
    stopped_follow_up: bool
    followed: Sequence[Booked]
    """Other bookings that had shared its follow-up and now have one of their own."""


def book(
    *,
    user_id: str,
    event_at: datetime,
    name: str = "",
    booking_id: str = "",
    conversation_id: str = "",
    delay: timedelta | None = None,
    now: datetime,
) -> Booked:
    """Note a booking, of the past too, and plan its follow-up `delay` (FOLLOWUP_DELAY_HOURS) after the event.

    Raises:
        BookingExists: a live booking has this id.
        CannotPlan: unknown member, a time that is naive or out of range, a delay or a text that cannot be.
    """
    at = _check_time(event_at, now=now)
    wait = conf.current().event_delay if delay is None else triggers.check_delay(delay)
    with transaction.atomic():
        planning.lock_member(user_id)
        booking = _create(
            Booking(
                user_id=user_id,
                event_at=at,
                name=_text(name, "name"),
                booking_id=_text(booking_id, "booking id"),
                conversation_id=_text(conversation_id, "conversation's id"),
                follow_up_delay=wait,
                created_at=now,
                updated_at=now,
            )
        )
        return _follow(booking, now=now)


def change(pk: int, *, event_at: datetime | None = None, name: str | None = None, now: datetime) -> Booked:
    """Rename an event, move it, or both at once. Raises what `rename` and `move` raise, and then changes nothing."""
    with transaction.atomic():
        if name is not None:
            rename(pk, name=name, now=now)
        if event_at is not None:
            return move(pk, event_at=event_at, now=now)
        booking = Booking.objects.get(pk=pk)
        return Booked(booking, FollowUp.objects.filter(pk=booking.follow_up_id).first(), is_planned=False)


def move(pk: int, *, event_at: datetime, now: datetime) -> Booked:
    """Move a booked event, with its follow-up. One that is over (sent, skipped, cancelled) stays so, unless the new
    date is far enough away to be another event.

    Raises:
        BookingCancelled: it does not take place any more.
        CannotPlan: no such booking, or a time that is naive or out of range.
    """
    at = _check_time(event_at, now=now)
    with transaction.atomic():
        booking = _lock(pk)
        if booking.status != BookingStatus.BOOKED:
            raise BookingCancelled("A cancelled booking cannot be moved: book the event again.")
        before, booking.event_at = booking.event_at, at
        if at == before:
            own = FollowUp.objects.filter(pk=booking.follow_up_id).first()
            return Booked(booking, own, is_planned=False, reason="It takes place at that time already.")
        booking.updated_at = now
        booking.save(update_fields=["event_at", "updated_at"])
        moved = _follow_along(booking, now=now)
        _follow_those_near(booking, before, now=now)
        return moved


def rename(pk: int, *, name: str, now: datetime) -> Booking:
    """Call the event something else, also in the follow-up that is not written yet.

    Raises CannotPlan: no such booking, or a name that cannot be.
    """
    words = _text(name, "name")
    with transaction.atomic():
        booking = _lock(pk)
        booking.name, booking.updated_at = words, now
        booking.save(update_fields=["name", "updated_at"])
        planned = FollowUp.objects.filter(pk=booking.follow_up_id, status=FollowUpStatus.PENDING, message=None)
        for follow_up in planned.select_for_update(of=("self",)):
            follow_up.trigger_data = {**follow_up.trigger_data, "event": words}
            follow_up.save(update_fields=["trigger_data"])
        return booking


def cancel(pk: int, *, now: datetime) -> CalledOff:
    """Cancel a booking with its follow-up. Another booking that had shared the follow-up gets one of its own.

    Raises CannotPlan when there is no such booking.
    """
    with transaction.atomic():
        booking = _lock(pk)
        if booking.status != BookingStatus.BOOKED:
            return CalledOff(booking, changed=False, stopped_follow_up=False, followed=[])
        booking.status, booking.cancelled_at, booking.updated_at = BookingStatus.CANCELLED, now, now
        booking.save(update_fields=["status", "cancelled_at", "updated_at"])
        stopped = cancelling.cancel(booking.follow_up_id, reason=CALLED_OFF, now=now)
        followed = _follow_those_near(booking, booking.event_at, now=now)
        return CalledOff(booking, changed=True, stopped_follow_up=stopped, followed=followed)


def plan_missing(user_id: str, *, now: datetime) -> int:
    """Plan the follow-ups that the member's next hundred events lack, and return how many. For those who just opted
    in: what an opt-out has stopped comes back, what a person has cancelled does not. Events that are over get none.

    Raises CannotPlan for an unknown member.
    """
    with transaction.atomic():
        planning.lock_member(user_id)
        coming = _live(user_id).filter(event_at__gt=now).order_by("event_at", "pk")[:MOST_AT_ONCE]
        lacking = [booking for booking in coming if planning.is_missing(booking.follow_up_id)]
        found = [_follow(booking, now=now) for booking in lacking]
    return sum(booked.is_planned for booked in found)


def has_attended(user_id: str, *, now: datetime) -> bool:
    """Whether the member has been to an event: a booked one that is over."""
    return _live(user_id).filter(event_at__lt=now).exists()


def _follow(booking: Booking, *, now: datetime) -> Booked:
    """Plan the booking's follow-up, if it can have one."""
    try:
        plan = triggers.schedule_post_event_followup(
            booking.conversation_id,
            booking.user_id,
            booking.event_at,
            booking.booking_id,
            booking.follow_up_delay,
            name=booking.name,
            now=now,
        )
    except CannotPlan as error:  # over for too long, or too many pending: the booking is a fact all the same
        return Booked(booking, None, is_planned=False, reason=str(error))
    return _with(booking, plan)


def _with(booking: Booking, plan: Plan) -> Booked:
    if plan.created and plan.follow_up is not None:
        _own(booking, plan.follow_up.pk)
    return Booked(booking, plan.follow_up, is_planned=plan.created, reason=plan.reason)


def _follow_along(booking: Booking, *, now: datetime) -> Booked:
    """Let the follow-up of a moved booking come along, stop it, or plan one."""
    own = FollowUp.objects.filter(pk=booking.follow_up_id).first()
    if own is None:
        return _follow(booking, now=now)
    if own.status == FollowUpStatus.PENDING:
        return _move_along(booking, own, now=now)
    if own.event_at is not None and abs(booking.event_at - own.event_at) <= conf.current().same_event:
        reason = f"Its follow-up is {own.status}, and the new date is too near for another one."
        return Booked(booking, own, is_planned=False, reason=reason)
    return _follow(booking, now=now)


def _move_along(booking: Booking, own: FollowUp, *, now: datetime) -> Booked:
    delay = booking.follow_up_delay
    about = triggers.about_event(booking.event_at, booking_id=booking.booking_id, delay=delay, name=booking.name)
    moved: Taken | bool
    try:
        due = triggers.due_after(booking.event_at, delay, now=now)
        moved = planning.follow_event(own, due_at=due, data=about, now=now)
    except CannotPlan:
        moved = False
    if moved is True:
        own.refresh_from_db()
        return Booked(booking, own, is_planned=True)
    # Another one is there, its job is at work, its message is written, or the date is past: then it must not go out.
    if not cancelling.cancel(own.pk, reason="the event was moved", now=now):
        return Booked(booking, own, is_planned=False, reason="Its follow-up is on the wire already.")
    _own(booking, "")
    return _follow(booking, now=now)


def _follow_those_near(booking: Booking, event_at: datetime, *, now: datetime) -> list[Booked]:
    """Plan for the other bookings around `event_at` that have had no follow-up of their own."""
    within = conf.current().same_event
    others = _live(booking.user_id).filter(follow_up_id="", event_at__range=(event_at - within, event_at + within))
    tried = [_follow(other, now=now) for other in others.exclude(pk=booking.pk).order_by("event_at", "pk")]
    return [booked for booked in tried if booked.is_planned]


def _create(booking: Booking) -> Booking:
    try:
        with transaction.atomic():
            booking.save(force_insert=True)
    except IntegrityError as error:
        same = Booking.objects.filter(booking_id=booking.booking_id, status=BookingStatus.BOOKED).first()
        if same is None or not booking.booking_id:
            raise
        raise BookingExists(same) from error
    return booking


def _lock(pk: int) -> Booking:
    """Lock the member, then the booking."""
    user_id = Booking.objects.filter(pk=pk).values_list("user_id", flat=True).first()
    if user_id is None:
        raise CannotPlan(f"There is no booking {pk}.")
    planning.lock_member(user_id)
    return Booking.objects.select_for_update(of=("self",)).get(pk=pk)


def _own(booking: Booking, follow_up_id: str) -> None:
    booking.follow_up_id = follow_up_id
    booking.save(update_fields=["follow_up_id"])


def _live(user_id: str) -> QuerySet[Booking]:
    return Booking.objects.filter(user_id=user_id, status=BookingStatus.BOOKED)


def _check_time(event_at: datetime, *, now: datetime) -> datetime:
    at = planning.check_event_time(event_at, now=now)
    if at > now + planning.FURTHEST:
        raise CannotPlan(f"The event of {at.isoformat()} is more than {planning.FURTHEST.days} days ahead.")
    return at


def _text(value: str, what: str) -> str:
    words = value.strip()
    if len(words) > LONGEST_NAME or not words.isprintable():
        raise CannotPlan(f"The {what} must have at most {LONGEST_NAME} characters, all printable and on one line.")
    return words
