"""Preferences: less often, pauses, quiet hours, zone, language, birthday, absences (PEERS 25)."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups import consent, facts, policy, preferences
from followups.models import Absence, UserProfile
from followups.preferences import Away, BadPreference, Preferences
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_plan

YEAR = timedelta(days=366)


def change(member: UserProfile, **wishes: Any) -> Preferences:
    return preferences.change(user_id=member.pk, now=NOON, **wishes)


@pytest.mark.django_db
class TestOfMember:
    def test_shows_a_newcomers(self) -> None:
        member = make_member()

        assert preferences.of_member(member.pk, now=NOON) == Preferences(
            user_id=member.pk,
            opted_in=True,
            topics=("check_ins", "events", "re_engagement"),
            frequency_hours=48,
            paused_until=None,
            quiet_start=None,
            quiet_end=None,
            timezone="",
            locale="",
            birthday_month=None,
            birthday_day=None,
            interests=(),
            absences=(),
        )

    def test_shows_no_pause_that_is_over(self) -> None:
        member = make_member(paused_until=NOON - HOUR)

        assert preferences.of_member(member.pk, now=NOON).paused_until is None

    def test_shows_topics_as_chosen(self) -> None:
        member = make_member()
        consent.change_topics(user_id=member.pk, topics=["events"], source="api", evidence="e", actor="a", now=NOON)

        assert preferences.of_member(member.pk, now=NOON).topics == ("events",)

    def test_of_somebody_unknown_is_an_error(self) -> None:
        with pytest.raises(UserProfile.DoesNotExist):
            preferences.of_member("nobody", now=NOON)


@pytest.mark.django_db
class TestChange:
    def test_keeps_everything_that_was_named_and_nothing_else(self) -> None:
        member = make_member()

        now = change(
            member,
            frequency_hours=1,
            paused_until=NOON + YEAR,
            quiet_start=22,
            quiet_end=7,
            timezone="Asia/Kathmandu",
            locale="pt_BR",
            birthday_month=2,
            birthday_day=29,
        )

        assert now == preferences.of_member(member.pk, now=NOON)
        assert (now.frequency_hours, now.paused_until, now.quiet_start, now.quiet_end) == (1, NOON + YEAR, 22, 7)
        assert (now.timezone, now.locale, now.birthday_month, now.birthday_day) == ("Asia/Kathmandu", "pt-br", 2, 29)
        assert change(member, locale="de").timezone == "Asia/Kathmandu"

    def test_takes_values_away(self) -> None:
        member = make_member()
        change(member, paused_until=NOON + DAY, quiet_start=0, quiet_end=0, birthday_month=5, birthday_day=31)

        now = change(
            member,
            paused_until=None,
            quiet_start=None,
            quiet_end=None,
            birthday_month=None,
            birthday_day=None,
            timezone="",
            locale="",
        )

        assert now == replace(preferences.of_member(make_member().pk, now=NOON), user_id=member.pk)

    @pytest.mark.parametrize(
        ("wishes", "field", "hint"),
        [
            ({"frequency_hours": 0}, "frequency_hours", "1 to 8760"),
            ({"frequency_hours": 8761}, "frequency_hours", "1 to 8760"),
            ({"frequency_hours": True}, "frequency_hours", "1 to 8760"),
            ({"frequency_hours": 5, "less_often": True}, "less_often", "one of the two"),
            ({"paused_until": NOON}, "paused_until", "in the future"),
            ({"paused_until": NOON + YEAR + HOUR}, "paused_until", "366 days"),
            ({"paused_until": datetime(2026, 12, 1)}, "paused_until", "with its zone"),
            ({"quiet_start": 22}, "quiet_end", "name both"),
            ({"quiet_start": 22, "quiet_end": None}, "quiet_end", "name both"),
            ({"quiet_start": 24, "quiet_end": 7}, "quiet_start", "0 to 23"),
            ({"quiet_start": 22, "quiet_end": -1}, "quiet_end", "0 to 23"),
            ({"birthday_month": 2, "birthday_day": 30}, "birthday_day", "no day of month 2"),
            ({"birthday_month": 13, "birthday_day": 1}, "birthday_month", "1 to 12"),
            ({"birthday_month": 4, "birthday_day": 31}, "birthday_day", "no day of month 4"),
            ({"birthday_day": 3}, "birthday_month", "name both"),
            ({"timezone": "Europe/Berln"}, "timezone", "did you mean Europe/Berlin?"),
            ({"timezone": "america/new york"}, "timezone", "did you mean America/New_York?"),
            ({"timezone": "Europe"}, "timezone", ""),
            ({"timezone": "../../etc/passwd"}, "timezone", ""),
            ({"timezone": "+02:00"}, "timezone", "like Europe/Berlin"),
            ({"locale": "Deutsch!"}, "locale", "like de or pt-br"),
            ({"locale": "d" * 17}, "locale", "like de or pt-br"),
            ({"locale": "e"}, "locale", "like de or pt-br"),
            ({"add_absence": Away(NOON + DAY, NOON + DAY)}, "add_absence", "end after it starts"),
            ({"add_absence": Away(NOON, NOON + YEAR + HOUR)}, "add_absence", "366 days"),
            ({"add_absence": Away(NOON - 3 * DAY, NOON - DAY)}, "add_absence", "in the future"),
            ({"add_absence": Away(NOON, NOON + DAY, "x" * 201)}, "add_absence", "200 characters"),
            ({"add_absence": Away(NOON, datetime(2026, 12, 1))}, "add_absence", "with its zone"),
            ({"remove_absence": 7}, "remove_absence", "no absence 7"),
            ({"remove_absence": 2**70}, "remove_absence", "no absence"),
            ({"colour": "green"}, "colour", "is no preference"),
        ],
    )
    def test_refuses_a_bad_value_and_changes_nothing(self, wishes: dict[str, Any], field: str, hint: str) -> None:
        member = make_member()
        before = preferences.of_member(member.pk, now=NOON)

        with pytest.raises(BadPreference) as refused:
            change(member, **{"locale": "fr", "less_often": False, **wishes})

        assert refused.value.field == field
        assert hint in str(refused.value)
        assert preferences.of_member(member.pk, now=NOON) == before

    def test_of_somebody_unknown_is_an_error(self) -> None:
        with pytest.raises(UserProfile.DoesNotExist):
            preferences.change(user_id="nobody", locale="de", now=NOON)


@pytest.mark.django_db
class TestLessOften:
    @pytest.mark.parametrize(("hours", "then"), [(1, 2), (48, 96), (359, 718), (361, 720), (720, 720), (8760, 8760)])
    def test_doubles_the_gap_up_to_thirty_days(self, hours: int, then: int) -> None:
        member = make_member(follow_up_frequency_hours=hours)

        assert change(member, less_often=True).frequency_hours == then


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_asking_twice_for_less_often_counts_twice(self) -> None:
        member = make_member()

        at_once(2, lambda _: change(member, less_often=True))

        assert preferences.of_member(member.pk, now=NOON).frequency_hours == 4 * 48


@pytest.mark.django_db
class TestPause:
    def test_cancels_nothing(self) -> None:
        member = make_member()
        follow_up = make_plan(member)

        change(member, paused_until=NOON + 10 * DAY)

        follow_up.refresh_from_db()
        assert follow_up.status == "pending"


@pytest.mark.django_db
class TestQuietHours:
    def test_of_one_member_are_no_other_members(self) -> None:
        member, other = make_member(), make_member()

        change(member, quiet_start=22, quiet_end=7)

        assert preferences.of_member(other.pk, now=NOON).quiet_start is None


@pytest.mark.django_db
class TestBirthday:
    def test_moved_cancels_what_was_planned_for_the_old_day(self) -> None:
        member = make_member(birthday_month=11, birthday_day=20)
        planned, other = make_plan(member, trigger="birthday"), make_plan(member)

        change(member, birthday_month=11, birthday_day=21)

        planned.refresh_from_db()
        other.refresh_from_db()
        assert (planned.status, planned.reason, other.status) == ("cancelled", "birthday changed", "pending")

    def test_named_again_cancels_nothing(self) -> None:
        member = make_member(birthday_month=11, birthday_day=20)
        planned = make_plan(member, trigger="birthday")

        change(member, birthday_month=11, birthday_day=20)

        planned.refresh_from_db()
        assert planned.status == "pending"


@pytest.mark.django_db
class TestInterests:
    def test_are_kept_each_once_and_replaced_as_a_whole(self) -> None:
        member = make_member()

        assert change(member, interests=["  Board   games ", "board games", "Rowing"]).interests == (
            "board games",
            "Rowing",
        )
        assert change(member, interests=[]).interests == ()

    @pytest.mark.parametrize(
        "named", ["rowing", [""], ["x" * 51], ["two\nlines\x00"], [str(n) for n in range(11)], None]
    )
    def test_refuse_nonsense(self, named: Any) -> None:
        with pytest.raises(BadPreference, match=r"^interests: "):
            change(make_member(), interests=named)


@pytest.mark.django_db
class TestAbsences:
    def test_are_shown_until_they_are_over(self) -> None:
        member = make_member()
        Absence.objects.create(user=member, starts_at=NOON - 9 * DAY, ends_at=NOON - DAY)
        change(member, add_absence=Away(NOON + 9 * DAY, NOON + 12 * DAY, "conference"))

        now = change(member, add_absence=Away(NOON - DAY, NOON + DAY, "the sea"))

        assert [(entry.note, entry.ends_at) for entry in now.absences] == [
            ("the sea", NOON + DAY),
            ("conference", NOON + 12 * DAY),
        ]

    def test_said_twice_are_kept_once(self) -> None:
        member = make_member()
        away = Away(NOON, NOON + DAY)

        assert len(change(member, add_absence=away).absences) == len(change(member, add_absence=away).absences) == 1

    def test_can_be_taken_back_by_their_member_only(self) -> None:
        member, other = make_member(), make_member()
        (stored,) = change(member, add_absence=Away(NOON, NOON + DAY)).absences

        with pytest.raises(BadPreference, match="no absence"):
            change(other, remove_absence=stored.id)
        assert change(member, remove_absence=stored.id).absences == ()

    def test_are_few(self) -> None:
        member = make_member()
        for number in range(preferences.MOST_ABSENCES):
            change(member, add_absence=Away(NOON + number * DAY, NOON + (number + 1) * DAY))

        with pytest.raises(BadPreference, match="remove one first"):
            change(member, add_absence=Away(NOON + 100 * DAY, NOON + 101 * DAY))


class TestZones:
    @given(st.text(max_size=80))
    def test_any_text_is_a_zone_or_an_error_with_a_hint(self, name: str) -> None:
        """A pure check: what it lets pass, the policy can use."""
        zone = ""
        with suppress(BadPreference):
            zone = preferences._zone(name)

        assert zone == "" or ZoneInfo(zone)


@pytest.mark.django_db
class TestThePolicy:
    def test_reads_what_was_chosen(self) -> None:
        member = make_member()
        change(member, frequency_hours=300, timezone="Asia/Tokyo")

        known = facts.gather(member.pk, "custom", now=NOON)

        assert (known.frequency, known.timezone) == (timedelta(hours=300), "Asia/Tokyo")
        assert policy.find_zone(known.timezone) is not None
