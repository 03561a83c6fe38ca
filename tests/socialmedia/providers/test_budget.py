"""What may be asked of a provider, over all processes at once."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from socialmedia.models import ProviderBudget
from socialmedia.providers import budget
from socialmedia.providers.base import TooMany
from socialmedia.providers.budget import Place
from tests.concurrency import at_once

HOUR = timedelta(hours=1)
LONG = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def limits(settings: Any) -> Any:
    """A wide budget."""
    settings.TIKTOK_REQUESTS_PER_SECOND, settings.TIKTOK_REQUESTS_PER_DAY = 1_000, 10_000
    return settings


def taken(provider: str = "rapidapi", *, patience: timedelta = LONG) -> Place | TooMany:
    """A place, or why there is none."""
    try:
        return budget.take(provider, patience=patience)
    except TooMany as error:
        return error


def change(**values: Any) -> None:
    ProviderBudget.objects.filter(pk="rapidapi").update(**values)


def used() -> int:
    return ProviderBudget.objects.get(pk="rapidapi").used


def today() -> date:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date")
        return cursor.fetchone()[0]


@pytest.mark.django_db
class TestPlaces:
    def test_are_evenly_spaced(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_SECOND = 1
        waits = [budget.take("rapidapi", patience=LONG).wait.total_seconds() for _ in range(4)]
        assert waits[0] == 0
        # 1.1 s apart, less what the statements themselves took
        assert all(0.9 < later - earlier <= 1.1 for earlier, later in pairwise(waits))

    def test_further_away_than_the_patience_are_not_taken(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_SECOND = 1
        budget.take("rapidapi", patience=LONG)
        refused = taken(patience=timedelta(seconds=0.3))
        assert isinstance(refused, TooMany)
        assert timedelta(seconds=0.3) < refused.retry_after <= timedelta(seconds=1.1)
        assert used() == 1

    def test_are_put_off_for_everybody(self) -> None:
        budget.take("rapidapi", patience=LONG)
        budget.slow_down("rapidapi", timedelta(seconds=30))
        place = taken()
        assert isinstance(place, Place)
        assert timedelta(seconds=29) < place.wait <= timedelta(seconds=30)

    def test_belong_to_one_provider_each(self) -> None:
        budget.take("rapidapi", patience=LONG)
        budget.stop("rapidapi", HOUR, reason="Enough.")
        assert isinstance(taken("practice"), Place)

    def test_are_minutes_away_at_most_when_the_clock_was_set_back(self) -> None:
        taken()
        change(next_call_at=F("next_call_at") + timedelta(days=3))
        with connection.cursor() as cursor:
            patient = {"provider": "rapidapi", "gap": timedelta(0), "per_day": 9, "patience": timedelta(minutes=11)}
            cursor.execute(budget._TAKE, patient)
            wait, _ = cursor.fetchone()
        assert timedelta(minutes=9) < wait <= timedelta(minutes=10)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_fifty_takers_and_ten_places_left_make_ten(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_DAY = 30
        for _ in range(20):
            budget.take("rapidapi", patience=LONG)
        results = at_once(50, lambda _: taken())
        assert sum(isinstance(result, Place) for result in results) == 10
        assert used() == 30

    def test_nobody_shares_a_place(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_SECOND = 2
        before = ProviderBudget.objects.create(provider_name="rapidapi")
        at_once(8, lambda _: budget.take("rapidapi", patience=LONG))
        after = ProviderBudget.objects.get(pk=before.pk)
        assert after.used == 8
        left = budget.look("rapidapi").next_in
        assert timedelta(seconds=8 * 0.55 - 3) < left <= timedelta(seconds=8 * 0.55)

    def test_the_first_two_make_one_row(self) -> None:
        at_once(2, lambda _: taken())
        assert used() == 2


@pytest.mark.django_db
class TestDay:
    def test_is_over_when_its_requests_are_spent(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_DAY = 2
        assert isinstance(taken(), Place)
        assert isinstance(taken(), Place)
        refused = taken()
        assert isinstance(refused, TooMany)
        assert "Today's 2 requests to the provider rapidapi are spent (TIKTOK_REQUESTS_PER_DAY)." in str(refused)
        assert timedelta(0) < refused.retry_after <= timedelta(days=1)
        assert used() == 2

    def test_begins_anew_in_utc(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_DAY = 2
        taken()
        change(used=2, day=today() - timedelta(days=1))
        assert isinstance(taken(), Place)
        assert (used(), ProviderBudget.objects.get(pk="rapidapi").day) == (1, today())

    def test_of_no_requests_has_none(self, limits: Any) -> None:
        limits.TIKTOK_REQUESTS_PER_DAY = 0
        assert isinstance(taken(), TooMany)
        assert not ProviderBudget.objects.exists()


@pytest.mark.django_db
class TestStop:
    def test_lets_nobody_ask_and_takes_nothing(self) -> None:
        taken()
        budget.stop("rapidapi", HOUR, reason="Its budget for us is spent.")
        refused = taken()
        assert isinstance(refused, TooMany)
        assert timedelta(minutes=59) < refused.retry_after <= HOUR
        assert str(refused).endswith("Its budget for us is spent.")
        assert used() == 1

    def test_is_not_made_shorter(self) -> None:
        taken()
        budget.stop("rapidapi", 5 * HOUR, reason="Long.")
        budget.stop("rapidapi", HOUR, reason="Short.")
        left = budget.look("rapidapi")
        assert left.reason == "Long."
        assert left.stopped_for > 4 * HOUR

    def test_grows_with_each_refusal_up_to_a_day(self) -> None:
        taken()
        hours = []
        for _ in range(7):
            budget.refuse("rapidapi", reason="No.")
            hours.append(round(budget.look("rapidapi").stopped_for / HOUR))
            change(blocked_until=F("blocked_until") - timedelta(days=1))
        assert hours == [1, 2, 4, 8, 16, 24, 24]

    def test_is_no_longer_for_those_who_were_on_their_way(self) -> None:
        taken()
        for _ in range(5):
            budget.refuse("rapidapi", reason="No.")
        assert budget.look("rapidapi").stopped_for <= HOUR
        assert ProviderBudget.objects.get(pk="rapidapi").refusals == 1

    def test_that_is_over_lets_somebody_try(self) -> None:
        taken()
        budget.refuse("rapidapi", reason="No.")
        change(blocked_until=F("blocked_until") - 2 * HOUR)
        place = taken()
        assert isinstance(place, Place)
        assert place.is_trial
        assert budget.resume("rapidapi")
        assert not budget.resume("rapidapi")
        place = taken()
        assert isinstance(place, Place)
        assert not place.is_trial
