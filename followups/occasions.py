"""Occasions: which follow-up of the member is about the same thing already, and why it counts as the same."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from followups.models import FollowUp, FollowUpStatus, Trigger

SAME_EVENT_HOURS: Final = "same_event_hours"
"""In a post-event follow-up's `trigger_data`: events so many hours apart were the same when it was planned. The
database's trigger holds the row to it."""
_LIVE = (FollowUpStatus.PENDING, FollowUpStatus.EXECUTED)


@dataclass(frozen=True)
class Taken:
    """The follow-up that an occasion has, and in a sentence why no second one is planned."""

    follow_up: FollowUp
    reason: str


def instant(at: datetime) -> str:
    """The instant in words that are the same in every zone."""
    return at.astimezone(UTC).isoformat()


def taken(
    *, user_id: str, trigger: str, key: str, data: dict[str, Any], event_at: datetime | None, other_than: str = ""
) -> Taken | None:
    """Return the follow-up that this occasion has already. Needs the member's row locked.

    The same is what has the same key; for a re-engagement any pending one; for an event one of the same booking
    that is pending, and one for an event nearby that is pending or executed.
    """
    others = FollowUp.objects.exclude(pk=other_than)
    same = others.filter(dedupe_key=key).first()
    if same is not None:
        return Taken(same, f"This occasion has a follow-up already; it is {same.status}.")
    others = others.filter(user_id=user_id, trigger_type=trigger)
    if trigger == Trigger.RE_ENGAGEMENT:
        return _pending_re_engagement(others)
    if event_at is None:
        return None
    return _of_booking(others, data) or _near(others, data, event_at)


def _pending_re_engagement(others: QuerySet[FollowUp]) -> Taken | None:
    found = others.filter(status=FollowUpStatus.PENDING).first()
    return None if found is None else Taken(found, "The member has a pending re-engagement already.")


def _of_booking(others: QuerySet[FollowUp], data: dict[str, Any]) -> Taken | None:
    booking_id = data.get("booking_id")
    if not booking_id:
        return None
    found = others.filter(status=FollowUpStatus.PENDING, trigger_data__booking_id=booking_id).first()
    if found is None:
        return None
    return Taken(
        found, f"The booking {booking_id} has a pending follow-up already: move or cancel the booking instead."
    )


def _near(others: QuerySet[FollowUp], data: dict[str, Any], event_at: datetime) -> Taken | None:
    """A live one for an event at most so far away, in either direction; both ends count."""
    hours = float(data[SAME_EVENT_HOURS])
    within = timedelta(hours=hours)
    nearby = others.filter(status__in=_LIVE, event_at__range=(event_at - within, event_at + within))
    found = nearby.order_by("created_at", "pk").first()
    if found is None or found.event_at is None:
        return None
    return Taken(
        found,
        f"The event of {found.event_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC has a follow-up already ({found.status}); "
        f"events at most {hours:g} hour{'' if hours == 1 else 's'} apart count as one.",
    )
