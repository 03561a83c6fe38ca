"""The console's pages of hashtags."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from jobs import bars, console
from jobs.bars import Bars, Chart
from socialmedia import hashtags
from socialmedia.admin.comments import figure, title
from socialmedia.models import Hashtag, HashtagDay, Post, PostHashtag
from socialmedia.providers.base import ProviderError

PATIENCE = timedelta(seconds=5)
SHOWN_POSTS = 20
SHOWN_DAYS = 30
SHOWN_ROWS = 14


def days_back(*, now: datetime, count: int = SHOWN_DAYS) -> list[date]:
    """The days up to today, in UTC."""
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=back) for back in reversed(range(count))]


def day_labels(days: Sequence[date]) -> list[str]:
    """What stands below a chart's bars."""
    return [f"{day:%-d %b}" for day in days]


@admin.register(Hashtag)
class HashtagAdmin(console.ConsoleAdmin):
    """Hashtags, the most used first."""

    list_display = ("name", "posts", "views", "engagement", "counted")
    search_fields = ("hashtag__startswith",)
    search_help_text = "Beginning of the hashtag"
    sortable_by = ()
    actions_detail = ("ask_network",)
    fields = ("name", "posts", "views", "engagement", "network", "counted", "first_seen", "on_tiktok")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Search as hashtags are stored."""
        term = search_term.strip().lstrip("#").lower().replace("\x00", "")
        return (queryset.filter(hashtag__startswith=term) if term else queryset), False

    @admin.display(description="Hashtag")
    def name(self, row: Hashtag) -> str:
        return str(row)

    @admin.display(description="Posts here")
    def posts(self, row: Hashtag) -> str:
        return f"{row.total_uses:,}"

    @admin.display(description="Their views")
    def views(self, row: Hashtag) -> str:
        return f"{row.total_views:,}"

    @admin.display(description="Engagement")
    def engagement(self, row: Hashtag) -> str:
        return console.NOTHING if row.avg_engagement_rate is None else f"{row.avg_engagement_rate:g} %"

    @admin.display(description="Counted")
    def counted(self, row: Hashtag) -> object:
        return console.when(row.updated_at)

    @admin.display(description="First seen")
    def first_seen(self, row: Hashtag) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="On the whole network")
    @console.once
    def network(self, row: Hashtag) -> str:
        day = row.days.exclude(network_posts=None, network_views=None).order_by("-day").first()
        if day is None:
            return "Nobody has asked."
        return f"{figure(day.network_posts)} posts, {figure(day.network_views)} views on {day.day:%Y-%m-%d}"

    @admin.display(description="On TikTok")
    def on_tiktok(self, row: Hashtag) -> object:
        address = f"https://www.tiktok.com/tag/{quote(row.hashtag, safe='')}"
        return format_html(
            '<a href="{}" class="text-link" target="_blank" rel="noopener noreferrer">{}</a>', address, "Open"
        )

    def panels(self, request: HttpRequest, obj: Hashtag) -> list[console.Panel]:
        """Show its history, and the newest posts that use it."""
        return [_history(obj, now=timezone.now()), _posts(obj)]

    @console.page_action("Ask the network", url_path="ask-network", icon="travel_explore")
    def ask_network(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "This costs one call of the provider's budget. The answer is kept with today's figures."
            question = console.Question("How much is it used on the whole network?", sentence, "Ask")
            return self.ask(request, row, question)
        try:
            day = hashtags.ask_network(row.pk, patience=PATIENCE, now=timezone.now())
        except ProviderError as error:
            self.tell(request, str(error), good=False)
        else:
            self.tell(request, f"{figure(day.network_posts)} posts, {figure(day.network_views)} views.")
        return self.back_to(row)


def _history(hashtag: Hashtag, *, now: datetime) -> console.Panel:
    days = days_back(now=now)
    known = {row.day: row for row in hashtag.days.filter(day__gte=days[0]).order_by("-day")}
    return console.Panel(
        "Day by day",
        ["Day", "Posts here", "Their views", "Engagement", "Posts on the network", "Views on the network"],
        [_day(row) for row in list(known.values())[:SHOWN_ROWS]],
        empty="Nothing was counted in the last 30 days. Once a day every hashtag is.",
        charts=_charts(days, known),
    )


def _day(row: HashtagDay) -> tuple[object, ...]:
    rate = console.NOTHING if row.avg_engagement_rate is None else f"{row.avg_engagement_rate:g} %"
    network = figure(row.network_posts), figure(row.network_views)
    return (f"{row.day:%Y-%m-%d}", f"{row.posts_count:,}", figure(row.views_count), rate, *network)


def _charts(days: Sequence[date], known: Mapping[date, HashtagDay]) -> list[Chart]:
    if not known:
        return []
    rows = [known.get(day) for day in days]
    latest, counted = known[max(known)], f"Counted on {len(known)} of the last {SHOWN_DAYS} days"
    views = f"{counted}; latest {figure(latest.views_count)}."
    posts = f"{counted}; latest {latest.posts_count:,}."
    return [
        _chart("Views of its posts", views, days, [row.views_count if row else None for row in rows]),
        _chart("Posts that use it", posts, days, [row.posts_count if row else None for row in rows]),
    ]


def _chart(name: str, summary: str, days: Sequence[date], values: Sequence[float | None]) -> Chart:
    return bars.draw(name, summary, day_labels(days), [Bars(name, "var(--color-primary-500)", values)])


def _posts(hashtag: Hashtag) -> console.Panel:
    links = PostHashtag.objects.filter(hashtag=hashtag).order_by("-post_id")
    newest = list(links.values_list("post_id", flat=True)[:SHOWN_POSTS])  # of a million posts, only these are read
    posts = Post.objects.filter(pk__in=newest).select_related("account").defer("raw_data")
    return console.Panel(
        "Newest posts",
        ["Post", "By", "Published", "Tracking"],
        [
            (
                console.link(row, title(row)),
                console.link(row.account),
                console.when(row.posted_at),
                row.get_tracking_state_display(),
            )
            for row in posts.order_by("-pk")
        ],
        empty="No post here uses it any more.",
    )
