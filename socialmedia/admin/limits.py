"""The console's page of limits: what an account did of each kind, and when it may do the next."""

from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from jobs import bars, console, timing
from jobs.bars import Bars, Chart
from socialmedia import standing, zones
from socialmedia.models import Account, ActionType, DailyActionCount, HourlyActionCount, Platform
from socialmedia.rules import BrokenSetting
from socialmedia.standing import Standing

COLORS = (
    "var(--color-primary-500)",
    "var(--color-orange-500)",
    "#0ea5e9",
    "#a855f7",
    "#e11d48",
    "#65a30d",
    "#64748b",
)
NO_ACCOUNT = "No account of ours acts on a network yet: add one under Accounts."


class AccountForm(forms.Form):
    """Whose limits to show."""

    account = forms.ModelChoiceField(queryset=Account.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        assert isinstance(account, forms.ModelChoiceField)  # noqa: S101 - declared above
        account.queryset = acting()


def acting() -> QuerySet[Account]:
    """Our accounts whose actions are limited here. What Discord limits is on the bot's own page."""
    return Account.objects.filter(is_own=True).exclude(platform=Platform.DISCORD).order_by("platform", "username")


def address(page: console.ConsoleAdmin) -> URLPattern:
    """Return the page's address among an admin's own."""
    return path("limits/", page.admin_site.admin_view(partial(show, page)), name="socialmedia_limits")


def show(page: console.ConsoleAdmin, request: HttpRequest) -> HttpResponse:
    """Show one account's limits: the chosen one's, else the first one's."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    first = acting().first()
    form = AccountForm({"account": first and first.pk, **request.GET.dict()})
    context = {**page.admin_site.each_context(request), "title": "Limits", "form": form}
    if first is None:
        context["problem"] = NO_ACCOUNT
    elif form.is_valid():
        context |= _shown(form.cleaned_data["account"], now=timezone.now())
    return TemplateResponse(request, "admin/console/forecast.html", context)


def _shown(account: Account, *, now: datetime) -> dict[str, Any]:
    try:
        found = standing.of(account, now=now)
    except BrokenSetting as error:
        return {"problem": f"Nothing may be done now. {error}"}
    return {"panels": [_now(account, found, now=now), _days(account)], "charts": [_hours(account)]}


def _now(account: Account, found: list[Standing], *, now: datetime) -> console.Panel:
    zone = zones.of(account)
    day = zones.day_of(now, zone)
    return console.Panel(
        f"{account} now",
        ["Action", "In the last 60 minutes", "Today", "The next"],
        [
            (
                ActionType(each.action_type).label,
                _share(each.in_hour, each.allowed.hourly),
                _share(each.today, each.allowed.daily),
                _next(each, zone, now=now),
            )
            for each in found
        ],
        footer=f"Its day is {day.date} in {zone.key}, and ends {timing.in_zone(day.end, zone)}.",
    )


def _share(used: int, most: int | None) -> str:
    return f"{used:,}" if most is None else f"{used:,} of {most:,}"


def _next(each: Standing, zone: ZoneInfo, *, now: datetime) -> object:
    if each.free_at is None:
        return console.pill("Never", "danger")
    if each.free_at <= now:
        return console.pill("Now", "success")
    return format_html("{} {}", console.pill("Full", "warning"), timing.in_zone(each.free_at, zone))


def _days(account: Account) -> console.Panel:
    """A line for each day, a column for each kind."""
    counts = {(row.action_date, row.action_type): row for row in DailyActionCount.objects.filter(account=account)}
    days = sorted({day for day, _ in counts}, reverse=True)
    kinds = sorted({kind for _, kind in counts})
    return console.Panel(
        "The last seven days",
        ["Day", *(ActionType(kind).label for kind in kinds)],
        [(f"{day:%a %Y-%m-%d}", *(_outcomes(counts.get((day, kind))) for kind in kinds)) for day in days],
        empty="It did nothing.",
    )


def _outcomes(row: DailyActionCount | None) -> str:
    if row is None:
        return console.NOTHING
    open_ones = row.action_count - row.success_count - row.failure_count
    parts = [(row.failure_count, "failed"), (open_ones, "not confirmed")]
    return ", ".join([f"{row.action_count:,}", *(f"{count:,} {words}" for count, words in parts if count)])


def _hours(account: Account) -> Chart:
    """At which hours of its day it acts."""
    found: dict[str, list[float | None]] = {}
    for row in HourlyActionCount.objects.filter(account=account):
        found.setdefault(row.action_type, [0] * 24)[row.action_hour] = row.action_count
    drawn = [
        Bars(str(ActionType(kind).label), color, values)
        for (kind, values), color in zip(found.items(), COLORS, strict=False)
    ]
    total = sum(value or 0 for values in found.values() for value in values)
    summary = f"{total:,.0f} in 30 days, by the hour of the account's day."
    return bars.draw("Actions by the hour", summary, [f"{hour}:00" for hour in range(24)], drawn)
