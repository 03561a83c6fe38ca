"""Below an account's fields: its figures day by day, its posts, and the conversations with it."""

from datetime import datetime

from django.db.models import QuerySet

from jobs import bars, console
from jobs.bars import Bars, Chart
from socialmedia.admin.comments import figure, title
from socialmedia.admin.hashtags import day_labels, days_back
from socialmedia.admin.words import shortened
from socialmedia.models import Account, AccountSnapshot, AnalyticsFetch, Conversation, FetchStatus, Platform, Post

SHOWN_DAYS = 14
SHOWN_POSTS = 10


def all_of(account: Account, *, may_read: bool, now: datetime) -> list[console.Panel]:
    """Every table of an account's page. Private words are for who may read conversations."""
    figures = [] if account.platform == Platform.DISCORD else [_days(account, now=now), _posts(account)]
    return [*figures, _conversations(account)] if may_read else figures


def _conversations(account: Account) -> console.Panel:
    rows = Conversation.objects.filter(participant_id=account.external_id or "-", platform=account.platform)[:20]
    return console.Panel(
        "Conversations",
        ["With", "Latest message", "Begins"],
        [(console.link(row), console.when(row.last_message_at), shortened(row.last_message_preview)) for row in rows],
        empty="None.",
    )


def said(fetch: AnalyticsFetch) -> str:
    """How the last fetch went."""
    status = FetchStatus(fetch.status)
    reason = f": {fetch.error_message}" if fetch.error_message else ""
    return f"Last fetch: {str(status.label).lower()}{reason}"


def _posts(account: Account) -> console.Panel:
    rows: QuerySet[Post] = account.posts.defer("raw_data").order_by("-pk")[: SHOWN_POSTS + 1]
    every = console.listing(Post, "All posts", account__id__exact=str(account.pk))
    return console.Panel(
        "Posts",
        ["Post", "Published", "Tracking"],
        [
            (console.link(row, title(row)), console.when(row.posted_at), row.get_tracking_state_display())
            for row in rows[:SHOWN_POSTS]
        ],
        empty="None is known here.",
        footer=every if len(rows) > SHOWN_POSTS else "",
    )


def _days(account: Account, *, now: datetime) -> console.Panel:
    rows = account.days.defer("raw_data").order_by("-snapshot_date")[:SHOWN_DAYS]
    return console.Panel(
        "Day by day",
        ["Day", "Followers", "Change", "Likes", "Posts", "Engagement", "Views per post"],
        [_day(row) for row in rows],
        empty="No figures were collected yet.",
        charts=_followers(account.pk, now=now),
    )


def _day(row: AccountSnapshot) -> tuple[object, ...]:
    engagement = console.NOTHING if row.engagement_rate is None else f"{row.engagement_rate:g} %"
    views = console.NOTHING if row.avg_views_per_post is None else f"{row.avg_views_per_post:,.0f}"
    return (
        f"{row.snapshot_date:%Y-%m-%d}",
        figure(row.followers_count),
        console.NOTHING if row.followers_growth is None else f"{row.followers_growth:+,}",
        figure(row.total_likes),
        figure(row.posts_count),
        engagement,
        views,
    )


def _followers(account_id: int, *, now: datetime) -> list[Chart]:
    days = days_back(now=now)
    counted = AccountSnapshot.objects.filter(account=account_id, snapshot_date__gte=days[0])
    known = dict(counted.order_by("snapshot_date").values_list("snapshot_date", "followers_count"))
    if not known:
        return []
    told = [value for value in known.values() if value is not None]
    latest = f"{told[-1]:,}, {told[-1] - told[0]:+,} since the first of these days." if told else "not known."
    values = [known.get(day) for day in days]
    bar = Bars("Followers", "var(--color-primary-500)", values)
    return [bars.draw("Followers", f"Latest: {latest}", day_labels(days), [bar])]
