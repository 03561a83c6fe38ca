"""What staff do with posts in the console: track, check, stop, resume, track again, compare, fetch comments."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.enums import ActionVariant

from jobs import console
from socialmedia import comments, conf
from socialmedia.admin import comparison, post_panels
from socialmedia.admin.post_forms import PlanForm, TrackForm
from socialmedia.metrics import comparing, reading
from socialmedia.models import Post, TrackingState
from socialmedia.providers.base import Metric, ProviderError
from socialmedia.tracking import checking, plan, starting, states, stopping
from socialmedia.tracking.checking import Checked, Outcome

ENDED = {TrackingState.STOPPED, TrackingState.COMPLETE, TrackingState.UNAVAILABLE}
CANNOT = (ProviderError, starting.CannotTrack)


class PostActions(console.ConsoleAdmin):
    """The buttons above the list of posts and above each post."""

    actions = ("compare_selected",)
    actions_list: tuple[str, ...] = ("track", "compare_page")  # type: ignore[assignment]  # unfold declares the empty tuple's own type
    actions_detail = ("check_now", "stop", "resume", "restart", "begin", "fetch_comments", "compare")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "check_now": lambda post: post.tracking_state == TrackingState.ACTIVE,
        "stop": lambda post: post.tracking_state == TrackingState.ACTIVE,
        "resume": lambda post: post.tracking_state == TrackingState.STOPPED,
        "restart": lambda post: post.tracking_state in ENDED,
        "begin": lambda post: post.tracking_state == TrackingState.UNTRACKED,
    }

    @console.page_action("Track a post", url_path="track", icon="add_chart")
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

    @console.page_action("Compare", url_path="compare-posts", icon="stacked_line_chart", permission="view")
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
