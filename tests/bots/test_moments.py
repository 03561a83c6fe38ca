"""Moments: reading when something shall be."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bots.moments import NotATime, read, split

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)  # 13:00 in Berlin, two weeks before its clocks change


class TestRead:
    @pytest.mark.parametrize(
        ("words", "at"),
        [
            ("in 2 weeks", "2027-03-28T11:00"),  # 13:00 in Berlin still, though an hour has gone
            ("2 Weeks", "2027-03-28T11:00"),
            ("in a week", "2027-03-21T12:00"),
            ("14", "2027-03-28T11:00"),
            ("in 336 hours", "2027-03-28T12:00"),
            ("in 1 month", "2027-04-14T11:00"),
            ("in 12 months", "2028-03-14T12:00"),
            ("tomorrow", "2027-03-15T12:00"),
            (" next week. ", "2027-03-21T12:00"),
            ("2027-12-24", "2027-12-24T09:00"),
            ("on 2027-7-1", "2027-07-01T08:00"),
            ("2027-12-24 18:30", "2027-12-24T17:30"),
            ("2027-12-24T18:30", "2027-12-24T17:30"),
            ('"in three days"', "2027-03-17T12:00"),
            ("0 days", "2027-03-14T12:00"),  # whether it lies ahead is not asked here
        ],
    )
    def test_understands(self, words: str, at: str) -> None:
        assert read(words, zone=BERLIN, now=NOW) == datetime.fromisoformat(f"{at}+00:00")

    def test_ends_a_month_with_its_last_day(self) -> None:
        assert read("in 1 month", zone=UTC, now=datetime(2027, 1, 31, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)

    @pytest.mark.parametrize(
        "words",
        ["", "soon", "in -1 days", "1e9", "nan", "in 999999 weeks", "99999 months", "2027-02-30", "2027-12-24 25:00",
         "24.12.2027", "2027-13-01", "in 2 weeks and a bit", "x" * 5000],
    )  # fmt: skip
    def test_says_kindly_what_it_does_not_understand(self, words: str) -> None:
        with pytest.raises(NotATime, match="Write a time like") as refusal:
            read(words, zone=BERLIN, now=NOW)
        assert len(str(refusal.value)) < 250


class TestSplit:
    @pytest.mark.parametrize(
        ("words", "parts"),
        [
            ("run 5 km in 2 weeks", ("run 5 km", "in 2 weeks")),
            ("run 5 km, 2 weeks", ("run 5 km", "2 weeks")),
            ("finish my book on 2027-12-24 18:00", ("finish my book", "on 2027-12-24 18:00")),
            ("call mum tomorrow", ("call mum", "tomorrow")),
            ("say it in a week to two people", ("say it in a week to two people", "")),
            ("run", ("run", "")),
            ("in 2 weeks", ("", "in 2 weeks")),
            ("", ("", "")),
        ],
    )
    def test_parts_the_time_from_the_wish(self, words: str, parts: tuple[str, str]) -> None:
        assert split(words) == parts

    def test_stays_fast(self) -> None:
        """A member can send 2,000 characters, and nobody else is served meanwhile."""
        assert split("in 2 " * 1000)[1] == ""

    def test_does_not_choke_on_a_long_text(self) -> None:
        """Nothing else runs in the process meanwhile: this would have taken it a minute."""
        text = f"x{' ' * 40_000}y"
        assert split(text) == (text, "")
        assert split(f"{text} in 2 weeks") == (text, "in 2 weeks")
