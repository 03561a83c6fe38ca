"""Curves drawn: small ones in a list's row, and charts on a page. What nobody knows is never joined."""

import json
from collections.abc import Sequence
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobs import bars, console
from jobs.bars import Chart
from socialmedia.metrics.curves import Kind, Point

COLORS = ("var(--color-primary-500)", "var(--color-orange-500)", "#3b82f6", "#ef4444", "#a855f7", "#ca8a04")
MUTED = "#7a8596"
"""Readable on light and on dark."""
DAY_HOURS = 24
WIDTH, HEIGHT, EDGE = 96, 24, 2


def age_words(hours: float) -> str:
    """Say an age shortly: Start, 6 h, 7 d."""
    if hours == 0:
        return "Start"
    days = hours / DAY_HOURS
    return f"{days:g} d" if days > 1 and days.is_integer() else f"{hours:g} h"


def sparkline(values: Sequence[int | None], *, what: str) -> SafeString | str:
    """A row's small curve; what is not known is left open. Screen readers get the numbers."""
    if sum(value is not None for value in values) < 2:
        return console.NOTHING
    spots = _spots(values)
    lines = [line for line in _runs(spots) if line]
    words = ", ".join("not known" if value is None else f"{value:,}" for value in values)
    return format_html(
        '<svg class="console-spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}: {}">{}</svg>',
        *(WIDTH, HEIGHT, WIDTH, HEIGHT, what, words),
        format_html_join("", '<polyline points="{}"/><circle cx="{}" cy="{}" r="1.6"/>', map(_shape, lines)),
    )


def lines(title: str, summary: str, ages: Sequence[float], series: Sequence[tuple[str, Sequence[Point]]]) -> Chart:
    """A chart of curves at the same ages; without any value only its words."""
    labels = [age_words(hours) for hours in ages]
    if not any(point.value is not None for _, points in series for point in points):
        return Chart(title, summary)
    datasets = [
        dataset
        for place, (name, points) in enumerate(series)
        for dataset in _datasets(name, labels, points, COLORS[place % len(COLORS)])
    ]
    return _chart(title, summary, labels, datasets)


def beside_usual(
    title: str, summary: str, ages: Sequence[float], points: Sequence[Point], usual: tuple[str, Sequence[Point]]
) -> Chart:
    """One curve, and what is usual in gray."""
    labels = [age_words(hours) for hours in ages]
    name, others = usual
    if not any(point.value is not None for point in (*points, *others)):
        return Chart(title, summary)
    datasets = _datasets(title, labels, points, COLORS[0])
    if any(point.value is not None for point in others):
        data = [{"x": label, "y": point.value} for label, point in zip(labels, others, strict=True)]
        datasets.append({**_style(name, MUTED), "data": data, "borderWidth": 1.5, "pointRadius": 0})
    return _chart(title, summary, labels, datasets)


def _chart(title: str, summary: str, labels: Sequence[str], datasets: Sequence[dict[str, object]]) -> Chart:
    data = json.dumps({"labels": list(labels), "datasets": list(datasets)})
    return Chart(title, summary, data, bars.options(interaction="nearest"), kind="line")


def _datasets(name: str, labels: Sequence[str], points: Sequence[Point], color: str) -> list[dict[str, object]]:
    """A curve's lines: drawn through where checks were made, dashed over what lies between them."""
    drawn = [{**_style(name, color), "data": _through(labels, points, dashed=False), "pointRadius": 3}]
    dashed = _through(labels, points, dashed=True)
    if any(spot["y"] is not None for spot in dashed):
        style = {**_style(f"{name}, estimated", color), "backgroundColor": "transparent", "borderDash": [4, 4]}
        drawn.append({**style, "data": dashed, "pointRadius": 2})
    return drawn


def _style(name: str, color: str) -> dict[str, object]:
    return {"label": name, "borderColor": color, "backgroundColor": color, "borderWidth": 2, "spanGaps": False}


def _through(labels: Sequence[str], points: Sequence[Point], *, dashed: bool) -> list[dict[str, object]]:
    """The spots of one kind of line. An empty one ends a stretch, so that the next is not joined to it."""
    spots: list[dict[str, object]] = []
    if points and not dashed and points[0].kind is Kind.MEASURED:
        spots.append({"x": labels[0], "y": points[0].value})
    for (before_label, before), (label, point) in pairwise(zip(labels, points, strict=True)):
        is_joined = before.value is not None and point.value is not None
        is_dashed = point.missed or Kind.INTERPOLATED in {before.kind, point.kind}
        if is_joined and is_dashed is dashed:
            start: dict[str, object] = {"x": before_label, "y": before.value}
            spots += [start] * (spots[-1:] != [start])
        else:
            spots.append({"x": before_label, "y": None})
        if (is_joined and is_dashed is dashed) or (not dashed and point.kind is Kind.MEASURED):
            spots.append({"x": label, "y": point.value})
    return spots


def _spots(values: Sequence[int | None]) -> list[tuple[float, float] | None]:
    """Where the values lie in the picture, one beside the other."""
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)

    def height(value: int) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE), 1)

    return [
        None if value is None else (round(EDGE + place * step, 1), height(value)) for place, value in enumerate(values)
    ]


def _runs(spots: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for spot in spots:
        if spot is None:
            runs.append([])
        else:
            runs[-1].append(spot)
    return runs


def _shape(run: Sequence[tuple[float, float]]) -> tuple[str, float, float]:
    """A stretch's line, and its last spot."""
    return " ".join(f"{x},{y}" for x, y in run), *run[-1]
