"""Accounts' figures day by day."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jobs.models import ScheduledJob
from socialmedia import account_days
from socialmedia.models import Account, AccountSnapshot, AnalyticsFetch, Post, ProviderBudget
from socialmedia.providers.base import Gone, Person, Profile, TooMany, Unreachable
from tests.fakes.scripted import Scripted, configured
from tests.socialmedia.factories import NOON, make_bot
from tests.socialmedia.post_factories import make_creator, make_post, make_snapshot

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PATIENCE = timedelta(seconds=0.4)


@pytest.fixture
def provider(settings: Any) -> Iterator[Scripted]:
    with configured(settings) as scripted:
        yield scripted


def profile(followers: int | None = 1000, **values: Any) -> Profile:
    fields: dict[str, Any] = {"following": 3, "posts": 20, "likes": 99, "bio": "Hi", "raw": {"a": 1}, **values}
    return Profile(fields.pop("person", Person("a1", "ada", "Ada L.")), followers=followers, **fields)


def take(account: Account, now: Any = NOON) -> AccountSnapshot:
    return account_days.take(account.pk, patience=PATIENCE, now=now)


def fetches() -> list[tuple[str, str]]:
    return list(AnalyticsFetch.objects.order_by("pk").values_list("status", "error_message"))


class TestTake:
    def test_counts_the_latest_of_each_post(self, provider: Scripted) -> None:
        account = make_creator("ada")
        first, second = make_post(account), make_post(account)
        make_post()  # of somebody else, without snapshots
        make_snapshot(first, hours=0, views=1, likes=1, comments=1)
        make_snapshot(first, hours=1, views=5_000_000_000, likes=60, comments=10, shares=4)
        make_snapshot(first, hours=2, views=None, outcome="unavailable")
        make_snapshot(second, hours=1, views=100, likes=20, comments=10, shares=None, saves=5)
        make_snapshot(make_post(account), views=None, likes=None, comments=6)
        provider.profiles["ada"] = profile()
        day = take(account)
        assert (day.snapshot_date, day.followers_count, day.following_count) == (date(2026, 3, 10), 1000, 3)
        assert (day.posts_count, day.total_likes, day.total_comments) == (20, 99, 26)
        assert (day.total_views, day.total_shares, day.total_saves) == (5_000_000_100, 4, 5)
        assert day.engagement_rate == Decimal("5.00"), (
            "(60 + 20 + 10 + 10) / (2 x 1000) in percent; the third hides its likes"
        )
        assert (day.avg_likes_per_post, day.avg_views_per_post) == (Decimal(40), Decimal(2_500_000_050))
        assert (day.followers_growth, day.raw_data, day.parser_version) == (None, {"a": 1}, 7)

    def test_refreshes_the_account(self, provider: Scripted) -> None:
        account = make_creator("ada")
        provider.profiles["ada"] = profile(is_verified=True, website_url="https://ada.example")
        take(account)
        account.refresh_from_db()
        assert (account.display_name, account.bio, account.external_id) == ("Ada L.", "Hi", "a1")
        assert (account.is_verified, account.website_url, account.last_fetched_at) == (
            True,
            "https://ada.example",
            NOON,
        )
        assert fetches() == [("completed", "")]

    def test_grows_since_the_last_day_that_is_known(self, provider: Scripted) -> None:
        account = make_creator("ada")
        for days, followers in ((0, 1000), (1, None), (3, 980)):
            provider.profiles["ada"] = profile(followers)
            day = take(account, NOON + days * DAY)
        assert (day.followers_growth, AccountSnapshot.objects.count()) == (-20, 3)

    def test_writes_over_the_same_day(self, provider: Scripted) -> None:
        account = make_creator("ada")
        for followers in (1000, 1010):
            provider.profiles["ada"] = profile(followers)
            take(account)
        (day,) = AccountSnapshot.objects.all()
        assert (day.followers_count, day.followers_growth) == (1010, None)

    @pytest.mark.parametrize(("followers", "rate"), [(0, Decimal(0)), (None, None), (1, Decimal("9999999999.00"))])
    def test_has_a_rate_only_where_it_can(
        self, provider: Scripted, followers: int | None, rate: Decimal | None
    ) -> None:
        account = make_creator("ada")
        make_snapshot(make_post(account), likes=10**13, comments=1)
        provider.profiles["ada"] = profile(followers)
        assert take(account).engagement_rate == rate

    def test_without_posts_leaves_their_figures_empty(self, provider: Scripted) -> None:
        provider.profiles["ada"] = profile(likes=2**70)
        day = take(make_creator("ada"))
        assert (day.engagement_rate, day.total_views, day.avg_likes_per_post, day.total_likes) == (None,) * 4

    def test_says_why_it_failed(self, provider: Scripted) -> None:
        provider.profiles["ada"] = Gone("No such account.")
        with pytest.raises(Gone):
            take(make_creator("ada"))
        assert fetches() == [("failed", "No such account.")]
        assert not AccountSnapshot.objects.exists()

    def test_waits_when_the_budget_is_spent(self, provider: Scripted) -> None:
        account = make_creator("ada")
        provider.profiles["ada"] = TooMany("Later.", retry_after=DAY)
        for _ in range(2):
            with pytest.raises(TooMany):
                take(account)
        assert len(fetches()) == len(provider.asked) == 1
        assert fetches()[0][0] == "pending"
        ProviderBudget.objects.all().delete()
        provider.profiles["ada"] = profile()
        take(account)
        assert fetches() == [("completed", "")], "one fetch, however often it waited"

    def test_takes_no_figures_of_somebody_else(self, provider: Scripted) -> None:
        account = make_creator("ada")
        Account.objects.filter(pk=account.pk).update(external_id="a0", bio="Mine")
        provider.profiles["ada"] = profile()
        with pytest.raises(account_days.SomebodyElse, match="@ada belongs to another account by now"):
            take(account)
        account.refresh_from_db()
        assert (account.bio, AccountSnapshot.objects.count(), fetches()[0][0]) == ("Mine", 0, "failed")

    def test_takes_no_answer_about_another_account(self, provider: Scripted) -> None:
        provider.profiles["ada"] = profile(person=Person("b7", "ben", "Ben"))
        with pytest.raises(Unreachable, match="another account than the one it was asked for"):
            take(make_creator("ada"))
        assert (AccountSnapshot.objects.count(), fetches()[0][0]) == (0, "failed")

    def test_leaves_an_id_that_another_row_has(self, provider: Scripted) -> None:
        other, account = make_creator("ada_old"), make_creator("ada")
        Account.objects.filter(pk=other.pk).update(external_id="a1")
        provider.profiles["ada"] = profile()
        assert take(account).followers_count == 1000
        account.refresh_from_db()
        assert account.external_id is None

    def test_of_a_deleted_account_says_so(self, provider: Scripted) -> None:
        with pytest.raises(account_days.NoSuchAccount):
            account_days.take(7, patience=DAY, now=NOON)


class TestDue:
    def test_is_who_has_tracked_posts_and_who_is_ours(self) -> None:
        make_bot()
        make_post(make_creator("active"), tracking_started_at=NOON - 400 * DAY)
        make_post(make_creator("recent"), tracking_state="complete")
        make_post(make_creator("long.ago"), tracking_state="complete", tracking_started_at=NOON - 61 * DAY)
        make_post(make_creator("untracked"), tracking_state="untracked")
        make_post(make_creator("muted"))
        make_creator("ours")
        make_creator("stranger")
        Account.objects.filter(username="muted").update(monitoring_enabled=False)
        Account.objects.filter(username="ours").update(is_own=True)
        assert {account.username for account in account_days.due(now=NOON)} == {"active", "recent", "ours"}

    def test_each_gets_one_job(self) -> None:
        for name in ("ada", "ben"):
            make_post(make_creator(name))
            make_post(make_creator(name))
        for _ in range(2):
            assert account_days.order_all(now=NOON + 200 * DAY) == 2
        assert Post.objects.count() == 4
        assert ScheduledJob.objects.filter(job_type="account_day").count() == 2
