"""The console's pages of events, and moving a follow-up."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from followups import events
from followups.models import Booking, FollowUp
from jobs.models import ScheduledJob
from tests.config.factories import make_follow_up, make_member, make_staff
from tests.followups.factories import make_member as make_follow_member
from tests.followups.factories import make_plan

pytestmark = pytest.mark.django_db

EVENTS = reverse("admin:followups_booking_changelist")
FOLLOW_UPS = reverse("admin:followups_followup_changelist")


@pytest.fixture(autouse=True)
def _no_night(settings: Any) -> None:
    settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0


def book(days: float = 5, **more: Any) -> Booking:
    now = timezone.now()
    member = make_member(opted_in=True)
    return events.book(user_id=member.user_id, event_at=now + timedelta(days=days), now=now, **more).booking


def filled(days: float) -> str:
    """A time as the browser's field sends it."""
    return (timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


class TestEvents:
    def test_tells_the_whole_story(self, boss: Client) -> None:
        booking = book(name="<b>Party</b>", booking_id="b1")
        page = boss.get(f"{EVENTS}{booking.pk}/change/").content.decode()
        for words in ("&lt;b&gt;Party&lt;/b&gt;", "b1", "24 hours", "Pending", "After an event"):
            assert words in page, words
        assert "b1" in boss.get(EVENTS, {"q": "b1"}).content.decode()

    def test_moves_one_with_its_follow_up(self, boss: Client) -> None:
        booking = book()
        address = f"{EVENTS}{booking.pk}/move/"
        assert address in boss.get(f"{EVENTS}{booking.pk}/change/").content.decode()
        assert boss.get(address).status_code == 200

        page = boss.post(address, {"at": filled(20)}, follow=True).content.decode()

        booking.refresh_from_db()
        assert FollowUp.objects.get().scheduled_at == booking.event_at + timedelta(days=1)
        assert booking.event_at > timezone.now() + timedelta(days=19)
        assert "Its follow-up is due on" in page
        assert LogEntry.objects.get().object_id == str(booking.pk)

    @pytest.mark.parametrize("at", ["", "soon", "2099-01-01T00:00", "0001-01-01T00:00"])
    def test_keeps_the_event_when_the_time_makes_no_sense(self, boss: Client, at: str) -> None:
        booking = book()
        page = boss.post(f"{EVENTS}{booking.pk}/move/", {"at": at})
        assert page.status_code == 200
        assert "error" in page.content.decode()
        assert Booking.objects.get().event_at == booking.event_at

    def test_cancels_one_with_its_follow_up(self, boss: Client) -> None:
        booking = book()
        boss.get(f"{EVENTS}{booking.pk}/cancel/")
        assert Booking.objects.get().status == "booked"

        page = boss.post(f"{EVENTS}{booking.pk}/cancel/", follow=True).content.decode()

        assert "The event is cancelled, and its follow-up." in page
        assert (Booking.objects.get().status, FollowUp.objects.get().status) == ("cancelled", "cancelled")
        assert f"{EVENTS}{booking.pk}/move/" not in page
        again = boss.post(f"{EVENTS}{booking.pk}/cancel/", follow=True).content.decode()
        assert "cancelled before" in again

    def test_is_only_to_be_looked_at_without_the_permission(self, client: Client) -> None:
        client.force_login(make_staff("followups.view_booking"))
        booking = book()
        assert client.get(f"{EVENTS}{booking.pk}/change/").status_code == 200
        assert client.post(f"{EVENTS}{booking.pk}/cancel/").status_code == 403
        assert Booking.objects.get().status == "booked"


class TestReschedule:
    def test_moves_a_follow_up_and_its_job(self, boss: Client) -> None:
        now = timezone.now()
        row = make_plan(make_follow_member(), due_at=now, now=now)
        address = f"{FOLLOW_UPS}{row.pk}/reschedule/"
        assert address in boss.get(f"{FOLLOW_UPS}{row.pk}/change/").content.decode()

        page = boss.post(address, {"at": filled(9)}, follow=True).content.decode()

        moved = FollowUp.objects.get()
        assert moved.scheduled_at == ScheduledJob.objects.get().scheduled_time > now + timedelta(days=8)
        assert f"Rescheduled to {moved.scheduled_at:%Y-%m-%d %H:%M} UTC." in page

    @pytest.mark.parametrize("at", ["", "soon", "2099-01-01T00:00"])
    def test_keeps_it_when_the_time_makes_no_sense(self, boss: Client, at: str) -> None:
        now = timezone.now()
        row = make_plan(make_follow_member(), due_at=now, now=now)
        assert boss.post(f"{FOLLOW_UPS}{row.pk}/reschedule/", {"at": at}).status_code == 200
        assert FollowUp.objects.get().scheduled_at == row.scheduled_at

    def test_comes_too_late_for_what_is_over(self, boss: Client) -> None:
        row = make_follow_up(make_member(), "executed", now=timezone.now())
        address = f"{FOLLOW_UPS}{row.pk}/reschedule/"
        assert address not in boss.get(f"{FOLLOW_UPS}{row.pk}/change/").content.decode()
        assert "Nothing was changed" in boss.post(address, {"at": filled(9)}, follow=True).content.decode()
