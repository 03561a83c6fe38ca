"""The figures of one day of check-backs."""

from datetime import timedelta

import pytest

from jobs.figures import Span
from socialmedia import analytics
from socialmedia.models import ApiUsage
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_post, make_snapshot

DAY = timedelta(days=1)
TODAY = Span(NOON - DAY / 2, NOON + DAY / 2)


@pytest.mark.django_db
class TestPostsOfDay:
    def test_counts_what_was_begun_measured_found_gone_and_not_answered(self) -> None:
        post = make_post()
        make_post(tracking_started_at=NOON - DAY)
        make_post(tracking_state="untracked")
        for hours in (0, 1, 30):
            make_snapshot(post, hours=hours)
        make_snapshot(post, hours=2, views=None, outcome="unavailable")
        for endpoint, success, at, code in (
            ("video", False, NOON, "unreachable"),
            ("video", False, NOON, "gone"),
            ("video", True, NOON, ""),
            ("video", None, NOON, ""),
            ("comments", False, NOON, "unreachable"),
            ("video", False, NOON - DAY, "unreachable"),
        ):
            call = {"endpoint": endpoint, "success": success, "requested_at": at, "error_code": code}
            ApiUsage.objects.create(provider_name="practice", platform="tiktok", **call)
        assert analytics.posts_of_day(TODAY) == {"tracked": 1, "checks": 2, "gone": 1, "checks_failed": 1}
