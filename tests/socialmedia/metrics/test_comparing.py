"""Posts and accounts beside each other."""

from datetime import timedelta
from typing import Any

import pytest

from socialmedia.metrics import comparing
from socialmedia.providers.base import Metric
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_creator, make_post, make_snapshot

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


class TestPosts:
    def test_stand_at_the_same_ages(self, django_assert_num_queries: Any) -> None:
        early = make_post(offsets=(1, 6))
        late = make_post(make_creator("ben"), offsets=(6, 12), tracking_started_at=NOON + 30 * HOUR)
        for post, factor in ((early, 1), (late, 10)):
            for hours in (0, 1, 6):
                make_snapshot(post, hours=hours, views=factor * (100 + hours))
        with django_assert_num_queries(2):
            found = comparing.posts([late.pk, early.pk, 0], metric=Metric.VIEWS)
        assert [row.post for row in found] == [late, early]
        assert [[(point.hours, point.value) for point in row.points] for row in found] == [
            [(0, 1000), (1, 1010), (6, 1060), (12, None)],
            [(0, 100), (1, 101), (6, 106), (12, None)],
        ]

    def test_may_count_from_publication(self) -> None:
        post, unknown = make_post(posted_at=NOON - 5 * HOUR), make_post()
        for row in (post, unknown):
            for hours in (0, 1):
                make_snapshot(row, hours=hours, views=100 + hours)
        found = comparing.posts([post.pk, unknown.pk], metric=Metric.VIEWS, base="posting")
        assert {point.hours: point.value for point in found[0].points}[6] == 101
        assert list(found[1].points) == []


class TestUsual:
    def test_is_the_middle_of_the_other_posts(self, django_assert_num_queries: Any) -> None:
        ada = make_creator()
        posts = [make_post(ada) for _ in range(4)]
        for post, views in zip(posts, (10, 20, 60, 9999), strict=True):
            make_snapshot(post, views=views)
        with django_assert_num_queries(2):
            found = comparing.usual(ada.pk, metrics=[Metric.VIEWS], ages=[0, 1], base=None, but=posts[3].pk)
        assert [point.value for point in found[Metric.VIEWS]] == [20, None]


class TestAccounts:
    def test_have_the_figures_of_their_posts_of_these_days(self) -> None:
        ada, ben = make_creator(), make_creator("ben")
        for views, days in ((100, 1), (300, 2), (9_000, 60)):
            post = make_post(ada, tracking_started_at=NOON - timedelta(days=days))
            make_snapshot(post, views=views, likes=10, comments=0)
        found = comparing.accounts([ben.pk, ada.pk], metric=Metric.VIEWS, within=MONTH, now=NOON)
        assert [(row.account, row.posts, row.views_per_post, row.engagement) for row in found] == [
            (ben, 0, None, None),
            (ada, 2, 200.0, 6.67),
        ]
        assert [point.value for point in found[1].usual][:2] == [200, None]
