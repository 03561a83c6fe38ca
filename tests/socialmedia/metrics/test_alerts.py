"""Posts far above their account's usual."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from socialmedia.metrics import alerts
from socialmedia.models import Account, Post, PostAlert
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_creator, make_post, make_snapshot


@pytest.fixture(autouse=True)
def ratio() -> Iterator[None]:
    with override_settings(CHECKBACK_ALERT_RATIO=3):
        yield


def make_usual(account: Account, *views: int, **values: Any) -> None:
    """Posts that had so many views after an hour."""
    for number in views:
        post = make_post(account, **values)
        make_snapshot(post, views=0)
        make_snapshot(post, hours=2, views=2 * number)


def make_looked(account: Account, views: int | None, *, hours: float = 1, **values: Any) -> Post:
    """A post whose newest snapshot was just taken."""
    post = make_post(account, **values)
    make_snapshot(post, views=1)
    make_snapshot(post, hours=hours, views=views)
    alerts.look(post.pk, now=NOON)
    return post


class TestJudge:
    @pytest.mark.parametrize(
        ("value", "others", "far"),
        [
            (3_000, [900, 1_000, 1_100], True),
            (2_999, [900, 1_000, 1_100], False),  # below the ratio
            (900, [10, 10, 10], False),  # too few views to matter
            (3_500, [100, 1_000, 3_000], False),  # such an account varies that much
            (5_000, [0, 0, 0], True),
        ],
    )
    def test_wants_the_ratio_the_floor_and_more_than_the_spread(self, value: int, others: list[int], far: bool) -> None:
        verdict = alerts.judge(value, others, ratio=3)
        assert verdict is not None
        assert verdict.is_far_above is far

    def test_says_nothing_by_two_posts(self) -> None:
        assert alerts.judge(10**9, [1, 2], ratio=3) is None

    def test_takes_the_largest_numbers(self) -> None:
        assert alerts.judge(2**63 - 1, [0, 0, 0], ratio=3) is not None


@pytest.mark.django_db
class TestLook:
    def test_notes_a_post_far_above_the_others_at_its_age(self) -> None:
        ada = make_creator()
        make_usual(ada, 900, 1_000, 1_100)
        post = make_looked(ada, 5_000)
        alert = PostAlert.objects.get()
        assert (alert.post, alert.metric, alert.at_hours, alert.value) == (post, "views", 1.0, 5_000)
        assert (alert.usual, alert.ratio, alert.created_at) == (1000.0, 5.0, NOON)
        assert post.snapshots.order_by("captured_at").last().viral_score == Decimal(5)

    def test_notes_it_once_for_each_round(self) -> None:
        ada = make_creator()
        make_usual(ada, 900, 1_000, 1_100)
        post = make_looked(ada, 5_000)
        alerts.look(post.pk, now=NOON)
        assert PostAlert.objects.count() == 1
        Post.objects.filter(pk=post.pk).update(tracking_round=2)
        alerts.look(post.pk, now=NOON)
        assert PostAlert.objects.count() == 2

    @pytest.mark.parametrize("views", [1_200, None])
    def test_leaves_the_usual_and_the_unknown_alone(self, views: int | None) -> None:
        ada = make_creator()
        make_usual(ada, 900, 1_000, 1_100)
        post = make_looked(ada, views)
        assert not PostAlert.objects.exists()
        score = post.snapshots.order_by("captured_at").last().viral_score
        assert score == (None if views is None else Decimal("1.2"))

    def test_does_not_compare_with_other_accounts(self) -> None:
        make_usual(make_creator("ben"), 900, 1_000, 1_100)
        make_looked(make_creator(), 5_000)
        assert not PostAlert.objects.exists()

    def test_does_not_take_a_post_tracked_late_for_a_wonder(self) -> None:
        ada = make_creator()
        make_usual(ada, 900, 1_000, 1_100, posted_at=NOON)
        make_looked(ada, 500_000, posted_at=NOON - 2_000 * HOUR)
        assert not PostAlert.objects.exists()

    def test_knows_no_usual_where_checks_were_missed(self) -> None:
        ada = make_creator()
        for views in (9_000, 10_000, 11_000):
            post = make_post(ada)
            make_snapshot(post, views=0)
            make_snapshot(post, hours=168, views=views, covers=7)
        post = make_looked(ada, 8_000, hours=24)  # on a straight line, the others had 1,429 then
        assert not PostAlert.objects.exists()
        assert post.snapshots.order_by("captured_at").last().viral_score is None

    def test_reads_no_more_for_many_posts(self, django_assert_max_num_queries: Any) -> None:
        ada = make_creator()
        make_usual(ada, *range(1_000, 1_012))
        post = make_post(ada)
        make_snapshot(post, hours=1, views=9_000)
        with django_assert_max_num_queries(6):
            alerts.look(post.pk, now=NOON)
        assert PostAlert.objects.exists()

    def test_of_an_unknown_post_does_nothing(self) -> None:
        alerts.look(1, now=NOON)


@pytest.mark.django_db(transaction=True)
class TestLookAtOnce:
    def test_gives_one_alert(self) -> None:
        ada = make_creator()
        make_usual(ada, 900, 1_000, 1_100)
        post = make_post(ada)
        make_snapshot(post, hours=1, views=9_000)
        at_once(4, lambda _: alerts.look(post.pk, now=NOON))
        assert PostAlert.objects.count() == 1


@pytest.mark.django_db
class TestSeen:
    def test_is_noted_once(self) -> None:
        ada = make_creator()
        make_usual(ada, 900, 1_000, 1_100)
        make_looked(ada, 5_000)
        alert = PostAlert.objects.get()
        assert alerts.seen(alert.pk, by="ann", now=NOON)
        assert not alerts.seen(alert.pk, by="ben", now=NOON + HOUR)
        alert.refresh_from_db()
        assert (alert.seen_by, alert.seen_at) == ("ann", NOON)
