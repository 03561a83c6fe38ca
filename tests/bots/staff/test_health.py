"""The check of the staff channel."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from bots.models import StaffPost
from bots.staff import health, posts
from bots.staff.posts import Post
from tests.followups.factories import NOON
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


def found(settings: Settings, *, age: timedelta, error: str = "") -> tuple[str, str]:
    """What the check says of a post of this age."""
    settings.DISCORD_STAFF_CHANNEL = 123456789012345678
    posts.queue([Post("flag:1", "Look!")], account_id=make_bot().pk)
    StaffPost.objects.update(created_at=NOON - age, error=error)
    finding = health.staff_channel(now=NOON)
    return finding.status, finding.detail


class TestStaffChannel:
    def test_is_fine_without_one(self) -> None:
        assert health.staff_channel(now=NOON).status == "ok"

    def test_has_patience(self, settings: Settings) -> None:
        assert found(settings, age=health.PATIENCE / 2)[0] == "ok"

    def test_says_why_posts_wait(self, settings: Settings) -> None:
        status, detail = found(settings, age=2 * health.PATIENCE, error="Discord says 403 (code 50001): Missing Access")
        assert status == "degraded"
        assert detail == "1 post waits for the staff channel: Discord says 403 (code 50001): Missing Access"
