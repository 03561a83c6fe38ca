"""Accounts, their days, and the fetches that brought these."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from psycopg import sql

from socialmedia.importing import values
from socialmedia.importing.parents import ACCOUNT, Accounts
from socialmedia.importing.reports import CannotTake
from socialmedia.importing.sources import Query, Source
from socialmedia.importing.taking import LedgerTaker, Rows, Taker
from socialmedia.models import Account, AccountSnapshot, AnalyticsFetch, FetchStatus, Platform

_TEXTS = ("display_name", "bio", "profile_pic_url", "account_type", "email", "location", "website_url")
_FLAGS = ("is_verified", "is_business", "is_creator", "is_active", "is_private", "monitoring_enabled")
_TIMES = ("created_at", "updated_at", "last_fetched_at", "account_created_at")
_ROOM = 200
_COUNTS = (
    "followers_count",
    "following_count",
    "posts_count",
    "total_likes",
    "total_comments",
    "total_views",
    "total_shares",
    "total_saves",
    "total_impressions",
    "engagement_rate",
    "avg_likes_per_post",
    "avg_comments_per_post",
    "avg_views_per_post",
    "followers_growth",
    "total_reach",
)


class AccountTaker(Taker):
    """People and pages. Those that converse or act are our own."""

    table = "social_media_accounts"
    columns = ("id", "platform", "username", "external_id", *_TEXTS, *_FLAGS, "blotato_account_id", *_TIMES)
    needed = ("id", "platform", "username")
    model = Account
    _acting: ClassVar[Sequence[str]] = ("social_media_conversations", "automation_actions")

    def more(self, source: Source) -> list[sql.Composable]:
        """Whether it is one of ours."""
        one = sql.SQL("EXISTS (SELECT FROM {} a WHERE a.account_id = t.id)")
        found = [one.format(source.name(table)) for table in self._acting if source.has(table, "account_id")]
        return [sql.SQL("({}) AS is_own").format(sql.SQL(" OR ").join([*found, sql.SQL("false")]))]

    def look_up(self, rows: Rows) -> None:
        """Find them by the network's id, and by handle."""
        self._here = Accounts(rows, prefix="")

    def find(self, row: dict[str, Any]) -> Any:
        """Return its id here."""
        if row["platform"] == Platform.DISCORD:
            raise CannotTake("Discord is left out: Checkback meets people there itself")
        return self._here.find(row)

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make an account."""
        username, external_id = row["username"], row.get("external_id") or None
        if self._here.is_taken(row):
            # Handles change hands. As in tracking/authors.py, whose is not known any more gets one nobody can have.
            self.changed("handle of somebody else by now: put aside")
            username = f"{username[:_ROOM]}~{external_id}"
        return Account(
            platform=row["platform"],
            username=username,
            external_id=external_id,
            is_own=bool(row.get("is_own")),
            **values.texts(row, *_TEXTS),
            **values.given(row, *_FLAGS, "blotato_account_id"),
            **values.times(row, self.journey.zone, *_TIMES),
        )

    def remember(self, row: dict[str, Any]) -> None:
        """A handle may change its spelling, and an id its handle: the first row counts."""
        self._here.remember(row)

    def met(self, rows: Rows) -> None:
        """Once one of ours, always one of ours."""
        own = [row for row in rows if row.get("is_own")]
        here = Accounts(own, prefix="")
        ids = [here.find(row) for row in own]
        Account.objects.filter(pk__in=[pk for pk in ids if pk], is_own=False).update(is_own=True)


class DayTaker(Taker):
    """What accounts showed day by day."""

    table = "social_media_analytics_snapshots"
    columns = ("id", "account_id", "snapshot_date", *_COUNTS, "created_at", "raw_data", "parser_version")
    needed = ("account_id", "snapshot_date")
    model = AccountSnapshot

    @property
    def query(self) -> Query:
        """With the accounts."""
        return Query(self.table, self.columns, [ACCOUNT])

    def look_up(self, rows: Rows) -> None:
        """Find the accounts, and their days."""
        self._accounts = Accounts(rows)
        owners = self._accounts.found(rows)
        found = AccountSnapshot.objects.filter(
            account_id__in=owners, snapshot_date__in={row["snapshot_date"] for row in rows} - {None}
        )
        self._here = set(found.values_list("account_id", "snapshot_date"))

    def find(self, row: dict[str, Any]) -> Any:
        """Tell whether that day is here."""
        return (self._accounts.need(row), row["snapshot_date"]) in self._here or None

    def remember(self, row: dict[str, Any]) -> None:
        """One row is one day."""
        self._here.add((self._accounts.need(row), row["snapshot_date"]))

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a day."""
        return AccountSnapshot(
            account_id=self._accounts.need(row),
            snapshot_date=row["snapshot_date"],
            **values.given(row, *_COUNTS, "raw_data", "parser_version"),
            **values.times(row, self.journey.zone, "created_at"),
        )


class OwnersTaker(LedgerTaker):
    """Rows that belong to an account and have nothing but their id to tell them apart."""

    @property
    def query(self) -> Query:
        """With the accounts."""
        return Query(self.table, self.columns, [ACCOUNT])

    def look_up(self, rows: Rows) -> None:
        """Find the accounts, too."""
        super().look_up(rows)
        self._accounts = Accounts(rows)


class FetchTaker(OwnersTaker):
    """Fetches of accounts' figures. Those that were never finished are over: nobody works on them any more."""

    table = "analytics_fetch_jobs"
    columns = (
        *("id", "account_id", "job_type", "status", "started_at", "completed_at", "posts_fetched"),
        *("error_message", "created_at"),
    )
    needed = ("id", "account_id")
    model = AnalyticsFetch
    stamp = "created_at"

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a fetch."""
        status, message = row.get("status") or FetchStatus.COMPLETED, row.get("error_message") or ""
        if status in {FetchStatus.PENDING, FetchStatus.RUNNING}:
            self.changed("unfinished fetch closed as failed")
            status, message = FetchStatus.FAILED, message or "It was not finished when MediaPoster was taken over."
        return AnalyticsFetch(
            account_id=self._accounts.need(row),
            job_type=row.get("job_type") or "",
            status=status,
            error_message=message,
            **values.given(row, "posts_fetched"),
            **values.times(row, self.journey.zone, "started_at", "completed_at", "created_at"),
        )
