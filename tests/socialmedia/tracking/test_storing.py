"""Keeping what a provider saw."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from socialmedia.models import Account, Platform, Post, PostSnapshot
from socialmedia.providers.base import Metric, Person, Video
from socialmedia.tracking import authors, storing
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_post, make_snapshot
from tests.socialmedia.tracking.network import ADA, Network, address

NETWORK = Network()
COUNTERS = {Metric.VIEWS: 100, Metric.LIKES: 10, Metric.COMMENTS: 5, Metric.SHARES: 1, Metric.SAVES: 0}


def seen(author: Person = ADA, post_id: str = "77", **values: Any) -> Video:
    """A post as a provider sees it."""
    fields: dict[str, Any] = {"url": address(post_id), "metrics": COUNTERS, **values}
    return Video(external_post_id=post_id, author=author, **fields)


def store(video: Video) -> Post:
    """Keep it."""
    return storing.store_video(video, provider=NETWORK, now=NOON)


def record(post: Post, metrics: dict[Metric, int], hours: int = 0, **values: Any) -> PostSnapshot:
    """Keep its counters."""
    video = seen(metrics=metrics)
    return storing.record_snapshot(post, video, provider=NETWORK, captured_at=NOON + hours * HOUR, **values)


@pytest.mark.django_db
class TestStoreVideo:
    def test_adds_the_post_and_its_author(self) -> None:
        post = store(
            seen(
                caption="Bread #baking",
                media_type="carousel",
                media_urls=["https://a.example/1", "https://a.example/2"],
                thumbnail_url="https://a.example/t",
                duration=12,
                posted_at=NOON - HOUR,
                is_ad=True,
                raw={"id": "77", "title": "Bread"},
            )
        )
        post.refresh_from_db()
        assert (post.account.username, post.account.external_id, post.account.display_name) == ("ada", "68", "Ada")
        assert (post.caption, post.media_type, post.media_count, post.duration) == ("Bread #baking", "carousel", 2, 12)
        assert (post.media_url, post.media_urls[1]) == ("https://a.example/1", "https://a.example/2")
        assert (post.posted_at, post.is_ad, post.raw_data) == (NOON - HOUR, True, {"id": "77", "title": "Bread"})
        assert (post.tracking_state, post.tracking_started_at) == ("untracked", None)

    def test_refreshes_a_known_post_and_leaves_its_tracking_alone(self) -> None:
        post = make_post(caption="Old", duration=9, posted_at=NOON, checks_completed=3, thumbnail_url="https://t")
        untouched = ("tracking_state", "next_check_at", "check_schedule", "checks_completed", "tracking_round")
        before = {field: getattr(post, field) for field in untouched}
        again = store(seen(post_id=post.external_post_id, caption=""))
        post.refresh_from_db()
        assert again.pk == post.pk
        assert (post.caption, post.duration, post.posted_at, post.thumbnail_url) == ("", 9, NOON, "https://t")
        assert {field: getattr(post, field) for field in untouched} == before

    def test_takes_a_kind_it_does_not_know_for_a_video(self) -> None:
        assert store(seen(media_type="hologram")).media_type == "video"

    def test_refuses_a_new_post_of_nobody(self) -> None:
        with pytest.raises(authors.NoAuthor, match="does not say whose post"):
            store(seen(author=Person()))
        assert not Post.objects.exists()

    def test_keeps_the_author_of_a_known_post_when_the_answer_has_none(self) -> None:
        post = make_post()
        assert store(seen(author=Person(), post_id=post.external_post_id)).account_id == post.account_id


@pytest.mark.django_db
class TestRemember:
    def remember(self, external_id: str = "", username: str = "", **values: str) -> Account:
        person = Person(external_id, username, **values)
        account = authors.remember(person, platform=Platform.TIKTOK, now=NOON)
        account.refresh_from_db()
        return account

    def test_knows_somebody_by_their_id_through_a_change_of_name(self) -> None:
        first = self.remember("1", "ada")
        assert self.remember("1", "ada.new") == first
        first.refresh_from_db()
        assert first.username == "ada.new"

    def test_gives_a_known_handle_its_id(self) -> None:
        known = Account.objects.create(platform="tiktok", username="ada", is_own=True)
        account = self.remember("1", "ada")
        assert (account.pk, account.external_id, account.is_own) == (known.pk, "1", True)

    def test_finds_a_handle_when_no_id_is_said(self) -> None:
        assert self.remember("1", "ada") == self.remember("", "ada")
        assert self.remember("", "ben") == self.remember("", "ben")

    def test_takes_a_handle_away_from_who_had_it_before(self) -> None:
        before = self.remember("1", "ada")
        after = self.remember("2", "ada")
        before.refresh_from_db()
        assert (after.username, before.username, before.external_id) == ("ada", f"ada~{before.pk}", "1")
        assert self.remember("1", "ada.old") == before

    def test_lets_two_swap_their_handles(self) -> None:
        one, two = self.remember("1", "ada"), self.remember("2", "ben")
        assert (self.remember("1", "ben"), self.remember("2", "ada")) == (one, two)
        one.refresh_from_db()
        assert (one.username, Account.objects.get(pk=two.pk).username) == ("ben", "ada")

    def test_leaves_our_own_account_its_handle(self) -> None:
        ours = Account.objects.create(platform="tiktok", username="ada", external_id="1", is_own=True)
        stranger = self.remember("2", "ada")
        ours.refresh_from_db()
        assert (ours.username, stranger.username, stranger.is_own) == ("ada", "ada~2", False)
        assert self.remember("2", "ada").pk == stranger.pk

    def test_never_merges_the_nameless(self) -> None:
        one, two = self.remember("1"), self.remember("2")
        assert one != two
        assert self.remember("1") == one
        with pytest.raises(authors.NoAuthor):
            self.remember()

    def test_leaves_alone_what_staff_set(self) -> None:
        values = {"is_own": True, "is_active": False, "monitoring_enabled": False, "timezone": "Europe/Berlin"}
        Account.objects.create(platform="tiktok", username="ada", external_id="1", bio="Hello.", **values)
        account = self.remember("1", "ada", display_name="Ada L.")
        assert (account.display_name, account.bio) == ("Ada L.", "Hello.")
        assert {field: getattr(account, field) for field in values} == values

    def test_does_not_know_somebody_of_another_network(self) -> None:
        Account.objects.create(platform="youtube", username="ada", external_id="1")
        assert self.remember("1", "ada").platform == "tiktok"


@pytest.mark.django_db(transaction=True)
class TestStoreVideoAtOnce:
    def test_adds_one_author_and_each_post_once(self) -> None:
        at_once(8, lambda number: store(seen(post_id=str(number % 4))))
        assert Account.objects.filter(platform="tiktok").count() == 1
        assert Post.objects.count() == 4


@pytest.mark.django_db
class TestRecordSnapshot:
    def test_keeps_the_counters_and_where_it_stands_in_the_plan(self) -> None:
        late = datetime(2026, 3, 10, 23, 59, tzinfo=UTC)
        snapshot = storing.record_snapshot(
            make_post(),
            seen(metrics={**COUNTERS, Metric.VIEWS: 2**40}, raw={"id": "77"}),
            provider=NETWORK,
            captured_at=late,
            check_index=3,
            planned_at=NOON,
            covers=2,
        )
        snapshot.refresh_from_db()
        assert (snapshot.views_count, snapshot.likes_count, snapshot.saves_count) == (2**40, 10, 0)
        assert (snapshot.snapshot_date.isoformat(), snapshot.snapshot_hour) == ("2026-03-10", 23)
        assert (snapshot.check_index, snapshot.planned_at, snapshot.covers) == (3, NOON, 2)
        assert (snapshot.tracking_round, snapshot.provider, snapshot.parser_version) == (1, "memory", 3)
        assert (snapshot.metric_states, snapshot.decreased, snapshot.raw_data) == ({}, [], {"id": "77"})

    def test_keeps_an_absent_counter_as_hidden_and_not_as_zero(self) -> None:  # ORIGINS section 8, number 22
        snapshot = record(make_post(), {Metric.VIEWS: 100, Metric.LIKES: 7, Metric.COMMENTS: 0})
        assert (snapshot.comments_count, snapshot.shares_count, snapshot.saves_count) == (0, None, None)
        assert snapshot.metric_states == {"shares": "hidden", "saves": "hidden"}
        assert snapshot.engagement_rate == Decimal("7.00")

    def test_takes_what_no_column_holds_for_hidden(self) -> None:
        snapshot = record(make_post(), {**COUNTERS, Metric.VIEWS: 2**63, Metric.LIKES: -1})
        assert (snapshot.views_count, snapshot.likes_count) == (None, None)
        assert set(snapshot.metric_states) == {"views", "likes"}

    def test_holds_an_engagement_beyond_measure(self) -> None:
        snapshot = record(make_post(), {**COUNTERS, Metric.VIEWS: 1, Metric.LIKES: 2**62})
        assert snapshot.engagement_rate == Decimal("9999999999.99")

    def test_flags_counters_that_fell_below_their_latest_known_value(self) -> None:
        post = make_post()
        make_snapshot(post, hours=0, views=500, likes=50, shares=9)
        make_snapshot(post, hours=1, views=100, likes=60, shares=None)
        fallen = record(post, {**COUNTERS, Metric.VIEWS: 100, Metric.LIKES: 59, Metric.SHARES: 8}, hours=2)
        assert sorted(fallen.decreased) == ["likes", "shares"]

    def test_keeps_the_first_of_two_of_one_check(self) -> None:
        post = make_post()
        first = record(post, COUNTERS, check_index=1)
        assert record(post, {**COUNTERS, Metric.VIEWS: 999}, hours=1, check_index=1) == first
        assert PostSnapshot.objects.get().views_count == 100

    def test_keeps_two_within_an_hour(self) -> None:  # ORIGINS section 8, number 20
        post = make_post()
        record(post, COUNTERS, check_index=1)
        later = NOON.replace(minute=30)
        storing.record_snapshot(post, seen(), provider=NETWORK, captured_at=later, check_index=2)
        storing.record_snapshot(post, seen(), provider=NETWORK, captured_at=later.replace(minute=31))
        assert list(PostSnapshot.objects.values_list("snapshot_hour", "check_index").order_by("captured_at")) == [
            (12, 1),
            (12, 2),
            (12, None),
        ]


@pytest.mark.django_db
class TestRecordAbsence:
    def test_keeps_that_nothing_was_there(self) -> None:
        snapshot = storing.record_absence(make_post(), "x" * 999, captured_at=NOON, check_index=2)
        snapshot.refresh_from_db()
        assert (snapshot.outcome, len(snapshot.reason), snapshot.views_count) == ("unavailable", 255, None)
        assert set(snapshot.metric_states.values()) == {"unavailable"}
