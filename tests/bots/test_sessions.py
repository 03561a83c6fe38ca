"""How many sessions a bot may start."""

from datetime import timedelta

import discord
import pytest

from bots import sessions

HOUR_MS = 3_600_000


def limits(remaining: int, *, reset_after: int = 10 * HOUR_MS) -> discord.SessionStartLimits:
    """What Discord says."""
    return discord.SessionStartLimits(total=1000, remaining=remaining, reset_after=reset_after, max_concurrency=1)


class TestPause:
    @pytest.mark.parametrize(
        ("remaining", "shards", "minutes"),
        [
            (1000, 1, 0),
            (500, 1, 0),
            (499, 1, 600 / 489),
            (110, 1, 6),
            (110, 10, 60),
            (11, 1, 600),
            (10, 1, 600),
            (0, 1, 600),
            (25, 16, 600),
        ],
    )
    def test_is_longer_the_fewer_are_left(self, remaining: int, shards: int, minutes: float) -> None:
        """DISCORD 5: 1,000 sessions in a day, then the token is reset."""
        assert sessions.pause(limits(remaining), shards=shards) == timedelta(minutes=minutes)

    def test_never_lets_a_crash_loop_spend_the_day(self) -> None:
        """Started again at once, whatever happens: what is kept in reserve is still there when the day is over."""
        left, elapsed, day = 1000, timedelta(), timedelta(days=1)
        while elapsed < day:
            rest = (day - elapsed) // timedelta(milliseconds=1)
            said = limits(left, reset_after=max(rest, 1))
            elapsed += sessions.pause(said, shards=1) + timedelta(seconds=4)
            if elapsed < day and sessions.starts_left(said, shards=1):
                left -= 1
        assert left >= sessions.RESERVE
