"""Bar charts in the console, drawn by the Chart.js that comes with unfold."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """What `admin/console/charts.html` draws. Without `data` there is nothing to draw, and `summary` says so."""

    title: str
    summary: str
    """The same in words: for who cannot see the chart, and because a small number beside a large one has no height."""
    data: str = ""
    options: str = ""
    kind: str = "bar"
    """Chart.js's type."""


@dataclass(frozen=True)
class Bars:
    """One figure, with a value for each label; None has no bar."""

    label: str
    color: str
    """A CSS variable of unfold's palette, or a color."""
    values: Sequence[float | None]


def draw(title: str, summary: str, labels: Sequence[str], bars: Sequence[Bars]) -> Chart:
    """Return the chart; without any value above 0 only its words."""
    if not any(value for figure in bars for value in figure.values):
        return Chart(title, summary)
    datasets = [
        {"label": figure.label, "data": list(figure.values), "backgroundColor": figure.color} for figure in bars
    ]
    return Chart(title, summary, json.dumps({"labels": list(labels), "datasets": datasets}), options())


def options(*, interaction: str = "index") -> str:
    """All of Chart.js's options: unfold's own hide the legend and the numbers, and what is given replaces them all."""
    muted = "#7a8596"  # readable on light and on dark; unfold sets the color of the grid for each
    ticks = {"color": muted, "precision": 0, "maxRotation": 0, "autoSkipPadding": 16}
    chosen: dict[str, Any] = {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "interaction": {"mode": interaction, "axis": "x", "intersect": False},
        "datasets": {"bar": {"borderRadius": 2, "maxBarThickness": 14}},
        "plugins": {"legend": {"align": "end", "labels": {"boxHeight": 8, "boxWidth": 8, "color": muted}}},
        "scales": {
            "x": {"grid": {"display": False}, "border": {"display": False}, "ticks": ticks},
            "y": {"beginAtZero": True, "grid": {"tickWidth": 0}, "border": {"display": False}, "ticks": ticks},
        },
    }
    return json.dumps(chosen)
