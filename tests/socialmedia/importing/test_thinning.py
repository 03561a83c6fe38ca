"""Histories of trackers that never ended are thinned to what was planned (ORIGINS 6.5, T-B1)."""

from datetime import UTC, datetime, timedelta

from socialmedia.importing.thinning import Measured, thin

START = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NINE = [START + hours * HOUR for hours in (1, 6, 12, 24, 48, 72, 168, 336, 720)]


def measured(minutes: float, count: int = 0) -> Measured:
    return Measured(START + minutes * MINUTE, (count, 0, 0, None, 0))


class TestThin:
    def test_keeps_ten_of_eight_thousand_and_the_last(self) -> None:
        history = [measured(5 * number + 2, number) for number in range(8_000)]
        kept = thin(history, NINE)
        minutes = [(one.at - START) / MINUTE for one in kept]
        assert minutes == [2, 62, 362, 722, 1442, 2882, 4322, 10082, 20162, 39997]
        assert kept[-1] == history[-1]

    def test_leaves_a_last_one_away_that_says_nothing_new(self) -> None:
        assert thin([measured(0), measured(61, 4), measured(90, 4)], NINE) == [measured(0), measured(61, 4)]

    def test_keeps_what_was_planned_although_it_says_nothing_new(self) -> None:
        assert thin([measured(0), measured(61), measured(370)], NINE) == [measured(0), measured(61), measured(370)]

    def test_takes_one_for_several_planned_times(self) -> None:
        assert thin([measured(0), measured(800, 1)], NINE) == [measured(0), measured(800, 1)]

    def test_puts_a_history_in_order_and_keeps_the_first_of_an_instant(self) -> None:
        assert thin([measured(61, 2), measured(0, 1), measured(61, 3)], NINE) == [measured(0, 1), measured(61, 2)]

    def test_of_nothing_is_nothing(self) -> None:
        assert thin([], NINE) == []
        assert thin([measured(3), measured(4, 1), measured(5, 2)], []) == [measured(3), measured(5, 2)]
