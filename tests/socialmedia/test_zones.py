"""When an account's day begins and ends."""

import zoneinfo
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from socialmedia import zones

ZONES = sorted(zoneinfo.available_timezones())


class TestDayOf:
    # Until 2011 a few zones turned the clocks back a minute after midnight: there a date came twice.
    @given(
        name=st.sampled_from(ZONES),
        moment=st.datetimes(datetime(2012, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    )
    def test_is_all_of_one_date(self, name: str, moment: datetime) -> None:
        zone = zoneinfo.ZoneInfo(name)
        day = zones.day_of(moment, zone)
        assert day.start <= moment < day.end
        assert {at.astimezone(zone).date() for at in (day.start, day.end - timedelta(microseconds=1))} == {day.date}
        assert (
            (day.start - timedelta(microseconds=1)).astimezone(zone).date() < day.date < day.end.astimezone(zone).date()
        )

    def test_begins_where_the_clocks_go_when_they_skip_midnight(self) -> None:
        day = zones.day_of(datetime(2026, 4, 24, 12, tzinfo=UTC), zoneinfo.ZoneInfo("Africa/Cairo"))
        assert (day.start.hour, day.end - day.start) == (22, timedelta(hours=23))

    def test_begins_at_the_first_of_two_midnights(self) -> None:
        day = zones.day_of(datetime(2026, 11, 1, 12, tzinfo=UTC), zoneinfo.ZoneInfo("America/Havana"))
        assert (day.start.hour, day.end - day.start) == (4, timedelta(hours=25))
