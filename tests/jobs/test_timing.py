from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django_q.models import Schedule

from jobs import timing
from jobs.timing import BadTiming, Timing

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)  # a Monday
BERLIN = ZoneInfo("Europe/Berlin")


def cron(text: str) -> Timing:
    return Timing(Schedule.CRON, NOON, cron=text)


class TestFollowing:
    @pytest.mark.parametrize(
        ("kind", "minutes", "expected"),
        [
            (Schedule.MINUTES, 7, ["2026-05-04 12:07", "2026-05-04 12:14"]),
            (Schedule.HOURLY, 1, ["2026-05-04 13:00", "2026-05-04 14:00"]),
            (Schedule.DAILY, 1, ["2026-05-05 12:00", "2026-05-06 12:00"]),
            (Schedule.WEEKLY, 1, ["2026-05-11 12:00", "2026-05-18 12:00"]),
            (Schedule.BIWEEKLY, 1, ["2026-05-18 12:00", "2026-06-01 12:00"]),
            (Schedule.MONTHLY, 1, ["2026-06-04 12:00", "2026-07-04 12:00"]),
            (Schedule.BIMONTHLY, 1, ["2026-07-04 12:00", "2026-09-04 12:00"]),
            (Schedule.QUARTERLY, 1, ["2026-08-04 12:00", "2026-11-04 12:00"]),
            (Schedule.YEARLY, 1, ["2027-05-04 12:00", "2028-05-04 12:00"]),
        ],
    )
    def test_is_what_django_q_plans(self, kind: str, minutes: int, expected: list[str]) -> None:
        found = Timing(kind, NOON, minutes).following(NOON, 2)
        assert [f"{moment:%Y-%m-%d %H:%M}" for moment in found] == expected
        schedule = Schedule(schedule_type=kind, minutes=minutes, next_run=NOON)
        assert schedule.calculate_next_run() == found[0]
        assert schedule.calculate_next_run(found[0]) == found[1]

    def test_takes_cron_in_utc_whatever_zone_the_time_is_told_in(self) -> None:
        found = cron("17 3 * * *").following(NOON.astimezone(BERLIN), 2)
        assert found == [datetime(2026, 5, day, 3, 17, tzinfo=UTC) for day in (5, 6)]

    def test_knows_that_once_is_over(self) -> None:
        once = Timing(Schedule.ONCE, NOON)
        assert once.following(NOON - timedelta(hours=1), 10) == [NOON]
        assert once.following(NOON, 10) == []

    def test_has_nothing_for_a_date_that_never_comes(self) -> None:
        assert cron("0 0 30 2 *").following(NOON, 10) == []


class TestBetween:
    @pytest.mark.parametrize("kind", [Schedule.HOURLY, Schedule.DAILY, Schedule.WEEKLY, Schedule.MONTHLY])
    def test_finds_what_following_goes_through(self, kind: str) -> None:
        walked = Timing(kind, NOON).following(NOON, 20)
        # Seen from the other end: the schedule's next time is the last of them.
        assert Timing(kind, walked[-1]).between(NOON, walked[-1], limit=100) == [NOON, *walked]

    @pytest.mark.parametrize("text", ["17 3 * * *", "*/15 * * * *", "0 0 29 2 *", "5 4 * * 1-5"])
    def test_finds_what_cron_goes_through(self, text: str) -> None:
        walked = cron(text).following(NOON, 20)
        assert cron(text).between(NOON + timedelta(seconds=1), walked[-1], limit=100) == walked

    def test_includes_both_ends(self) -> None:
        midnight = datetime(2026, 5, 1, tzinfo=UTC)
        assert len(cron("0 * * * *").between(midnight, midnight + timedelta(hours=2), limit=10)) == 3

    def test_keeps_the_latest_of_very_many(self) -> None:
        ages_ago = datetime(1900, 1, 1, tzinfo=UTC)
        found = Timing(Schedule.MINUTES, NOON, 1).between(ages_ago, NOON, limit=3)
        assert found == [NOON - timedelta(minutes=minutes) for minutes in (2, 1, 0)]
        assert len(cron("* * * * *").between(ages_ago, NOON, limit=1001)) == 1001

    def test_is_empty_where_nothing_is_planned(self) -> None:
        for one in (cron("0 0 29 2 *"), cron("0 0 30 2 *"), Timing(Schedule.YEARLY, NOON)):
            assert one.between(NOON - timedelta(days=9), NOON - timedelta(days=1), limit=10) == []


class TestInZone:
    def test_tells_the_change_to_summer_time(self) -> None:
        times = cron("30 0,1 * * *").following(datetime(2026, 3, 28, 12, 0, tzinfo=UTC), 3)
        assert [timing.in_zone(moment, BERLIN) for moment in times] == [
            "Sun 2026-03-29 01:30 CET (+01:00)",
            "Sun 2026-03-29 03:30 CEST (+02:00)",
            "Mon 2026-03-30 02:30 CEST (+02:00)",
        ]

    def test_tells_the_two_equal_hours_of_autumn_apart(self) -> None:
        times = cron("30 0,1 * * *").following(datetime(2026, 10, 24, 12, 0, tzinfo=UTC), 3)
        assert [timing.in_zone(moment, BERLIN) for moment in times] == [
            "Sun 2026-10-25 02:30 CEST (+02:00)",
            "Sun 2026-10-25 02:30 CET (+01:00)",
            "Mon 2026-10-26 01:30 CET (+01:00)",
        ]

    def test_knows_half_hours_and_the_west(self) -> None:
        assert timing.in_zone(NOON, ZoneInfo("Asia/Kolkata")) == "Mon 2026-05-04 17:30 IST (+05:30)"
        assert timing.in_zone(NOON, ZoneInfo("America/St_Johns")) == "Mon 2026-05-04 09:30 NDT (-02:30)"


class TestFindZone:
    @pytest.mark.parametrize("name", ["", "Nowhere/City", "Europe", "../etc/passwd", "a\x00b", "\udcff", "+01:00"])
    def test_refuses_what_is_no_zone_in_one_sentence(self, name: str) -> None:
        with pytest.raises(timing.UnknownZone, match="is not a known time zone: write an IANA name"):
            timing.find_zone(name)

    def test_finds_the_others(self) -> None:
        assert timing.find_zone("Europe/Berlin") == BERLIN


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("*/5 * * * *", "every 5 minutes"),
            ("* * * * *", "every minute"),
            ("0 * * * *", "hourly at minute 0"),
            ("17 3 * * *", "daily at 03:17 UTC"),
            ("5 4 * * 0", "every Sunday at 04:05 UTC"),
            ("5 4 * * 7", "every Sunday at 04:05 UTC"),
            ("0 9 * * 1-5", "Monday to Friday at 09:00 UTC"),
            ("0 0 15 * *", "monthly on day 15 at 00:00 UTC"),
            ("0 0 31 * *", "monthly on day 31 at 00:00 UTC, passing over shorter months"),
            # No even rhythm, or more than the usual: said as it stands.
            ("*/7 * * * *", "by cron */7 * * * * (UTC)"),
            ("*/0 * * * *", "by cron */0 * * * * (UTC)"),
            ("0 0 13 * 5", "by cron 0 0 13 * 5 (UTC)"),
            ("0 0 1 1 *", "by cron 0 0 1 1 * (UTC)"),
            ("0 0 * * 9", "by cron 0 0 * * 9 (UTC)"),
            ("what", "by cron what (UTC)"),
        ],
    )
    def test_say_cron(self, text: str, words: str) -> None:
        assert cron(text).words() == words

    @pytest.mark.parametrize(
        ("minutes", "words"),
        [
            (1, "every minute"),
            (5, "every 5 minutes"),
            (60, "every hour"),
            (90, "every 90 minutes"),
            (1440, "every day"),
            (2880, "every 2 days"),
        ],
    )
    def test_say_minutes(self, minutes: int, words: str) -> None:
        assert Timing(Schedule.MINUTES, NOON, minutes).words() == words

    def test_say_every_kind_that_django_q_has(self) -> None:
        for kind, _ in Schedule.TYPE:
            assert Timing(kind, NOON, cron="17 3 * * *").words()
        assert Timing(Schedule.BIWEEKLY, NOON).words() == "every second Monday at 12:00 UTC"

    def test_have_some_for_a_kind_that_somebody_wrote_into_the_table(self) -> None:
        odd = Timing("X", NOON)
        assert odd.words() == "in a way of its own (X), which nobody here can tell"
        assert odd.following(NOON, 10) == odd.between(NOON, NOON, limit=10) == []


class TestCheckCron:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "write five fields"),
            ("tomorrow", "write five fields"),
            ("@daily", "write five fields"),
            ("* * * * * *", "write five fields"),
            ("61 * * * *", "is no cron text"),
            ("a * * * *", "is no cron text"),
            ("*/0 * * * *", "is no cron text"),
            ("0 0 30 2 *", "never comes"),
            ("R * * * *", "at random times"),
            ("H(0-29) 3 * * *", "at random times"),
            ("0 " + "1," * 60 + "1 * * *", "at most 100 characters"),
            ("5\x00 3 * * *", "is no cron text"),
        ],
    )
    def test_refuses_in_one_sentence(self, text: str, told: str) -> None:
        with pytest.raises(BadTiming, match=told):
            timing.check_cron(text)

    @pytest.mark.parametrize("text", ["17 3 * * *", "0 0 29 2 *", "0 0 * * fri#2", "0 0 1 mar *", "0 0 L * *"])
    def test_takes_the_others(self, text: str) -> None:
        timing.check_cron(text)


class TestCheckEvery:
    @pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=90), timedelta(days=23), -timedelta(hours=1)])
    def test_refuses_what_django_q_cannot_keep(self, every: timedelta) -> None:
        with pytest.raises(BadTiming, match="whole number of minutes, from 1 to 32,767"):
            timing.check_every(every)
