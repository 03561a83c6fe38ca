"""Posts and their check-backs."""

from typing import Any

from django.db import models

from socialmedia.importing import plans, values
from socialmedia.importing.parents import ACCOUNT, Accounts
from socialmedia.importing.plans import Plan
from socialmedia.importing.reports import CannotTake
from socialmedia.importing.sources import Query
from socialmedia.importing.taking import Journey, Rows, Taker
from socialmedia.models import Platform, Post, TrackingState

_TEXTS = (
    *("short_code", "caption", "description", "title", "thumbnail_url", "media_url", "video_quality"),
    *("youtube_category", "pinterest_board_id", "twitter_thread_id", "location_name"),
)
_GIVEN = (
    *("media_type", "media_count", "media_urls", "duration", "has_audio", "is_short_form", "is_pinned", "is_ad"),
    *("is_sponsored", "visibility", "instagram_product_tags", "location_lat", "location_lng", "raw_data"),
)
_TIMES = ("posted_at", "created_at", "updated_at", "deleted_at")
_PLAN = ("check_schedule", "next_check_at", "tracking_complete", "tracking_started_at", "checks_completed")


class PostTaker(Taker):
    """Posts. One that is here already and not tracked takes over how MediaPoster tracked it."""

    table = "social_media_posts"
    columns = ("id", "account_id", "platform", "external_post_id", "post_url", *_TEXTS, *_GIVEN, *_TIMES, *_PLAN)
    needed = ("id", "account_id", "platform", "external_post_id", "post_url")
    model = Post

    @property
    def query(self) -> Query:
        """With the accounts. What the network said is large: few at a time."""
        return Query(self.table, self.columns, [ACCOUNT], batch=500)

    def plan(self, row: dict[str, Any]) -> Plan:
        """Return its check-backs."""
        found: Plan = row.get("plan") or plans.read(row, zone=self.journey.zone)
        return found

    def look_up(self, rows: Rows) -> None:
        """Find them by the network's id."""
        self._accounts = Accounts(rows)
        ids = {row["external_post_id"] for row in rows}
        found = Post.objects.filter(platform__in={row["platform"] for row in rows}, external_post_id__in=ids)
        self._here = {
            (platform, external_id): (pk, state)
            for pk, platform, external_id, state in found.values_list(
                "pk", "platform", "external_post_id", "tracking_state"
            )
        }

    def find(self, row: dict[str, Any]) -> Any:
        """Return its id and state here."""
        if row["platform"] == Platform.DISCORD:
            raise CannotTake("Discord is left out: it has no posts here")
        return self._here.get((row["platform"], row["external_post_id"]))

    def remember(self, row: dict[str, Any]) -> None:
        """A second one adds nothing."""
        self._here[row["platform"], row["external_post_id"]] = (0, TrackingState.ACTIVE)

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a post."""
        plan = self.plan(row)
        if plan.changed:
            self.changed(plan.changed)
        return Post(
            account_id=self._accounts.need(row),
            platform=row["platform"],
            external_post_id=row["external_post_id"],
            post_url=row["post_url"],
            **values.texts(row, *_TEXTS),
            **values.given(row, *_GIVEN),
            **values.times(row, self.journey.zone, *_TIMES),
            **plan.columns(now=self.journey.now),
        )

    def met(self, rows: Rows) -> None:
        """Put those under tracking that were here without it."""
        for row in rows:
            pk, state = self._here.get((row["platform"], row["external_post_id"]), (0, ""))
            if pk and state == TrackingState.UNTRACKED:
                adopt(pk, self.plan(row), journey=self.journey)


def adopt(post_id: int, plan: Plan, *, journey: Journey) -> None:
    """Let a post that is not tracked be tracked like this."""
    if plan.state != TrackingState.UNTRACKED:
        untracked = Post.objects.filter(pk=post_id, tracking_state=TrackingState.UNTRACKED)
        untracked.update(**plan.columns(now=journey.now))
