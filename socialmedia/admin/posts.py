"""The console's pages of posts: what is tracked, how it grows, and what staff do about it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action
from unfold.enums import ActionVariant

from jobs import console
from socialmedia import comments, conf
from socialmedia.admin import comparison, drawing, post_panels
from socialmedia.admin.post_forms import PlanForm, TrackForm
from socialmedia.admin.words import shortened
from socialmedia.metrics import comparing, growth, reading
from socialmedia.models import Account, Platform, Post, TrackingState
from socialmedia.providers.base import Metric, ProviderError
from socialmedia.tracking import checking, plan, starting, states, stopping
from socialmedia.tracking.checking import Checked, Outcome

STATE_COLORS = {
    TrackingState.UNTRACKED: "",
    TrackingState.ACTIVE: "success",
    TrackingState.STOPPED: "warning",
    TrackingState.COMPLETE: "primary",
    TrackingState.UNAVAILABLE: "danger",
}
ENDED = {TrackingState.STOPPED, TrackingState.COMPLETE, TrackingState.UNAVAILABLE}
LATELY = timedelta(days=7)
SHOWN_LOOKS = 12
MOST_FOUND_ACCOUNTS = 200
CANNOT = (ProviderError, starting.CannotTrack)


def state_pill(post: Post) -> SafeString:
    """Render where the check-backs of a post are."""
    state = TrackingState(post.tracking_state)
    if state == TrackingState.ACTIVE and post.failed_checks:
        tries = "1 try" if post.failed_checks == 1 else f"{post.failed_checks} tries"
        return console.pill(f"Tracked, {tries} failed", "warning")
    return console.pill(str(state.label), STATE_COLORS[state])


def outside(address: str) -> SafeString | str:
    """Render a link out of the console, if it is one that a browser may follow."""
    if not address.startswith("https://"):
        return address or console.NOTHING
    link = '<a href="{}" class="text-link" target="_blank" rel="noopener noreferrer">{}</a>'
    return format_html(link, address, address)


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
        now, active = timezone.now(), Q(tracking_state=TrackingState.ACTIVE)
        chosen = {
            "due": active & Q(next_check_at__lte=now),
            "day": active & Q(next_check_at__lte=now + timedelta(days=1)),
            "failing": active & Q(failed_checks__gt=0),
            "gone": Q(tracking_state=TrackingState.UNAVAILABLE, deleted_at__gt=now - LATELY),
        }
        return queryset.filter(chosen[self.value() or ""]) if self.value() in chosen else queryset


@admin.register(Post)
class PostAdmin(console.ConsoleAdmin):
    """Posts, those seen last first."""

    list_display = ("words", "author", "state", "views", "likes", "course", "next_look")
    list_filter = (("tracking_state", ChoicesDropdownFilter), ("platform", ChoicesDropdownFilter), LookFilter)
    search_fields = ("external_post_id",)  # see get_search_results
    search_help_text = "Exact id, or the beginning of the author's handle"
    list_select_related = ("account",)
    sortable_by = ()
    ordering = ("-id",)
    actions = ("compare_selected",)
    actions_list = ("track", "compare_page")
    actions_detail = ("check_now", "stop", "resume", "restart", "begin", "fetch_comments", "compare")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "check_now": lambda post: post.tracking_state == TrackingState.ACTIVE,
        "stop": lambda post: post.tracking_state == TrackingState.ACTIVE,
        "resume": lambda post: post.tracking_state == TrackingState.STOPPED,
        "restart": lambda post: post.tracking_state in ENDED,
        "begin": lambda post: post.tracking_state == TrackingState.UNTRACKED,
    }
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
        if words.isascii() and words.isdecimal():
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
    def words(self, row: Post) -> str:
        return shortened(row.caption, 60) or row.external_post_id

    @admin.display(description="By")
    def author(self, row: Post) -> str:
        return f"@{row.account.username}"

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
        return outside(row.post_url)

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

    @action(description="Track a post", url_path="track", icon="add_chart", permissions=["operate"])
    def track(self, request: HttpRequest) -> HttpResponse:
        """Put a post under tracking: by its address, which a link may bring along."""
        initial = {**_usual_plan(), "url": request.GET.get("url", "")}
        form = TrackForm(request.POST or None, initial=initial)
        tracked = self._track(request, form) if form.is_valid() else None
        if tracked is None:
            return self._track_page(request, form)
        if tracked.is_new:
            self.note(request, [tracked.post], "Put under tracking.")
            self.tell(request, "The post is tracked now.")
        else:
            state = TrackingState(tracked.post.tracking_state).label.lower()
            self.tell(request, f"It was put under tracking before, and is as it was: {state}.", good=False)
        return self.back_to(tracked.post)

    def _track(self, request: HttpRequest, form: TrackForm) -> starting.Tracked | None:
        """Do it, or say under the fields why not."""
        asked, by = form.cleaned_data, request.user.get_username()[:150]
        base = asked["base"] or None
        try:
            return starting.track(asked["url"], offsets=asked["offsets"], base=base, by=by, now=timezone.now())
        except plan.BadOffsets as error:
            form.add_error("offsets", str(error))
        except CANNOT as error:
            form.add_error("url", str(error))
        return None

    def _track_page(self, request: HttpRequest, form: TrackForm) -> HttpResponse:
        sentence = "Its counters are read now, and again at each of these hours. Nothing is written on the network."
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Track a post",
            "question": console.Question("Track a post", sentence, "Track it", form=form),
            "back": reverse("admin:socialmedia_post_changelist"),
        }
        return TemplateResponse(request, "admin/console/question.html", context)

    @action(description="Compare", url_path="compare-posts", icon="stacked_line_chart", permissions=["view"])
    def compare_page(self, request: HttpRequest) -> HttpResponse:
        """Go to the comparison."""
        return HttpResponseRedirect(reverse(f"admin:{comparison.NAME}"))

    @admin.action(description="Compare these posts", permissions=["view"])
    def compare_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        ids = list(queryset.values_list("pk", flat=True)[: comparing.MOST_POSTS + 1])
        if len(ids) > comparing.MOST_POSTS:
            self.tell(request, f"Choose at most {comparing.MOST_POSTS} posts to compare.", good=False)
            return None
        chosen = ",".join(map(str, ids))
        return HttpResponseRedirect(reverse(f"admin:{comparison.NAME}", query={"posts": chosen}))

    @console.page_action("Compare", url_path="compare", icon="stacked_line_chart", permission="view")
    def compare(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        return HttpResponseRedirect(reverse(f"admin:{comparison.NAME}", query={"posts": row.pk}))

    @console.page_action("Check now", url_path="check-now", icon="sync")
    def check_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "The network is asked once. Its plan stays as it is, unless a check is due."
            return self.ask(request, row, console.Question("Check this post now?", sentence, "Check it"))
        checked = checking.check(row.pk, force=True, now=timezone.now())
        self.tell(request, _result(checked), good=checked.outcome == Outcome.MEASURED)
        return self.back_to(row)

    @console.page_action("Stop", url_path="stop", icon="stop_circle", variant=ActionVariant.DANGER)
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = console.Question("Stop tracking this post?", "What was measured stays.", "Stop it", True)
        return self._change(request, object_id, question, stopping.stop, "Tracking is stopped.")

    @console.page_action("Resume", url_path="resume", icon="play_circle")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "Its plan goes on. Checks that were planned meanwhile are left out."
        question = console.Question("Resume tracking this post?", sentence, "Resume")
        return self._change(request, object_id, question, stopping.resume, "Tracking is resumed.")

    def _change(
        self, request: HttpRequest, object_id: str, question: console.Question, do: Callable[..., Post], done: str
    ) -> HttpResponse:
        """Ask, do it, and say what came of it."""
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self.ask(request, row, question)
        try:
            do(row.pk, by=request.user.get_username()[:150], now=timezone.now())
        except states.WrongState as error:
            self.tell(request, f"Nothing was changed: {error}", good=False)
        else:
            self.note(request, [row], done)
            self.tell(request, done)
        return self.back_to(row)

    @console.page_action("Track again", url_path="track-again", icon="restart_alt")
    def restart(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        offsets = _joined(row.check_offsets) or _usual_plan()["offsets"]
        form = PlanForm(request.POST or None, initial={"offsets": offsets, "base": row.check_base})
        if form.is_valid() and self._restart(request, row, form):
            return self.back_to(row)
        sentence = "Another round begins now, with a first look. What was measured before stays."
        return self.ask(request, row, console.Question("Track this post again?", sentence, "Track again", form=form))

    def _restart(self, request: HttpRequest, row: Post, form: PlanForm) -> bool:
        """Do it, or say why not: False when the form has to be shown again."""
        asked, by = form.cleaned_data, request.user.get_username()[:150]
        base = asked["base"] or row.check_base
        try:
            stopping.restart(row.pk, offsets=asked["offsets"], base=base, by=by, now=timezone.now())
        except (plan.BadOffsets, *CANNOT) as error:
            form.add_error("offsets" if isinstance(error, plan.BadOffsets) else None, str(error))
            return False
        except states.WrongState as error:
            self.tell(request, f"Nothing was changed: {error}", good=False)
            return True
        self.note(request, [row], "Put under tracking again.")
        self.tell(request, "The post is tracked again.")
        return True

    @console.page_action("Track it", url_path="begin", icon="add_chart")
    def begin(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        return HttpResponseRedirect(reverse("admin:socialmedia_post_track", query={"url": row.post_url}))

    @console.page_action("Fetch comments", url_path="fetch-comments", icon="forum")
    def fetch_comments(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = f"A job asks the network for up to {comments.MOST} of them, a page with each request."
            return self.ask(request, row, console.Question("Fetch this post's comments?", sentence, "Fetch them"))
        job = comments.order(row.pk, now=timezone.now())
        self.note(request, [row], "Comments ordered.")
        self.tell(request, f"A job fetches them now: {job.job_id}.")
        return self.back_to(row)


def _joined(offsets: list[float]) -> str:
    return ", ".join(f"{hours:g}" for hours in offsets)


def _usual_plan() -> dict[str, str]:
    """What the form offers. A broken setting is told by the form itself, when nothing else is put in."""
    try:
        offsets = _joined(list(plan.default_offsets()))
    except plan.BadOffsets:
        offsets = ""
    return {"offsets": offsets, "base": conf.tracking().base}


def _result(checked: Checked) -> str:
    """Say what a check did."""
    if checked.snapshot is not None and checked.outcome == Outcome.MEASURED:
        views, likes = (reading.value_of(checked.snapshot, metric) for metric in (Metric.VIEWS, Metric.LIKES))
        return f"Checked: views {post_panels.counter(views)}, likes {post_panels.counter(likes)}."
    words = {
        Outcome.BUSY: "Somebody else checks it this moment.",
        Outcome.NOT_TRACKED: "It is not tracked any more.",
        Outcome.GONE: "The network says once more that it is gone: it is not looked for any longer.",
        Outcome.NOT_DUE: "It is not due.",
    }
    return words.get(checked.outcome) or f"Nothing was measured: {checked.error}"
