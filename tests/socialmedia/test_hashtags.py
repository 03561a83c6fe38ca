"""Hashtags and mentions of posts, and their history."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from socialmedia import hashtags
from socialmedia.models import Hashtag, HashtagDay, Mention, Post
from socialmedia.providers.base import HashtagSeen, Unreachable
from tests.concurrency import at_once
from tests.fakes.scripted import Scripted, configured
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_post, make_snapshot

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def provider(settings: Any) -> Iterator[Scripted]:
    with configured(settings) as scripted:
        yield scripted


def store(post: Post, caption: str | None = None) -> list[tuple[str, int]]:
    """Store, perhaps with new words; return the links."""
    if caption is not None:
        Post.objects.filter(pk=post.pk).update(caption=caption)
    hashtags.store(post)
    return list(post.hashtag_links.values_list("hashtag__hashtag", "position"))


def uses() -> dict[str, int]:
    return dict(Hashtag.objects.values_list("hashtag", "total_uses"))


class TestStore:
    def test_links_each_hashtag_once_in_order(self) -> None:
        assert store(make_post(), "#b and #a and #B") == [("b", 0), ("a", 1)]
        assert set(Hashtag.objects.values_list("platform", flat=True)) == {"tiktok"}

    def test_counts_once_per_post_however_often_it_is_fetched(self) -> None:
        post = make_post()
        for _ in range(3):
            store(post, "#lamp #diy")
        store(make_post(), "#lamp")
        assert uses() == {"lamp": 2, "diy": 1}

    def test_takes_away_what_the_words_have_no_more(self) -> None:
        post = make_post()
        store(post, "#a #b #c with @ada and @ben")
        assert store(post, "#c #b #d with @ben") == [("c", 0), ("b", 1), ("d", 2)]
        assert uses() == {"a": 0, "b": 1, "c": 1, "d": 1}
        assert [(row.mentioned_username, row.mention_type) for row in post.mentions.all()] == [("ben", "caption")]
        assert store(post, "") == []
        assert not Mention.objects.exists()

    def test_leaves_mentions_that_are_no_words(self) -> None:
        post = make_post()
        Mention.objects.create(post=post, mentioned_username="cleo", platform="tiktok", mention_type="tag")
        store(post, "@ada")
        store(post, "")
        assert [row.mentioned_username for row in post.mentions.all()] == ["cleo"]

    def test_asks_little_when_nothing_changed(self, django_assert_num_queries: Any) -> None:
        post = make_post()
        store(post, "#a @ada")
        with django_assert_num_queries(5):  # two of them begin and end the transaction
            hashtags.store(post)


@pytest.mark.django_db(transaction=True)
class TestStoreAtOnce:
    def test_neither_deadlocks_nor_miscounts(self) -> None:
        posts = [make_post(caption="#x") for _ in range(8)]
        names = [f"tag{number}" for number in range(12)]

        def one(index: int) -> None:
            for turn in range(3):
                order = names if (index + turn) % 2 else list(reversed(names))
                with transaction.atomic():
                    store(posts[index], " ".join(f"#{name}" for name in order[turn:]))
                if index == 0:
                    hashtags.count_day(now=NOON)

        at_once(8, one)
        links = Counter(
            name for post in posts for name in post.hashtag_links.values_list("hashtag__hashtag", flat=True)
        )
        assert uses() == {name: links[name] for name in names}


class TestCountDay:
    def test_writes_how_each_hashtag_stands(self) -> None:
        first, second = make_post(caption="#lamp #diy"), make_post(caption="#lamp")
        make_snapshot(first, hours=0, views=10, engagement_rate=Decimal(50))
        make_snapshot(first, hours=1, views=1000, engagement_rate=Decimal(4))
        make_snapshot(first, hours=2, views=None)  # hidden then: the latest known counts
        make_snapshot(second, hours=1, views=5_000_000_000, engagement_rate=Decimal(2))
        store(first)
        store(second)
        assert hashtags.count_day(now=NOON) == 2
        lamp = HashtagDay.objects.get(hashtag__hashtag="lamp")
        assert (lamp.day, lamp.posts_count, lamp.views_count) == (date(2026, 3, 10), 2, 5_000_001_000)
        assert lamp.avg_engagement_rate == Decimal(3)
        total = Hashtag.objects.get(hashtag="diy")
        assert (total.total_uses, total.total_views, total.avg_engagement_rate) == (1, 1000, Decimal(4))

    def test_writes_one_row_a_day(self) -> None:
        post = make_post(caption="#lamp")
        store(post)
        hashtags.count_day(now=NOON)
        make_snapshot(post, views=7)
        hashtags.count_day(now=NOON)
        hashtags.count_day(now=NOON + DAY)
        rows = HashtagDay.objects.order_by("day").values_list("day", "posts_count", "views_count")
        assert list(rows) == [(date(2026, 3, 10), 1, 7), (date(2026, 3, 11), 1, 7)]

    def test_mends_what_deleted_posts_left(self) -> None:
        post = make_post(caption="#lamp")
        store(post)
        post.delete()
        assert hashtags.count_day(now=NOON) == 0
        assert uses() == {"lamp": 0}

    def test_says_that_views_are_not_known(self) -> None:
        store(make_post(caption="#lamp"))
        hashtags.count_day(now=NOON)
        day = HashtagDay.objects.get()
        assert (day.posts_count, day.views_count, day.avg_engagement_rate) == (1, None, None)


class TestAskNetwork:
    def test_keeps_the_networks_figures_with_todays(self, provider: Scripted) -> None:
        store(make_post(caption="#lamp"))
        provider.hashtags["lamp"] = HashtagSeen("lamp", posts=12_000, views=9_000_000_000)
        lamp = Hashtag.objects.get()
        hashtags.ask_network(lamp.pk, patience=timedelta(seconds=0.4), now=NOON)
        hashtags.count_day(now=NOON)
        day = HashtagDay.objects.get()
        assert (day.posts_count, day.network_posts, day.network_views) == (1, 12_000, 9_000_000_000)

    def test_writes_nothing_without_an_answer(self, provider: Scripted) -> None:
        store(make_post(caption="#lamp"))
        provider.hashtags["lamp"] = Unreachable("No usable answer.")
        with pytest.raises(Unreachable):
            hashtags.ask_network(Hashtag.objects.get().pk, patience=timedelta(seconds=0.4), now=NOON)
        assert not HashtagDay.objects.exists()
