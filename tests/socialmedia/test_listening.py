"""When our accounts listened."""

from datetime import datetime, timedelta

import pytest

from socialmedia import listening
from socialmedia.models import Account, ListeningGap
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON, make_bot

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def heard_until(account: Account) -> datetime | None:
    return Account.objects.get(pk=account.pk).heard_until


def gap(from_hours: float, to_hours: float) -> None:
    """Nobody listened from so many hours before NOON to so many."""
    ListeningGap.objects.create(began_at=NOON - from_hours * HOUR, ended_at=NOON - to_hours * HOUR)


@pytest.mark.django_db
class TestBegan:
    def test_for_the_first_time_ends_no_gap(self) -> None:
        bot = make_bot()

        assert listening.began(bot.pk, now=NOON) is None
        assert heard_until(bot) == NOON

    def test_writes_down_the_gap(self) -> None:
        bot = make_bot()
        listening.began(bot.pk, now=NOON - DAY)

        found = listening.began(bot.pk, now=NOON)

        assert found is not None
        assert (found.began_at, found.ended_at) == (NOON - DAY, NOON)

    def test_takes_a_short_pause_for_none(self) -> None:
        bot = make_bot()
        listening.began(bot.pk, now=NOON - listening.STALE)

        assert listening.began(bot.pk, now=NOON) is None

    def test_after_another_one_that_listened_ends_no_gap(self) -> None:
        listening.began(make_bot().pk, now=NOON - MINUTE)
        bot = make_bot()
        listening.began(bot.pk, now=NOON - DAY)

        assert listening.began(bot.pk, now=NOON) is None

    def test_does_not_count_a_retired_one(self) -> None:
        retired = make_bot()
        Account.objects.filter(pk=retired.pk).update(is_active=False, heard_until=NOON)
        bot = make_bot()
        Account.objects.filter(pk=bot.pk).update(heard_until=NOON - DAY)

        assert listening.began(bot.pk, now=NOON) is not None


@pytest.mark.django_db(transaction=True)
class TestTwoBeginAtOnce:
    @pytest.mark.parametrize("is_same", [True, False])
    def test_write_one_gap(self, is_same: bool) -> None:
        bots = [make_bot() for _ in range(2)]
        Account.objects.update(heard_until=NOON - DAY)

        at_once(4, lambda index: listening.began(bots[0 if is_same else index % 2].pk, now=NOON))

        assert ListeningGap.objects.count() == 1


@pytest.mark.django_db
class TestHeard:
    def test_costs_one_statement(self, django_assert_num_queries: object) -> None:
        bot = make_bot()
        listening.heard(bot.pk, now=NOON)
        with django_assert_num_queries(1):  # type: ignore[operator]
            listening.heard(bot.pk, now=NOON + MINUTE)

        assert heard_until(bot) == NOON + MINUTE
        assert not ListeningGap.objects.exists()

    def test_after_a_long_pause_writes_down_the_gap(self) -> None:
        bot = make_bot()
        listening.heard(bot.pk, now=NOON)
        listening.heard(bot.pk, now=NOON + HOUR)

        assert ListeningGap.objects.get().ended_at == NOON + HOUR


@pytest.mark.django_db
class TestUnheard:
    def test_counts_only_what_lies_between(self) -> None:
        gap(30, 20)
        gap(10, 8)
        gap(3, -3)

        assert listening.unheard(since=NOON - 25 * HOUR, until=NOON) == 10 * HOUR

    def test_counts_what_is_in_two_gaps_once(self) -> None:
        gap(10, 5)
        gap(8, 3)
        gap(7, 6)

        assert listening.unheard(since=NOON - DAY, until=NOON) == 7 * HOUR

    def test_counts_the_one_that_is_open(self) -> None:
        bot = make_bot()
        listening.began(bot.pk, now=NOON - HOUR)

        assert listening.unheard(since=NOON - DAY, until=NOON) == HOUR
        assert listening.unheard(since=NOON - DAY, until=NOON - HOUR + MINUTE) == timedelta()

    def test_is_nothing_before_anybody_ever_listened(self) -> None:
        make_bot()

        assert listening.unheard(since=NOON - DAY, until=NOON) == timedelta()


@pytest.mark.django_db
class TestBefore:
    @pytest.mark.parametrize(("hours", "ago"), [(0, 0), (1, 1), (2, 2), (3, 6), (4, 7), (6, 9), (6.5, 15.5), (20, 29)])
    def test_walks_back_over_the_gaps(self, hours: float, ago: float) -> None:
        gap(15, 9)
        gap(12, 10)
        gap(5, 2)

        assert listening.before(hours * HOUR, now=NOON) == NOON - ago * HOUR

    @pytest.mark.parametrize("hours", [1, 5, 17, 40])
    def test_agrees_with_unheard(self, hours: int) -> None:
        for start in range(1, 60, 7):
            gap(start + 1 + start % 5, start)
        since = listening.before(hours * HOUR, now=NOON)

        assert NOON - since - listening.unheard(since=since, until=NOON) == hours * HOUR

    def test_stands_still_while_nobody_listens(self) -> None:
        bot = make_bot()
        listening.began(bot.pk, now=NOON - 10 * HOUR)

        assert listening.before(HOUR, now=NOON) == NOON - 11 * HOUR
        assert listening.before(HOUR, now=NOON + DAY) == NOON - 11 * HOUR


@pytest.mark.django_db
class TestDeafSince:
    def test_is_unknown_for_one_that_was_never_connected(self) -> None:
        assert listening.deaf_since(make_bot().pk, now=NOON) is None

    def test_is_a_little_before_it_was_last_heard_of(self) -> None:
        bot = make_bot()
        Account.objects.filter(pk=bot.pk).update(heard_until=NOON - HOUR)

        assert listening.deaf_since(bot.pk, now=NOON) == NOON - HOUR - listening.STALE

    def test_is_the_beginning_of_the_gap_that_has_just_ended(self) -> None:
        bot = make_bot()
        gap(30, 20)
        Account.objects.filter(pk=bot.pk).update(heard_until=NOON - HOUR)
        listening.heard(bot.pk, now=NOON)

        assert listening.deaf_since(bot.pk, now=NOON + MINUTE) == NOON - HOUR - listening.STALE
        assert listening.deaf_since(bot.pk, now=NOON + HOUR) == NOON - listening.STALE
