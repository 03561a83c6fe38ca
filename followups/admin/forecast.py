"""The console's forecast: what would be sent in the coming days, and what another setting would change."""

from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from followups import audience, simulation, whatif
from followups.admin import answers
from followups.models import Trigger, UserProfile
from followups.simulation import Forecast
from jobs import bars, console
from jobs.bars import Bars, Chart

MOST_MEMBERS = 10_000
"""A forecast of more takes longer than a page may."""
SHOWN_STEPS = 100
COLORS = ("var(--color-primary-500)", "var(--color-orange-500)")


class ForecastForm(forms.Form):
    """How far to look, and what to compare with."""

    days = forms.IntegerField(
        min_value=1, max_value=simulation.LONGEST.days, initial=30, widget=UnfoldAdminIntegerFieldWidget
    )
    member = forms.CharField(
        label="Only the member", max_length=255, required=False, widget=UnfoldAdminTextInputWidget, help_text="An id."
    )
    setting = forms.ChoiceField(
        label="What if",
        choices=[("", "Nothing else"), *((name, name) for name in whatif.NAMES)],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    value = forms.CharField(label="were", max_length=100, required=False, widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        """Refuse a value that the setting cannot have."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("setting"):
            try:
                whatif.changed(self.change(cleaned))
            except whatif.BadSetting as error:
                self.add_error("value", str(error))
        return cleaned

    @staticmethod
    def change(cleaned: dict[str, Any]) -> dict[str, str]:
        """The change asked about."""
        return {cleaned["setting"]: cleaned["value"]} if cleaned.get("setting") else {}


def address(page: console.ConsoleAdmin) -> URLPattern:
    """Return the forecast's address among an admin's own."""
    return path("forecast/", page.admin_site.admin_view(partial(show, page)), name="followups_forecast")


def show(page: console.ConsoleAdmin, request: HttpRequest) -> HttpResponse:
    """Show the forecast. A GET, because it changes nothing: the address can be kept and shared."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    form = ForecastForm(request.GET if "days" in request.GET else None)
    asked = {"days": 30, "member": "", "setting": "", "value": ""}
    if form.is_bound:
        asked = form.cleaned_data if form.is_valid() else {}
    context = {
        **page.admin_site.each_context(request),
        "title": "Forecast",
        "form": form,
        **(_shown(asked) if asked else {}),
    }
    return TemplateResponse(request, "admin/console/forecast.html", context)


def _shown(asked: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a request."""
    many = UserProfile.objects.filter(follow_ups_enabled=True)[: MOST_MEMBERS + 1].count()
    if many > MOST_MEMBERS and not asked["member"]:
        command = f"manage.py followups simulate --days {asked['days']}"
        return {"problem": f"More than {MOST_MEMBERS:,} members have opted in: ask for one, or use {command}."}
    change = ForecastForm.change(asked)
    try:
        forecasts = simulation.simulate(
            now=timezone.now(),
            days=asked["days"],
            member=asked["member"],
            changes=[{}, change] if change else [{}],
            most_steps=SHOWN_STEPS,
        )
    except simulation.CannotSimulate as error:
        return {"problem": str(error)}
    labels = ["As it is", "If " + ", ".join(f"{name} were {value}" for name, value in change.items())]
    return {
        "charts": [_chart(forecasts, labels, _summary(forecasts, asked["days"]))],
        "panels": [_totals(forecasts, labels), *_audiences(), _steps(forecasts[-1])],
    }


def _summary(forecasts: list[Forecast], days: int) -> str:
    totals = " against ".join(f"{forecast.total:,}" for forecast in reversed(forecasts))
    members = f"{forecasts[0].members:,} member{'' if forecasts[0].members == 1 else 's'} who opted in"
    ahead = f"In the next {days} day{'' if days == 1 else 's'}"
    messages = f"{totals} message{'' if totals == '1' else 's'}"
    return f"{ahead} {messages} to {members}, if nobody writes meanwhile. Nothing was sent."


def _totals(forecasts: list[Forecast], labels: list[str]) -> console.Panel:
    names = {trigger.value: str(trigger.label) for trigger in Trigger}
    triggers = sorted({trigger for forecast in forecasts for trigger in forecast.by_trigger()})
    rows = [(f"Sent: {names[trigger]}", [found.by_trigger()[trigger] for found in forecasts]) for trigger in triggers]
    for word, name in (("Held", "held"), ("Not sent", "dropped")):
        gates = sorted({gate for forecast in forecasts for gate in getattr(forecast, name)})
        rows += [(f"{word}: {answers.gate_words(gate)}", [getattr(f, name)[gate] for f in forecasts]) for gate in gates]
    rows.append(("Still held at the end", [forecast.waiting for forecast in forecasts]))
    return console.Panel(
        "What becomes of them",
        ["Follow-ups", *labels[: len(forecasts)]],
        [(label, *(f"{number:,}" for number in numbers)) for label, numbers in rows],
    )


def _audiences() -> list[console.Panel]:
    """Who is reached by the campaigns that look for their members themselves, as of now."""
    now = timezone.now()
    return [
        console.Panel(
            f"{trigger.label}: who would get one now",
            ["Members", "How many"],
            [(step.words.capitalize(), _linked(trigger, step)) for step in audience.funnel(trigger, now=now)],
        )
        for trigger in audience.TRIGGERS
    ]


def _linked(trigger: str, step: audience.Step) -> SafeString | str:
    if step.name == "awake":
        return f"{step.members:,}"
    return console.listing(UserProfile, f"{step.members:,}", audience=f"{trigger}.{step.name}")


def _steps(forecast: Forecast) -> console.Panel:
    names = {trigger.value: str(trigger.label) for trigger in Trigger}
    steps = sorted(forecast.steps, key=lambda step: step.at)
    members = UserProfile.objects.in_bulk({step.user_id for step in steps})
    return console.Panel(
        "To whom, and what holds it",
        ["When", "Member", "Kind", "Answer", "Why"],
        [
            (
                console.exactly(step.at),
                console.link(members.get(step.user_id)),
                names[step.trigger],
                answers.verdict_pill(step.decision.verdict, step.decision.gate),
                step.decision.reason,
            )
            for step in steps
        ],
        empty="Nothing comes up.",
        footer=f"The first {SHOWN_STEPS} answers." if len(steps) == SHOWN_STEPS else "",
    )


def _chart(forecasts: list[Forecast], labels: list[str], summary: str) -> Chart:
    first = forecasts[0].since.date()
    days = [first + timedelta(days=n) for n in range((forecasts[0].until.date() - first).days + 1)]
    counts = [forecast.by_day() for forecast in forecasts]
    drawn = [
        Bars(label, color, [found[day] for day in days])
        for label, color, found in zip(labels, COLORS, counts, strict=False)
    ]
    return bars.draw("Messages by day", summary, [f"{day.day} {day:%b}" for day in days], drawn)
