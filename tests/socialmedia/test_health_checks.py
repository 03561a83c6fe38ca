"""What the check-up says of the provider of figures."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.checkup import Finding
from socialmedia import health_checks
from socialmedia.models import ProviderBudget, TrackingState
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_post

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def key(settings: Any) -> Any:
    """The provider is set up."""
    settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY, settings.TIKTOK_REQUESTS_PER_DAY = "rapidapi", "k", 100
    return settings


def found() -> Finding:
    return health_checks.provider(now=NOON)


class TestProvider:
    def test_needs_no_key_while_nothing_is_tracked(self, key: Any) -> None:
        key.RAPIDAPI_KEY = ""
        make_post(tracking_state=TrackingState.COMPLETE)
        assert (found().status, found().detail) == ("ok", "No posts are tracked.")

    def test_must_be_there_when_posts_are_tracked(self, key: Any) -> None:
        key.RAPIDAPI_KEY = ""
        make_post()
        assert found().status == "failed"
        assert "nobody can be asked about them" in found().detail
        assert "RAPIDAPI_KEY" in found().detail

    def test_is_well(self) -> None:
        make_post()
        ProviderBudget.objects.create(provider_name="rapidapi", day=NOON.date(), used=79)
        assert found().status == "ok"
        assert found().numbers == {"used_today": 79, "budget": 100, "overdue": 0}

    def test_is_nearly_spent_for_today(self) -> None:
        make_post()
        row = ProviderBudget.objects.create(provider_name="rapidapi", day=NOON.date(), used=80)
        assert found().status == "degraded"
        assert "80 of today's 100 requests" in found().detail
        ProviderBudget.objects.filter(pk=row.pk).update(day=NOON.date() - timedelta(days=1))
        assert found().status == "ok"

    @pytest.mark.parametrize(("refusals", "status"), [(0, "degraded"), (2, "failed")])
    def test_is_stopped(self, refusals: int, status: str) -> None:
        make_post()
        ProviderBudget.objects.create(
            provider_name="rapidapi", blocked_until=NOON + HOUR, blocked_reason="The key is bad.", refusals=refusals
        )
        assert found().status == status
        assert found().detail == "The provider rapidapi is not asked before 2026-03-10 13:00 UTC: The key is bad."

    def test_is_late(self) -> None:
        for late in (3, 1.5, 0.5, -1):
            make_post(next_check_at=NOON - late * HOUR)
        assert (found().status, found().numbers["overdue"]) == ("degraded", 2)
        assert "2 check-backs are overdue, the oldest by 3 hours" in found().detail
