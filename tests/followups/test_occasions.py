"""One follow-up for one event, refused by the database itself; and the column that it looks at."""

import uuid
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any

import psycopg.errors
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from followups.models import FollowUp, UserProfile
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, make_member

pytestmark = pytest.mark.django_db


def write(member: UserProfile, event_at: Any, *, status: str = "pending", within: float | None = 24) -> FollowUp:
    """Write a row past planning."""
    return FollowUp.objects.create(
        user=member,
        trigger_type="post_event",
        trigger_data={} if within is None else {"same_event_hours": within},
        event_at=event_at,
        scheduled_at=NOON,
        executed_at=NOON,
        cancelled_at=NOON,
        status=status,
        reason="a test",
        dedupe_key=str(uuid.uuid4()),
    )


def is_refused(member: UserProfile, event_at: Any, **more: Any) -> bool:
    before = FollowUp.objects.count()
    with suppress(IntegrityError), transaction.atomic():
        write(member, event_at, **more)
    return FollowUp.objects.count() == before


class TestTheDatabase:
    # ORIGINS 8.12
    @pytest.mark.parametrize("status", ["pending", "executed"])
    @pytest.mark.parametrize(
        ("hours", "refused"),
        [(-49, 0), (-48, 0), (-25, 0), (-24, 1), (-1, 1), (0, 1), (24, 1), (25, 0), (48, 0)],
    )
    def test_refuses_a_second_one_a_day_away(self, hours: int, refused: int, status: str) -> None:
        member = make_member()
        write(member, NOON, status=status)

        assert is_refused(member, NOON + hours * HOUR) == bool(refused)

    def test_holds_a_row_to_what_it_says_and_to_a_day_when_it_says_nothing(self) -> None:
        member = make_member()
        write(member, NOON)

        assert not is_refused(member, NOON + HOUR, within=0)
        assert is_refused(member, NOON + 30 * HOUR, within=29)
        assert is_refused(member, NOON - DAY, within=None)

    @pytest.mark.parametrize("status", ["cancelled", "failed", "skipped"])
    def test_is_not_bothered_by_what_is_over(self, status: str) -> None:
        member = make_member()
        write(member, NOON, status=status)

        assert not is_refused(member, NOON)

    def test_is_not_bothered_by_other_members_other_kinds_and_unknown_events(self) -> None:
        member = make_member()
        write(member, NOON)

        assert not is_refused(make_member(), NOON)
        assert not is_refused(member, None)
        FollowUp.objects.create(user=member, trigger_type="custom", event_at=NOON, scheduled_at=NOON, dedupe_key="c")

    def test_refuses_to_revive_or_to_move_one_next_to_another(self) -> None:
        member = make_member()
        write(member, NOON)
        failed, other = write(member, NOON, status="failed"), write(member, NOON + 3 * DAY)

        for row, changes in ((failed, {"status": "pending"}), (other, {"event_at": NOON + HOUR})):
            with pytest.raises(IntegrityError, match="has a follow-up for this event already"), transaction.atomic():
                FollowUp.objects.filter(pk=row.pk).update(**changes)
        FollowUp.objects.filter(pk=other.pk).update(event_at=NOON + 2 * DAY)

    def test_never_refuses_to_record_what_arrived(self) -> None:
        """A message that was cancelled too late has arrived, whatever was planned meanwhile."""
        member = make_member()
        late = write(member, NOON, status="cancelled")
        write(member, NOON)

        assert FollowUp.objects.filter(pk=late.pk).update(status="executed") == 1

    def test_names_the_guard(self) -> None:
        member = make_member()
        write(member, NOON)

        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            write(member, NOON)

        assert isinstance(caught.value.__cause__, psycopg.errors.ExclusionViolation)
        assert caught.value.__cause__.diag.constraint_name == "one_follow_up_per_event"

    @pytest.mark.django_db(transaction=True)
    def test_lets_one_of_many_at_once_through(self) -> None:
        member = make_member()

        def act(number: int) -> None:
            with suppress(IntegrityError):
                write(member, NOON + number * HOUR)

        at_once(5, act)

        assert FollowUp.objects.count() == 1

    def test_looks_by_the_index(self) -> None:
        member = make_member()
        rows = [
            FollowUp(
                user=member,
                trigger_type="post_event",
                status="cancelled",
                cancelled_at=NOON,
                event_at=NOON + timedelta(hours=number),
                scheduled_at=NOON,
                dedupe_key=f"k{number}",
            )
            for number in range(2_000)
        ]
        FollowUp.objects.bulk_create(rows)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE scheduled_followups")
            nearby = FollowUp.objects.filter(
                user=member, trigger_type="post_event", event_at__range=(NOON - DAY, NOON + DAY)
            )
            assert "idx_followups_user_event" in nearby.explain()


class TestEventTimes:
    def test_are_filled_in_wherever_they_can_be_read(self) -> None:
        member = make_member()
        told = {
            "2026-11-18T13:00:00+01:00": NOON,
            "2026-11-25T12:00:00Z": NOON + 7 * DAY,
            "2026-11-18T12:00:00": None,  # nobody knows which instant that is
            "tomorrow": None,
            "2026-13-45T00:00:00Z": None,
            "0001-01-01T00:00:00+14:00": None,  # the database would take it, and nobody could read the row again
        }
        rows = {text: write(member, None) for text in told}
        for text, row in rows.items():
            FollowUp.objects.filter(pk=row.pk).update(trigger_data={"event_at": text})
        other = FollowUp.objects.create(
            user=member, trigger_type="custom", trigger_data={"event_at": NOON.isoformat()}, scheduled_at=NOON
        )

        odd = write(member, None)
        FollowUp.objects.filter(pk=odd.pk).update(trigger_data=["event_at"])

        import_module("followups.migrations.0007_event_times").fill(apps, None)

        found = {text: FollowUp.objects.get(pk=row.pk).event_at for text, row in rows.items()}
        other.refresh_from_db()
        assert found == told
        assert other.event_at is None
