"""The console's pages of jobs, attempts and clusters."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs import checkup, conf, console, lifecycle, pauses, registry, reports, stats
from jobs.models import (
    ClusterHeartbeat,
    HealthResult,
    HealthStatus,
    JobExecution,
    JobPause,
    JobStatus,
    ScheduledJob,
)
from jobs.querysets import JobQuerySet

COLORS = {
    JobStatus.PENDING: "info",
    JobStatus.RUNNING: "primary",
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "danger",
    JobStatus.CANCELLED: "",
    JobStatus.EXPIRED: "warning",
    JobStatus.UNKNOWN: "warning",
}


def status_pill(status: str) -> SafeString:
    """Render a job's state."""
    state = JobStatus(status)
    return console.pill(str(state.label), COLORS[state])


def attempts_panel(job_id: str) -> console.Panel:
    """The latest attempts of a job, newest first."""
    rows = JobExecution.objects.filter(job_id=job_id).order_by("-execution_id")[:50]
    return console.Panel(
        "Attempts",
        ["No.", "Started", "Took", "Outcome", "Error", "Worker"],
        [
            (
                row.attempt,
                console.exactly(row.execution_time),
                console.NOTHING if row.duration_ms is None else f"{row.duration_ms:,} ms",
                status_pill(row.status),
                row.error_message or console.NOTHING,
                row.worker or console.NOTHING,
            )
            for row in rows
        ],
        empty="It has not been tried yet.",
    )


def reports_panels(job_id: str) -> list[console.Panel]:
    """What the job's runs reported, newest first; no panel when they reported nothing, as most types do."""
    rows = [(console.exactly(row.created_at), console.pretty(row.report)) for row in reversed(reports.of_job(job_id))]
    return [console.Panel("Reports", ["Written", "Report"], rows)] if rows else []


class JobTypeFilter(admin.SimpleListFilter):
    """By type, from the registered ones: no DISTINCT over the table."""

    title = "type"
    parameter_name = "job_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the registered types."""
        return [(name, name) for name in registry.job_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the jobs of one type."""
        return queryset.filter(job_type=self.value()) if self.value() else queryset


class DueFilter(admin.SimpleListFilter):
    """By when they are due."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the two sides of now."""
        return [("late", "Overdue"), ("future", "Later")]

    def queryset(self, request: HttpRequest, queryset: Any) -> JobQuerySet:
        """Keep the pending ones on that side."""
        rows: JobQuerySet = queryset
        now = timezone.now()
        if self.value() == "late":
            late = now - 2 * conf.current().check_interval  # what health calls overdue
            return rows.due_before(late, only_pending=True).not_paused(pause.job_type for pause in pauses.paused())
        if self.value() == "future":
            return rows.filter(status=JobStatus.PENDING, next_attempt_at__gt=now)
        return rows


@admin.register(ScheduledJob)
class JobAdmin(console.ConsoleAdmin):
    """Jobs: what waits, what ran, what went wrong."""

    list_display = ("type_and_id", "state", "due", "tries", "finished", "problem")
    list_filter = (("status", ChoicesDropdownFilter), JobTypeFilter, DueFilter, ("scheduled_time", console.TimeFilter))
    search_fields = ("job_id__exact", "unique_key__exact")
    search_help_text = "Exact id or unique key"
    sortable_by = ("due",)
    ordering = ("-scheduled_time", "job_id")
    actions = ("cancel_selected", "retry_selected", "run_selected")
    actions_detail = ("run_now", "retry", "cancel")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "run_now": lambda job: job.status == JobStatus.PENDING and job.next_attempt_at > timezone.now(),
        "cancel": lambda job: job.status == JobStatus.PENDING,
        "retry": lambda job: job.status in lifecycle.RETRYABLE,
    }
    fieldsets = (
        (None, {"fields": ("job_type", "state_in_words", "job_id", "unique_key", "priority")}),
        ("Times", {"fields": ("scheduled", "next_attempt", "started", "completed", "expires", "created")}),
        ("Tries", {"fields": ("tries_in_words", "error_message", "worker", "lease")}),
        ("Payload", {"fields": ("payload_in_full",)}),
    )

    @admin.display(description="Job", ordering="job_type")
    def type_and_id(self, job: ScheduledJob) -> SafeString:
        return format_html("<strong>{}</strong> {}", job.job_type, job.job_id[:8])

    @admin.display(description="Status")
    def state(self, job: ScheduledJob) -> SafeString:
        if job.status == JobStatus.PENDING and job.next_attempt_at <= timezone.now():
            return console.pill("Due", "warning")
        return status_pill(job.status)

    @admin.display(description="Due", ordering="scheduled_time")
    def due(self, job: ScheduledJob) -> object:
        return console.when(job.next_attempt_at if job.status == JobStatus.PENDING else job.scheduled_time)

    @admin.display(description="Retries")
    def tries(self, job: ScheduledJob) -> str:
        return f"{job.retry_count} of {job.max_retries}"

    @admin.display(description="Ended")
    def finished(self, job: ScheduledJob) -> object:
        return console.when(job.completed_at)

    @admin.display(description="Error")
    def problem(self, job: ScheduledJob) -> str:
        text = (job.error_message or "").splitlines()[0:1]
        return text[0][:80] if text else console.NOTHING

    @admin.display(description="Status")
    def state_in_words(self, job: ScheduledJob) -> SafeString:
        return self.state(job)

    @admin.display(description="First due")
    def scheduled(self, job: ScheduledJob) -> object:
        return console.exactly(job.scheduled_time)

    @admin.display(description="Next attempt")
    def next_attempt(self, job: ScheduledJob) -> object:
        return console.exactly(job.next_attempt_at) if job.status == JobStatus.PENDING else console.NOTHING

    @admin.display(description="Latest attempt began")
    def started(self, job: ScheduledJob) -> object:
        return console.exactly(job.started_at)

    @admin.display(description="Ended")
    def completed(self, job: ScheduledJob) -> object:
        return console.exactly(job.completed_at)

    @admin.display(description="Expires")
    def expires(self, job: ScheduledJob) -> object:
        return console.exactly(job.expires_at) if job.expires_at else "Never"

    @admin.display(description="Enqueued")
    def created(self, job: ScheduledJob) -> object:
        return console.exactly(job.created_at)

    @admin.display(description="Retries")
    def tries_in_words(self, job: ScheduledJob) -> str:
        return f"{job.retry_count} of {job.max_retries} used"

    @admin.display(description="Lease")
    def lease(self, job: ScheduledJob) -> object:
        if job.lease_expires_at is None:
            return "Nobody has it"
        return format_html("Held until {}", console.exactly(job.lease_expires_at))

    @admin.display(description="Payload")
    def payload_in_full(self, job: ScheduledJob) -> SafeString:
        return console.pretty(job.payload)

    def panels(self, request: HttpRequest, obj: ScheduledJob) -> list[console.Panel]:
        """Show the attempts and what they reported."""
        return [attempts_panel(obj.job_id), *reports_panels(obj.job_id)]

    def _each(self, request: HttpRequest, jobs: QuerySet[Any], change: Callable[..., bool], done: str) -> None:
        now = timezone.now()
        chosen = self.few(request, jobs)
        if not chosen:
            return
        done_to = [job for job in chosen if change(job.job_id, now=now)]
        changed, left = len(done_to), len(chosen) - len(done_to)
        self.note(request, done_to, f"{done.capitalize()}.")
        sentence = f"{changed} {'job' if changed == 1 else 'jobs'} {done}."
        if left:
            sentence += f" {left} could not be: the state of {'it' if left == 1 else 'them'} does not allow it."
        self.tell(request, sentence, good=not left)

    @admin.action(description="Cancel the pending ones", permissions=["operate"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, lifecycle.cancel_job, "cancelled")

    @admin.action(description="Retry the failed, expired and unknown ones", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, lifecycle.retry_job, "put back into the queue")

    @admin.action(description="Run the pending ones now", permissions=["operate"])
    def run_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, lifecycle.run_now, "made due now")

    def _one(
        self,
        request: HttpRequest,
        object_id: str,
        change: Callable[[str, datetime], bool],
        question: console.Question,
        done: str,
    ) -> HttpResponse:
        job = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self.ask(request, job, question)
        if change(job.job_id, timezone.now()):
            self.note(request, [job], done)
            self.tell(request, done)
        else:
            job.refresh_from_db(fields=["status"])
            self.tell(request, f"Nothing was changed: the job is {job.get_status_display().lower()}.", good=False)
        return self.back_to(job)

    @console.page_action("Run now", url_path="run-now", icon="play_arrow")
    def run_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = console.Question("Run this job now?", "It becomes due at once; a worker takes it next.", "Run now")
        return self._one(
            request, object_id, lambda pk, now: lifecycle.run_now(pk, now=now), question, "The job is due now."
        )

    @console.page_action("Retry", url_path="retry", icon="replay", variant=ActionVariant.PRIMARY)
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "It becomes pending again, due now, with all its retries. Was its effect perhaps already there?"
        question = console.Question("Retry this job?", sentence, "Retry")
        return self._one(
            request, object_id, lambda pk, now: lifecycle.retry_job(pk, now=now), question, "The job is pending again."
        )

    @console.page_action("Cancel job", url_path="cancel", icon="cancel", variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = console.Question("Cancel this job?", "It will not run. Its row stays.", "Cancel the job", True)
        return self._one(
            request, object_id, lambda pk, now: lifecycle.cancel_job(pk, now=now), question, "The job is cancelled."
        )


@admin.register(JobExecution)
class AttemptAdmin(console.ConsoleAdmin):
    """Attempts: how each run ended."""

    list_display = ("started", "job_type", "number", "outcome", "took", "problem")
    list_filter = (("status", ChoicesDropdownFilter), JobTypeFilter, ("execution_time", console.TimeFilter))
    search_fields = ("job_id__exact",)
    search_help_text = "Exact job id"
    sortable_by = ("started",)
    ordering = ("-execution_time", "-execution_id")
    fields = ("job", "job_type", "number", "started_in_full", "took", "outcome", "error_message", "worker")

    @admin.display(description="Started", ordering="execution_time")
    def started(self, row: JobExecution) -> object:
        return console.when(row.execution_time)

    @admin.display(description="Started")
    def started_in_full(self, row: JobExecution) -> object:
        return console.exactly(row.execution_time)

    @admin.display(description="Job")
    @console.once
    def job(self, row: JobExecution) -> object:
        job = ScheduledJob.objects.filter(pk=row.job_id).first()
        return console.link(job) if job else f"{row.job_id} (deleted since)"

    @admin.display(description="Attempt")
    def number(self, row: JobExecution) -> int:
        return row.attempt

    @admin.display(description="Outcome")
    def outcome(self, row: JobExecution) -> SafeString:
        return status_pill(row.status)

    @admin.display(description="Took")
    def took(self, row: JobExecution) -> str:
        return console.NOTHING if row.duration_ms is None else f"{row.duration_ms:,} ms"

    @admin.display(description="Error")
    def problem(self, row: JobExecution) -> str:
        text = (row.error_message or "").splitlines()[0:1]
        return text[0][:80] if text else console.NOTHING


class PauseForm(forms.ModelForm):  # type: ignore[type-arg]  # not a generic when it runs
    """What to pause, and why."""

    job_type = forms.ChoiceField(label="Pause", widget=UnfoldAdminSelectWidget)

    class Meta:
        model = JobPause
        fields = ("job_type", "reason")
        widgets = {"reason": UnfoldAdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["job_type"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 - declared above
        choice.choices = [
            ("", "Choose what to pause"),
            (pauses.EVERYTHING, "Everything"),
            *((name, name) for name in registry.job_types()),
        ]


@admin.register(JobPause)
class PauseAdmin(console.ConsoleAdmin):
    """Pauses: which types are not started. Adding one pauses, deleting one resumes."""

    form = PauseForm
    list_display = ("what", "since", "paused_by", "reason")
    list_display_links = None
    sortable_by = ()
    actions = ("resume_selected",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may operate may pause."""
        return self.has_operate_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Pause; the form has refused what is paused already."""
        pauses.pause(obj.job_type, by=request.user.get_username(), reason=obj.reason, now=timezone.now())

    def response_add(self, request: HttpRequest, obj: JobPause, post_url_continue: str | None = None) -> HttpResponse:
        """Say what it means, and go back to the list."""
        self.tell(request, f"Paused: {obj}. Nothing of it is started until somebody resumes it.")
        return HttpResponseRedirect(reverse("admin:jobs_jobpause_changelist"))

    @admin.display(description="Paused")
    def what(self, row: JobPause) -> str:
        return str(row).capitalize() if row.job_type == pauses.EVERYTHING else row.job_type

    @admin.display(description="Since")
    def since(self, row: JobPause) -> object:
        return console.when(row.paused_at)

    @admin.action(description="Resume", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset)
        self.note(request, chosen, "Resumed.")
        for row in chosen:
            pauses.resume(row.job_type, by=request.user.get_username())
        self.tell(request, f"Resumed: {', '.join(str(row) for row in chosen)}. What is due starts now.")


@admin.register(ClusterHeartbeat)
class ClusterAdmin(console.ConsoleAdmin):
    """Clusters: who works, and since when."""

    list_display = ("cluster", "alive", "beat", "since")
    sortable_by = ()
    fields = ("cluster", "alive", "beat", "since")

    @admin.display(description="State")
    def alive(self, row: ClusterHeartbeat) -> SafeString:
        fresh = row.beat_at > timezone.now() - stats.FRESH
        return console.pill("Alive" if fresh else "Silent", "success" if fresh else "danger")

    @admin.display(description="Last sign of life")
    def beat(self, row: ClusterHeartbeat) -> object:
        return console.when(row.beat_at)

    @admin.display(description="Running since")
    def since(self, row: ClusterHeartbeat) -> object:
        return console.when(row.started_at)


HEALTH_COLORS = {HealthStatus.OK: "success", HealthStatus.DEGRADED: "warning", HealthStatus.FAILED: "danger"}


def health_color(result: HealthResult, *, now: datetime) -> str:
    """The color of what a check found; gray when that says nothing about now."""
    return HEALTH_COLORS[HealthStatus(result.status)] if checkup.is_fresh(result, now=now) else ""


@admin.register(HealthResult)
class HealthAdmin(console.ConsoleAdmin):
    """What the check-up found: first what is so now, then what was."""

    list_display = ("name", "state", "detail", "checked", "since")
    list_filter = ("is_current", ("status", ChoicesDropdownFilter), ("checked_at", console.TimeFilter))
    sortable_by = ()
    ordering = ("-is_current", "check_name", "-checked_at")
    fields = ("name", "state", "detail", "began", "checked_in_full", "took", "worker", "numbers_in_full")

    @admin.display(description="Check")
    def name(self, row: HealthResult) -> str:
        return row.check_name.capitalize()

    @admin.display(description="Status")
    def state(self, row: HealthResult) -> SafeString:
        now = timezone.now()
        words = row.get_status_display()
        if not row.is_current:
            return console.pill(f"Was {words.lower()}")
        if not checkup.is_fresh(row, now=now):
            return console.pill(f"Was {words.lower()}, not checked lately")
        return console.pill(words, health_color(row, now=now))

    @admin.display(description="Found last")
    def checked(self, row: HealthResult) -> object:
        return console.when(row.checked_at)

    @admin.display(description="Found first")
    def since(self, row: HealthResult) -> object:
        return console.when(row.began_at)

    @admin.display(description="Found first")
    def began(self, row: HealthResult) -> object:
        return console.exactly(row.began_at)

    @admin.display(description="Found last")
    def checked_in_full(self, row: HealthResult) -> object:
        return console.exactly(row.checked_at)

    @admin.display(description="Took")
    def took(self, row: HealthResult) -> str:
        return f"{row.duration_ms:,} ms"

    @admin.display(description="Numbers")
    def numbers_in_full(self, row: HealthResult) -> SafeString:
        return console.pretty(row.numbers)
