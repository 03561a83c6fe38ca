"""The console's pages of recurring work: when it runs, how that went, and what operators may do about it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs import backfill, conf, console, recurring, runs, timing
from jobs.admin import status_pill
from jobs.models import JobStatus, Origin, RecurringSchedule, ScheduledJob
from jobs.recurring import State
from jobs.runs import Overlap, Report

SHOWN_RUNS = 20
STATES = {
    State.ON: ("On", "success"),
    State.DISABLED: ("Disabled", "warning"),
    State.UNDECLARED: ("No app declares it", "danger"),
    State.MISSING: ("No schedule", "danger"),
}
WITHOUT_JOB = {"waiting": "info", "skipped": "warning", "left": "warning", "deleted": ""}


class TimesForm(forms.Form):
    """When it runs: one of the two."""

    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=timing.LONGEST_STEP // timing.MINUTE,
        widget=UnfoldAdminIntegerFieldWidget,
        label="Every so many minutes",
        help_text="Counted from now.",
    )
    cron = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        label="Or by cron",
        help_text="Minute, hour, day of the month, month, day of the week; in UTC. 17 3 * * * is daily at 03:17 UTC.",
    )

    def clean_cron(self) -> str:
        """Refuse what Django-Q could not serve."""
        text = str(self.cleaned_data["cron"])
        if text:
            try:
                timing.check_cron(text)
            except timing.BadTiming as error:
                raise forms.ValidationError(str(error)) from None
        return text

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and bool(values.get("minutes")) == bool(values.get("cron")):
            raise forms.ValidationError("Give either a number of minutes or a cron text.")
        return values


class BackfillForm(forms.Form):
    """Which past to make up for."""

    start = forms.DateTimeField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}), label="From", help_text="UTC, included."
    )
    end = forms.DateTimeField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}), label="To", help_text="UTC, included."
    )
    overlap = forms.ChoiceField(
        choices=[
            (Overlap.QUEUE, "One after the other"),
            (Overlap.ALLOW, "All at once"),
            (Overlap.SKIP, "Only what meets no other run"),
        ],
        widget=UnfoldAdminSelectWidget,
        label="While another run is pending or running",
    )

    def to_confirm(self) -> forms.Form:
        """The same answers again, out of sight, with the word that they are meant."""
        data = {name: str(self.data.get(name, "")) for name in self.fields}
        again = BackfillForm({**data, "confirmed": "1"})
        again.fields["confirmed"] = forms.CharField()
        for field in again.fields.values():
            field.widget = forms.HiddenInput()
        return again


def state_pill(state: State) -> SafeString:
    """Render whether it comes again."""
    return console.pill(*STATES[state])


def run_pill(report: Report) -> SafeString:
    """Render what became of a run."""
    if report.status in JobStatus.values:
        return status_pill(report.status)
    return console.pill(report.status.capitalize(), WITHOUT_JOB[report.status])


def capitalized(text: str) -> str:
    """Begin a sentence with it."""
    return text[:1].upper() + text[1:]


class RecurringAdmin(console.ConsoleAdmin):
    """Recurring work. Operators may change when it runs; the code never overwrites that."""

    list_display = ("name", "runs_in_words", "state", "last_result", "next_time")
    list_display_links = ("name",)
    sortable_by = ()
    ordering = ("name",)
    actions_detail = ("run_now", "enable", "disable", "times", "backfill", "remove")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "run_now": lambda row: _state(row) in {State.ON, State.DISABLED},
        "enable": lambda row: _state(row) == State.DISABLED,
        "disable": lambda row: _state(row) == State.ON,
        "times": lambda row: _state(row) in {State.ON, State.DISABLED},
        "backfill": lambda row: _state(row) in {State.ON, State.DISABLED},
        "remove": lambda row: _state(row) == State.UNDECLARED,
    }
    fieldsets = (
        (None, {"fields": ("called", "does", "state", "runs_in_words", "next_in_full")}),
        ("Runs", {"fields": ("last_in_full", "job_type", "catch_up")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Only our own schedules."""
        return super().get_queryset(request).filter(func=recurring.FUNCTION, name__isnull=False)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Look up the last results of all works on the page at once."""
        page = super().get_changelist_instance(request)
        reports = runs.last_results([str(row) for row in page.result_list])
        for row in page.result_list:
            row.last_report = reports.get(str(row))
        return page

    @admin.display(description="Name")
    def called(self, row: RecurringSchedule) -> str:
        return str(row)

    @admin.display(description="Runs")
    def runs_in_words(self, row: RecurringSchedule) -> str:
        return capitalized(recurring.words(row))

    @admin.display(description="State")
    def state(self, row: RecurringSchedule) -> SafeString:
        return state_pill(_state(row))

    @admin.display(description="Last result")
    def last_result(self, row: Any) -> object:
        report = row.last_report
        if report is None:
            return console.NOTHING
        return format_html("{} {}", run_pill(report), console.when(report.ended_at) if report.ended_at else "")

    @admin.display(description="Next", ordering="next_run")
    def next_time(self, row: RecurringSchedule) -> object:
        return console.when(_entry(row).next_run)

    @admin.display(description="Next run")
    def next_in_full(self, row: RecurringSchedule) -> object:
        return console.exactly(_entry(row).next_run)

    @admin.display(description="Does")
    def does(self, row: RecurringSchedule) -> str:
        return _entry(row).describe or console.NOTHING

    @admin.display(description="Job type")
    def job_type(self, row: RecurringSchedule) -> str:
        work = _entry(row).work
        return work.job_type if work else console.NOTHING

    @admin.display(description="Missed times")
    def catch_up(self, row: RecurringSchedule) -> str:
        work = _entry(row).work
        words = {"skip": "Are let pass", "once": "One run for all of them", "all": "One run for each of them"}
        return words[work.catch_up] if work else console.NOTHING

    @admin.display(description="Last result")
    @console.once
    def last_in_full(self, row: RecurringSchedule) -> object:
        report = runs.last_result(str(row))
        if report is None:
            return console.NOTHING
        ended = console.exactly(report.ended_at) if report.ended_at else ""
        return format_html("{} {} {}", run_pill(report), ended, report.error or "")

    def panels(self, request: HttpRequest, obj: RecurringSchedule) -> list[console.Panel]:
        """Show when it comes next, and what came of it."""
        return [self._following(request, obj), self._latest(obj)]

    def _following(self, request: HttpRequest, obj: RecurringSchedule) -> console.Panel:
        zone = _zone(request)
        return console.Panel(
            f"Next ten times in {zone.key}",
            ["On the clock there"],
            [
                (format_html("{}, {}", timing.in_zone(moment, zone), console.when(moment)),)
                for moment in _entry(obj).following(now=timezone.now())
            ],
            empty="No run is planned.",
            control=_zone_control(zone),
        )

    def _latest(self, obj: RecurringSchedule) -> console.Panel:
        found = runs.progress(str(obj))
        footer: str | SafeString = ""
        if found is not None:
            link = console.link(ScheduledJob(job_id=found.backfill_id), "its job")
            footer = format_html(
                "A backfill is at work: {} enqueued, {} waiting. Cancel {} to stop it.",
                found.enqueued,
                found.waiting,
                link,
            )
        return console.Panel(
            "Latest runs",
            ["Planned", "Status", "Ended", "Job", "Remark"],
            [_run_row(report) for report in runs.latest(str(obj), SHOWN_RUNS)],
            empty="It has not run yet.",
            footer=footer,
        )

    def _one(
        self,
        request: HttpRequest,
        object_id: str,
        question: console.Question,
        change: Callable[[str, datetime], str | None],
    ) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self.ask(request, row, question)
        try:
            done = change(row.name, timezone.now())
        except (recurring.UnknownRecurring, recurring.StillLive) as error:
            self.tell(request, str(error), good=False)
        else:
            if done:
                self.note(request, [row], done)
            self.tell(request, done or "Nothing was changed: it is so already.", good=bool(done))
        return self.back_to(row)

    @console.page_action("Run now", url_path="run-now", icon="play_arrow", variant=ActionVariant.PRIMARY)
    def run_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "A run is enqueued beside the plan, unless one is pending or running."
        question = console.Question("Run it now?", sentence, "Run now")

        def change(name: str, now: datetime) -> str:
            return f"Enqueued job {recurring.run_now(name, now=now).job_id}."

        return self._one(request, object_id, question, change)

    @console.page_action("Enable", url_path="enable", icon="event_available")
    def enable(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "It runs again from its next planned time on. The times of the pause do not count as missed."
        question = console.Question("Enable it?", sentence, "Enable")

        def change(name: str, now: datetime) -> str | None:
            return "Enabled." if recurring.enable(name, now=now) else None

        return self._one(request, object_id, question, change)

    @console.page_action("Disable", url_path="disable", icon="event_busy")
    def disable(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "No more runs are planned until it is enabled. What is enqueued already still runs."
        question = console.Question("Disable it?", sentence, "Disable", True)

        def change(name: str, now: datetime) -> str | None:
            return "Disabled." if recurring.disable(name) else None

        return self._one(request, object_id, question, change)

    @console.page_action("Remove", url_path="remove", icon="delete", variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        sentence = "No app declares it any more, so it cannot run. Its past runs stay in the table."
        if request.method != "POST":
            return self.ask(request, row, console.Question("Remove it?", sentence, "Remove", True))
        if recurring.remove(row.name):
            self.note(request, [row], "Removed.")
            self.tell(request, f"{row.name} is removed.")
        else:
            self.tell(request, "Nothing was changed: an app declares it.", good=False)
        return HttpResponseRedirect(reverse("admin:jobs_recurringschedule_changelist"))

    @console.page_action("Change times", url_path="times", icon="edit_calendar")
    def times(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = TimesForm(request.POST or None, initial={"minutes": row.minutes, "cron": row.cron})
        if form.is_valid():
            minutes, cron = form.cleaned_data["minutes"], form.cleaned_data["cron"]
            every = timedelta(minutes=minutes) if minutes else None
            before = recurring.words(row)

            def change(name: str, now: datetime) -> str:
                recurring.retime(name, every=every, cron=cron or None, now=now)
                after = timing.every_words(minutes) if minutes else timing.cron_words(cron)
                return f"It runs {after} now; it was {before}."

            return self._one(request, object_id, _TIMES, change)
        question = console.Question(_TIMES.title, _TIMES.sentence, _TIMES.button, form=form)
        return self.ask(request, row, question)

    @console.page_action("Backfill", url_path="backfill", icon="history")
    def backfill(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = BackfillForm(request.POST or None)
        sentence = (
            "Runs are enqueued for the planned times of that span, by the schedule as it is now, that have none or "
            f"whose run was skipped; {backfill.MOST:,} at most. You see how many before anything happens."
        )
        asked = console.Question("Make up for past runs", sentence, "Count them", form=form)
        if not form.is_valid():
            return self.ask(request, row, asked)
        span = {"start": form.cleaned_data["start"], "end": form.cleaned_data["end"]}
        overlap = Overlap(form.cleaned_data["overlap"])
        now = timezone.now()
        try:
            plan = backfill.plan(row.name, now=now, **span)
            if not plan.times:
                self.tell(request, f"Nothing is missing there: {_planned(plan.present)} with a run.", good=False)
                return self.back_to(row)
            if "confirmed" not in request.POST:
                return self.ask(request, row, _confirm(plan, form))
            taken = backfill.backfill(row.name, overlap=overlap, now=now, **span)
        except backfill.InvalidBackfill as error:
            form.add_error(error.field, str(error))
            return self.ask(request, row, asked)
        except recurring.UnknownRecurring as error:
            self.tell(request, str(error), good=False)
            return self.back_to(row)
        done = _filled([run.job_id for run in taken], [run.backfill_id for run in taken])
        self.note(request, [row], f"{done} From {span['start']:%Y-%m-%d %H:%M} to {span['end']:%Y-%m-%d %H:%M} UTC.")
        self.tell(request, done)
        return self.back_to(row)


_TIMES = console.Question(
    "When does it run?", "From now on it runs at these times; an upgrade does not change them back.", "Save the times"
)


def _entry(row: RecurringSchedule) -> recurring.Entry:
    return recurring.entry(str(row), row)


def _state(row: RecurringSchedule) -> State:
    return _entry(row).state


def _zone(request: HttpRequest) -> ZoneInfo:
    """The one that was chosen, or the community's."""
    for name in (request.GET.get("zone", ""), conf.current().timezone):
        try:
            return timing.find_zone(name)
        except timing.UnknownZone:
            continue
    return ZoneInfo("UTC")


def _zone_control(zone: ZoneInfo) -> SafeString:
    # The rest are old names and fixed offsets, whose signs are the wrong way round.
    cities = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    names = ["UTC", *cities] if zone.key in {"UTC", *cities} else [zone.key, "UTC", *cities]
    widget = UnfoldAdminSelectWidget(choices=[(name, name) for name in names])
    field = widget.render("zone", zone.key, {"id": "id_zone"})
    return render_to_string("admin/console/zone.html", {"field": field})


def _run_row(report: Report) -> tuple[object, ...]:
    run = report.run
    job: object = console.NOTHING
    if run.job_id:
        # A deleted job has no page.
        job = run.job_id[:8]
        if report.status != "deleted":
            job = console.link(ScheduledJob(job_id=run.job_id), run.job_id[:8])
    ended = console.when(report.ended_at)
    if report.ended_at is not None and report.duration is not None:
        ended = format_html("{}, took {} ms", ended, f"{round(report.duration / timedelta(milliseconds=1)):,}")
    remarks = [Origin(run.origin).label] if run.origin != Origin.SCHEDULE else []
    return (
        console.exactly(run.planned_at),
        run_pill(report),
        ended,
        job,
        ". ".join([*remarks, *([report.error] if report.error else [])]) or console.NOTHING,
    )


def _planned(count: int) -> str:
    return "one planned time" if count == 1 else f"{count:,} planned times"


def _confirm(plan: backfill.Plan, form: BackfillForm) -> console.Question:
    count = "one run" if len(plan.times) == 1 else f"{len(plan.times):,} runs"
    first, last = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (plan.times[0], plan.times[-1]))
    overlap = dict(form.fields["overlap"].choices)[Overlap(form.cleaned_data["overlap"])]  # type: ignore[attr-defined]
    sentence = f"This makes up for {count}, planned from {first} to {last}. {overlap}."
    if plan.present:
        sentence += f" {capitalized(_planned(plan.present))} had a run and stay as they are."
    return console.Question("Enqueue them?", sentence, f"Make up for {count}", form=form.to_confirm())


def _filled(job_ids: list[str | None], backfill_ids: list[str | None]) -> str:
    enqueued = sum(1 for job_id in job_ids if job_id)
    waiting = sum(
        1 for job_id, backfill_id in zip(job_ids, backfill_ids, strict=True) if backfill_id and job_id is None
    )
    sentence = f"{enqueued:,} {'run' if enqueued == 1 else 'runs'} enqueued"
    if waiting:
        sentence += f", {waiting:,} waiting for their turn"
    if skipped := len(job_ids) - enqueued - waiting:
        sentence += f", {skipped:,} skipped"
    return sentence + "."
