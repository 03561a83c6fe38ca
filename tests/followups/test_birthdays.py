"""Birthdays: on the member's own clock, once a year, and at a cost that follows the birthdays."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from followups import birthdays, handlers, triggers
from followups.models import Campaign, FollowUp, PolicyDecision, UserProfile
from jobs import enqueue, recurring, runner
from jobs.models import ScheduledJob
from tests.followups.factories import HOUR, NOON, make_member, opt_out

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestOfToday:
    @pytest.mark.parametrize(
        ("zone", "now", "is_today"),
        [
            ("Pacific/Kiritimati", "2026-11-17T09:59:00+00:00", False),  # 14 hours ahead
            ("Pacific/Kiritimati", "2026-11-17T10:00:00+00:00", True),
            ("Pacific/Kiritimati", "2026-11-18T10:00:00+00:00", False),
            ("Etc/GMT+12", "2026-11-18T11:59:00+00:00", False),  # 12 hours behind
            ("Etc/GMT+12", "2026-11-18T12:00:00+00:00", True),
            ("Etc/GMT+12", "2026-11-19T11:59:00+00:00", True),
            ("Etc/GMT+12", "2026-11-19T12:00:00+00:00", False),
            ("", "2026-11-18T00:00:00+00:00", True),
            ("Mars/Olympus", "2026-11-18T00:00:00+00:00", True),
        ],
    )
    def test_goes_by_the_members_clock(self, zone: str, now: str, is_today: bool) -> None:
        member = make_member(birthday_month=11, birthday_day=18, timezone=zone)

        assert list(birthdays.of_today(now=at(now))) == ([member.pk] if is_today else [])

    @pytest.mark.parametrize(
        ("day", "born"),
        [
            (date(2027, 2, 28), [(2, 28), (2, 29)]),
            (date(2028, 2, 28), [(2, 28)]),
            (date(2028, 2, 29), [(2, 29)]),
            (date(2027, 3, 1), [(3, 1)]),
        ],
    )
    def test_celebrates_the_29th_of_february_on_the_28th_of_other_years(
        self, day: date, born: list[tuple[int, int]]
    ) -> None:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        for number in (28, 29):
            make_member(birthday_month=2, birthday_day=number)
        make_member(birthday_month=3, birthday_day=1)

        chosen = UserProfile.objects.filter(pk__in=list(birthdays.of_today(now=noon)))

        assert birthdays.born_on(day) == born
        assert sorted(chosen.values_list("birthday_month", "birthday_day")) == born

    @pytest.mark.parametrize(
        "changes",
        [
            {"follow_ups_enabled": False},
            {"topics": ["events"]},
            {"left_at": NOON},
            {"unreachable_since": NOON},
            {"birthday_month": None, "birthday_day": None},
        ],
    )
    def test_leaves_out_who_gets_no_message_anyway(self, changes: dict[str, Any]) -> None:
        make_member(**{"birthday_month": 11, "birthday_day": 18, **changes})

        assert list(birthdays.of_today(now=NOON)) == []

    def test_leaves_out_who_has_a_greeting_even_a_cancelled_one(self) -> None:
        member = make_member(birthday_month=11, birthday_day=18)
        planned = triggers.schedule_birthday_greeting(member.pk, now=NOON).follow_up
        assert planned is not None
        assert list(birthdays.of_today(now=NOON)) == []

        triggers.cancel_followup(planned.pk, reason="not this year", now=NOON)

        assert list(birthdays.of_today(now=NOON)) == []

    def test_goes_through_many_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(birthdays, "AT_ONCE", 2)
        born = {make_member(birthday_month=11, birthday_day=18).pk for _ in range(5)}

        found = list(birthdays.of_today(now=NOON))

        assert (set(found), len(found)) == (born, 5)

    def test_reads_the_birthdays_by_their_index(self) -> None:
        for number in range(300):
            make_member(opted_in=False, follow_ups_enabled=True, birthday_month=number % 12 + 1, birthday_day=1)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE user_profiles")
            cursor.execute("SET LOCAL enable_seqscan = off")

        explained = birthdays._born_on(date(2026, 11, 1)).explain()

        assert "idx_profiles_birthday" in explained


class TestTodayOf:
    @pytest.mark.parametrize(
        ("zone", "now", "due"),
        [
            ("UTC", "2026-11-18T00:00:00+00:00", "2026-11-18T10:00:00+00:00"),
            ("UTC", "2026-11-18T15:30:00+00:00", "2026-11-18T15:30:00+00:00"),
            ("Pacific/Kiritimati", "2026-11-17T10:00:00+00:00", "2026-11-17T20:00:00+00:00"),
            ("Etc/GMT+12", "2026-11-18T12:00:00+00:00", "2026-11-18T22:00:00+00:00"),
        ],
    )
    def test_is_due_at_ten_on_their_clock_or_now(self, zone: str, now: str, due: str) -> None:
        birthday = birthdays.today_of(11, 18, zone=ZoneInfo(zone), now=at(now))

        assert birthday is not None
        assert birthday.due_at == at(due)

    def test_of_a_day_of_25_hours_ends_after_25(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")

        birthday = birthdays.today_of(10, 25, zone=berlin, now=at("2026-10-24T22:00:00+00:00"))

        assert birthday is not None
        assert birthday.due_at == at("2026-10-25T09:00:00+00:00")
        assert birthday.ends_at - at("2026-10-24T22:00:00+00:00") == 25 * HOUR

    def test_of_nobody_who_has_not_said_it(self) -> None:
        assert birthdays.today_of(None, None, zone=UTC, now=NOON) is None


@pytest.mark.django_db(transaction=True)
class TestSweep:
    @pytest.fixture(autouse=True)
    def _no_night(self, settings: Any) -> None:
        settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0

    def born_today(self, **changes: Any) -> UserProfile:
        from django.utils import timezone

        today = timezone.now()
        return make_member(**{"birthday_month": today.month, "birthday_day": today.day, **changes})

    def sweep(self) -> None:
        job = enqueue.schedule_job(handlers.BIRTHDAYS, NOON.replace(year=2025), {})
        runner.run_once()
        job.refresh_from_db()
        assert job.status == "completed", job.error_message

    def test_greets_everybody_once(self) -> None:
        born = {self.born_today().pk for _ in range(3)}
        make_member(birthday_month=None)

        self.sweep()
        self.sweep()

        assert set(FollowUp.objects.values_list("user_id", flat=True)) == born
        assert FollowUp.objects.filter(trigger_type="birthday", status="pending").count() == 3
        assert ScheduledJob.objects.filter(job_type="follow_up_message").count() == 3

    def test_goes_on_after_one_who_cannot_be_planned_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        full, other = sorted([self.born_today(), self.born_today()], key=lambda member: member.pk)
        FollowUp.objects.bulk_create(
            FollowUp(user=full, trigger_type="custom", scheduled_at=NOON, dedupe_key=f"k{number}")
            for number in range(10)
        )

        self.sweep()

        assert FollowUp.objects.get(trigger_type="birthday").user == other

    def test_greets_nobody_who_does_not_want_it(self) -> None:
        opt_out(self.born_today())
        self.born_today(opted_in=False)
        self.born_today(topics=["events"])

        self.sweep()

        assert not FollowUp.objects.exists()

    @pytest.mark.parametrize("off", ["FOLLOW_UP_ENABLED", "SCHEDULER_ENABLED", "FOLLOW_UP_MAX_PER_USER_PER_WEEK"])
    def test_does_nothing_while_it_is_switched_off(self, off: str, settings: Any) -> None:
        setattr(settings, off, 0)
        self.born_today()

        self.sweep()

        assert not PolicyDecision.objects.exists()

    def test_does_nothing_while_the_campaign_is_paused(self) -> None:
        Campaign.objects.create(trigger_type="birthday", paused_at=NOON, pause_reason="too many complaints")
        self.born_today()

        self.sweep()

        assert not FollowUp.objects.exists()

    def test_comes_every_hour(self) -> None:
        assert recurring.find("birthday-sweep").every == HOUR
