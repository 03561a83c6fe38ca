"""The console's pages of posts: what is tracked, how it grows, and what staff do about it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs import console
from socialmedia.admin import comparison, drawing, post_panels
from socialmedia.admin.post_actions import PostActions
from socialmedia.admin.words import shortened
from socialmedia.metrics import growth, reading
from socialmedia.models import Account, Platform, Post, TrackingState
from socialmedia.providers.base import Metric

STATE_COLORS = {
    TrackingState.UNTRACKED: "",
    TrackingState.ACTIVE: "success",
    TrackingState.STOPPED: "warning",
    TrackingState.COMPLETE: "primary",
    TrackingState.UNAVAILABLE: "danger",
}
LATELY = timedelta(days=7)
SHOWN_LOOKS = 12
MOST_FOUND_ACCOUNTS = 200
LONGEST_ID = 255


def state_pill(post: Post) -> SafeString:
    """Render where the check-backs of a post are."""
    state = TrackingState(post.tracking_state)
    if state == TrackingState.ACTIVE and post.failed_checks:
        tries = "1 try" if post.failed_checks == 1 else f"{post.failed_checks} tries"
        return console.pill(f"Tracked, {tries} failed", "warning")
    return console.pill(str(state.label), STATE_COLORS[state])


def outside(address: str, words: str) -> SafeString | str:
    """Render a link out of the console; an address that no browser should follow as it is written."""
    if not address.startswith("https://"):
        return address or console.NOTHING
    link = '<a href="{}" class="text-link" target="_blank" rel="noopener noreferrer">{}</a>'
    return format_html(link, address, words)


class StateFilter(ChoicesDropdownFilter):
    """By where the check-backs are."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Say what goes without saying, too: without it idx_posts_tracking_state cannot serve a state that few have."""
        rows: Any = super().queryset(request, queryset)
        is_other = self.value() in (None, "", TrackingState.UNTRACKED)
        found: QuerySet[Any] = rows if is_other else rows.filter(tracking_started_at__isnull=False)
        return found


class LookFilter(admin.SimpleListFilter):
    """By what a person may want to look at."""

    title = "checks"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer them."""
        return [
            ("due", "Due now"),
            ("day", "Due within a day"),
            ("failing", "Last try failed"),
            ("gone", f"Unavailable for less than {LATELY.days} days"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        # Who is tracked is not complete: idx_posts_next_check wants to hear it.
        now, active = timezone.now(), Q(tracking_state=TrackingState.ACTIVE, tracking_complete=False)
        chosen = {
            "due": active & Q(next_check_at__lte=now),
            "day": active & Q(next_check_at__lte=now + timedelta(days=1)),
            "failing": active & Q(failed_checks__gt=0),
            "gone": Q(tracking_state=TrackingState.UNAVAILABLE, deleted_at__gt=now - LATELY),
        }
        return queryset.filter(chosen[self.value() or ""]) if self.value() in chosen else queryset


@admin.register(Post)
class PostAdmin(PostActions):
    """Posts, those seen last first."""

    list_display = ("words", "state", "views", "likes", "course", "next_look")
    list_filter = (("tracking_state", StateFilter), ("platform", ChoicesDropdownFilter), LookFilter)
    search_fields = ("external_post_id",)  # see get_search_results
    search_help_text = "Exact id, or the beginning of the author's handle"
    list_select_related = ("account",)
    sortable_by = ()
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("all_words", "author_link", "address_link", "kind", "published", "external_post_id")}),
        ("Tracking", {"fields": ("state", "progress", "planned", "next_in_full", "began", "last_try", "ended")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Post]:
        """Leave the providers' answers where they are: they are large."""
        rows: QuerySet[Post] = super().get_queryset(request)
        return rows.defer("raw_data", "description", "media_urls")

    def get_urls(self) -> list[URLPattern]:
        """Put the comparison's page before Django's."""
        return [comparison.address(self), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what has an index: the network's id, ours, and the beginning of a handle."""
        words = search_term.strip().removeprefix("@")
        if not words:
            return queryset, False
        accounts = Account.objects.filter(username__startswith=words).values_list("pk", flat=True)
        found = Q(account__in=list(accounts[:MOST_FOUND_ACCOUNTS]))
        if words.isascii() and words.isdecimal() and len(words) <= LONGEST_ID:
            found |= Q(platform__in=Platform.values, external_post_id=words) | Q(pk=int(words))
        return queryset.filter(found), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Bring along the latest looks at the posts on the page, with one query."""
        page: Any = super().get_changelist_instance(request)
        rows = list(page.result_list)
        looks = reading.latest((row.pk for row in rows), most=SHOWN_LOOKS)
        for row in rows:
            row.looks = reading.newest_round(looks[row.pk])
        page.result_list = rows
        return page

    @admin.display(description="Post")
    def words(self, row: Post) -> SafeString:
        begin = shortened(row.caption, 60) or row.external_post_id
        return format_html('{}<br><span class="console-change">@{}</span>', begin, row.account.username)

    @admin.display(description="Tracking")
    def state(self, row: Post) -> SafeString:
        return state_pill(row)

    @admin.display(description="Views")
    def views(self, row: Any) -> object:
        return self._counter(row, Metric.VIEWS)

    @admin.display(description="Likes")
    def likes(self, row: Any) -> object:
        return self._counter(row, Metric.LIKES)

    def _counter(self, row: Any, metric: Metric) -> object:
        if not row.looks:
            return console.NOTHING
        newest, since = row.looks[-1], growth.latest(reading.values_of(row.looks, metric))
        hidden = newest.metric_states.get(metric) == "hidden"
        value = post_panels.counter(reading.value_of(newest, metric), is_hidden=hidden)
        change = post_panels.changed(since.change) if since and not hidden else ""
        return format_html('{} <span class="console-change">{}</span>', value, change) if change else value

    @admin.display(description="Course of views")
    def course(self, row: Any) -> object:
        return drawing.sparkline([value for _, value in reading.values_of(row.looks, Metric.VIEWS)], what="Views")

    @admin.display(description="Next check")
    def next_look(self, row: Post) -> object:
        if row.next_check_at is not None and row.next_check_at <= timezone.now():
            return format_html("{} {}", console.pill("Due", "warning"), console.when(row.next_check_at))
        return console.when(row.next_check_at)

    @admin.display(description="Words")
    def all_words(self, row: Post) -> str:
        return row.caption or row.title or console.NOTHING

    @admin.display(description="By")
    def author_link(self, row: Post) -> object:
        return console.link(row.account, f"@{row.account.username}")

    @admin.display(description="On the network")
    def address_link(self, row: Post) -> object:
        return outside(row.post_url, f"Open on {row.get_platform_display()}")

    @admin.display(description="Kind")
    def kind(self, row: Post) -> str:
        length = f", {row.duration} seconds" if row.duration else ""
        return f"{row.get_media_type_display()} on {row.get_platform_display()}{length}"

    @admin.display(description="Published")
    def published(self, row: Post) -> object:
        return console.exactly(row.posted_at)

    @admin.display(description="Checks")
    def progress(self, row: Post) -> str:
        if not row.check_schedule:
            return console.NOTHING
        again = f", in round {row.tracking_round}" if row.tracking_round > 1 else ""
        return f"{min(row.checks_completed, len(row.check_schedule))} of {len(row.check_schedule)} are behind it{again}"

    @admin.display(description="Plan")
    def planned(self, row: Post) -> str:
        if not row.check_offsets:
            return console.NOTHING
        hours = ", ".join(f"{hours:g}" for hours in row.check_offsets)
        return f"{hours} hours after: {row.get_check_base_display().lower()}"

    @admin.display(description="Next check")
    def next_in_full(self, row: Post) -> object:
        return console.exactly(row.next_check_at)

    @admin.display(description="Since")
    def began(self, row: Post) -> object:
        return console.exactly(row.tracking_started_at)

    @admin.display(description="Last try")
    def last_try(self, row: Post) -> object:
        if not row.check_error:
            return console.exactly(row.last_checked_at)
        return format_html("{}: {}", console.exactly(row.last_checked_at), row.check_error)

    @admin.display(description="Ended")
    def ended(self, row: Post) -> object:
        if row.deleted_at is not None:
            return format_html("Found to be gone {}", console.exactly(row.deleted_at))
        if row.stopped_at is not None:
            return format_html("Stopped {} by {}", console.exactly(row.stopped_at), row.stopped_by or "somebody")
        return console.NOTHING

    def panels(self, request: HttpRequest, obj: Post) -> list[console.Panel]:
        """Show its curve and figures, every look at it, and what is written about it."""
        return post_panels.all_of(obj)
