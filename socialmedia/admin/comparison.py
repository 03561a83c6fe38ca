"""The console's page that lays posts, or accounts, beside each other at the same ages."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from jobs import console
from jobs.bars import Chart
from socialmedia.admin import drawing
from socialmedia.admin.post_forms import USUAL_DAYS, CompareForm
from socialmedia.admin.words import shortened
from socialmedia.metrics import comparing
from socialmedia.metrics.comparing import AccountFigures, Compared
from socialmedia.metrics.curves import Kind, Point
from socialmedia.providers.base import Metric

NAME = "socialmedia_post_compare"
NOTHING_CHOSEN = "Nothing is chosen yet: choose posts in their list, or give handles."


def address(page: console.ConsoleAdmin) -> URLPattern:
    """Return the page's address among an admin's own."""
    return path("compare/", page.admin_site.admin_view(partial(show, page)), name=NAME)


def show(page: console.ConsoleAdmin, request: HttpRequest) -> HttpResponse:
    """Show the comparison. A GET, because it changes nothing: the address can be kept and shared."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    initial = {"days": USUAL_DAYS}
    form = CompareForm({**initial, **request.GET.dict()} if request.GET else None, initial=initial)
    context = {
        **page.admin_site.each_context(request),
        "title": "Compare posts",
        "form": form,
        **(_shown(form.cleaned_data) if form.is_valid() else {}),
    }
    return TemplateResponse(request, "admin/console/forecast.html", context)


def _shown(asked: Mapping[str, Any]) -> dict[str, Any]:
    charts, panels = [], []
    metric: Metric = asked["metric"]
    if asked["posts"]:
        rows = comparing.posts(asked["posts"], metric=metric, base=asked["base"] or None)
        charts.append(_chart(f"{metric.capitalize()} of posts", _names(rows), [row.points for row in rows]))
        panels.append(_posts(rows, metric))
    if asked["accounts"]:
        within = timedelta(days=asked["days"])
        found = comparing.accounts(asked["accounts"], metric=metric, within=within, now=timezone.now())
        names = [f"@{row.account.username}" for row in found]
        charts.append(_chart(f"Usual {metric} of an account's posts", names, [row.usual for row in found]))
        panels.append(_accounts(found, metric, asked["days"]))
    return {"charts": charts, "panels": panels} if panels else {"problem": NOTHING_CHOSEN}


def _names(rows: Sequence[Compared]) -> list[str]:
    """What the curves are called: one account may have several."""
    return [f"@{row.post.account.username} {row.post.pk}" for row in rows]


def _chart(title: str, names: Sequence[str], drawn: Sequence[Sequence[Point]]) -> Chart:
    curves = [(name, points) for name, points in zip(names, drawn, strict=True) if points]
    ages = [point.hours for point in curves[0][1]] if curves else []
    summary = "At the same ages. Dashed: estimated between two looks."
    return drawing.lines(title, summary if curves else "Nothing is known of them.", ages, curves)


def _posts(rows: Sequence[Compared], metric: Metric) -> console.Panel:
    ages = next((row.points for row in rows if row.points), ())
    return console.Panel(
        f"{metric.capitalize()} at the same ages",
        ["Post", "Words", "Engagement", *(drawing.age_words(point.hours) for point in ages)],
        [
            (
                console.link(row.post, name),
                shortened(row.post.caption, 40) or console.NOTHING,
                _percent(row.engagement),
                *([_value(point) for point in row.points] or [console.NOTHING] * len(ages)),
            )
            for row, name in zip(rows, _names(rows), strict=True)
        ],
        empty="There are no posts with these ids.",
        is_grid=True,
    )


def _accounts(rows: Sequence[AccountFigures], metric: Metric, days: int) -> console.Panel:
    return console.Panel(
        f"Posts of the last {days} days",
        [
            *("Account", "Posts", "Views per post", "Engagement"),
            *(f"{metric.capitalize()} at {drawing.age_words(age)}" for age in comparing.USUAL_AGES),
        ],
        [
            (
                console.link(row.account, f"@{row.account.username}"),
                f"{row.posts:,}",
                console.NOTHING if row.views_per_post is None else f"{row.views_per_post:,.0f}",
                _percent(row.engagement),
                *(_value(point) for point in row.usual),
            )
            for row in rows
        ],
        footer=f"Those put under tracking last, {comparing.MOST_PER_ACCOUNT} at most. Engagement and the values at an "
        "age are medians; at each age, of those that were measured then.",
        is_grid=True,
    )


def _percent(rate: float | None) -> str:
    return console.NOTHING if rate is None else f"{rate:.2f} %"


def _value(point: Point) -> str:
    if point.value is None:
        return console.NOTHING
    return f"≈ {point.value:,}" if point.kind is Kind.INTERPOLATED else f"{point.value:,}"
