"""The charts on the console's first page: the last 30 days, from the daily figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs import bars, figures
from jobs.bars import Bars, Chart

DAYS = 30
EMPTY = "No day has been counted yet. The daily analytics job fills this in shortly after midnight UTC."


@dataclass(frozen=True)
class Line:
    """One figure of a chart."""

    figure: str
    label: str
    color: str
    """A CSS variable of unfold's palette, or a color."""


@dataclass(frozen=True)
class Subject:
    """What a chart is about."""

    title: str
    lines: tuple[Line, ...]
    sentence: str
    """With a place for the total of each line."""


JOBS = Subject(
    "Jobs in the last 30 days",
    (
        Line("jobs.executions", "Run", "var(--color-primary-500)"),
        Line("jobs.failures", "Failed", "var(--color-red-500)"),
    ),
    "{0:,} attempts of jobs ran, {1:,} of them failed.",
)
FOLLOW_UPS = Subject(
    "Follow-ups in the last 30 days",
    (
        Line("followups.sent", "Sent", "var(--color-primary-500)"),
        Line("followups.answered", "Answered", "var(--color-orange-500)"),
    ),
    "{0:,} follow-ups were sent, {1:,} were answered.",
)
POSTS = Subject(
    "Checks of posts in the last 30 days",
    (
        Line("posts.checks", "Measured", "var(--color-primary-500)"),
        Line("posts.checks_failed", "Failed", "var(--color-red-500)"),
    ),
    "{0:,} checks measured a post, {1:,} got no answer.",
)


def draw(subjects: Sequence[Subject], *, now: datetime) -> list[Chart]:
    """The charts of the last 30 days up to yesterday, from one query."""
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    names = [line.figure for subject in subjects for line in subject.lines]
    found = figures.series(names, since=days[0]) if names else {}
    return [_chart(subject, days, found) for subject in subjects]


def _chart(subject: Subject, days: Sequence[date], found: Mapping[str, Mapping[date, float]]) -> Chart:
    # A day that nobody counted has no bar, not a 0.
    values = [[found[line.figure].get(day) for day in days] for line in subject.lines]
    if all(value is None for line in values for value in line):
        return Chart(subject.title, EMPTY)
    totals = [int(sum(value or 0 for value in line)) for line in values]
    summary = subject.sentence.format(*totals)
    drawn = [Bars(line.label, line.color, data) for line, data in zip(subject.lines, values, strict=True)]
    return bars.draw(subject.title, summary, [_short(day) for day in days], drawn)


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
