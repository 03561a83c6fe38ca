"""How many follow-ups were answered, and how fast: over a span, as a whole and by what they have in common."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet

from followups import conf, harm
from followups.analytics import words
from followups.analytics.intervals import Share
from followups.models import FollowUpHistory, RelationshipLevel, Trigger
from jobs.figures import Span

LONGEST = timedelta(days=400)
MOST_GROUPS = 100
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NOT_KNOWN = "Not known"


class BadSpan(ValueError):
    """There are no figures of this span to be had; the message says why."""


class By(StrEnum):
    """What groups have in common."""

    TRIGGER = "trigger"
    TEMPLATE = "template"
    VARIANT = "variant"
    LEVEL = "level"
    EMOTION = "emotion"
    LOCALE = "locale"
    COMPOSED_BY = "composed_by"
    HOUR = "hour"
    WEEKDAY = "weekday"
    MEMBER = "member"


@dataclass(frozen=True)
class Quartiles:
    """A quarter of the answers came sooner than `low`, half sooner than `median`, three quarters sooner than `high`."""

    low: timedelta
    median: timedelta
    high: timedelta


@dataclass(frozen=True)
class Rate:
    """What came of the follow-ups of one group. Shares and times are of those that are old enough to judge."""

    group: tuple[str, ...]
    """What they have in common; empty for all. An empty text: not known."""
    label: str
    sent: int
    answered: Share
    reacted: Share
    returned: Share
    harmed: Share
    young: int
    """Sent so lately that answers may still come."""
    young_answered: int
    average: timedelta | None
    """From sending to the answer."""
    quartiles: Quartiles | None

    @property
    def key(self) -> str:
        """The group in one word."""
        return "/".join(self.group)

    @property
    def in_words(self) -> str:
        """The share of answers in a sentence."""
        return words.answers(self.answered, young=self.young, young_answered=self.young_answered)


class _Quartiles(Aggregate):
    """PostgreSQL finds them; the times of answers may be millions."""

    name = "quartiles"
    template = "percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(DurationField())


_COLUMNS: Mapping[By, tuple[str, ...]] = {
    By.TRIGGER: ("trigger_type",),
    By.TEMPLATE: ("template_key",),
    By.VARIANT: ("template_key", "variant"),
    By.LEVEL: ("relationship_level",),
    By.EMOTION: ("emotion",),
    By.LOCALE: ("locale",),
    By.COMPOSED_BY: ("composed_by",),
    By.HOUR: ("local_hour",),
    By.WEEKDAY: ("local_weekday",),
    By.MEMBER: ("user_id", "user__name"),
}
_BY_ITSELF = {By.HOUR, By.WEEKDAY, By.LEVEL}
"""Groups with an order of their own; others come by their size."""


def span(since: datetime, until: datetime) -> Span:
    """Return the span. Raises BadSpan when it is empty or longer than LONGEST."""
    if since >= until:
        raise BadSpan("`since` must be before `until`.")
    if until - since > LONGEST:
        raise BadSpan(f"Ask for at most {LONGEST.days} days at once.")
    return Span(since, until)


def ripe_before(*, now: datetime) -> datetime:
    """Follow-ups sent before this time are old enough to judge: the window for answers, and for harm, is over."""
    return now - max(conf.current().response_window, harm.WITHIN)


def overall(over: Span, *, user_id: str = "", now: datetime) -> Rate:
    """Judge all follow-ups of a span, or those to one member, in one query by idx_follow_up_time (or _user_time)."""
    return _rate((), "All", _rows(over, user_id).aggregate(**_figures(ripe_before(now=now))))


def grouped(over: Span, by: By, *, user_id: str = "", trigger: str = "", now: datetime) -> list[Rate]:
    """Judge the follow-ups of a span by group, the largest (or the earliest hour) first, in one query.

    At most MOST_GROUPS. Times are the member's own: `local_hour` was written down when the follow-up was sent.
    """
    columns = _COLUMNS[by]
    rows = _rows(over, user_id, trigger).order_by().values(*columns).annotate(**_figures(ripe_before(now=now)))
    order = columns if by in _BY_ITSELF else ("-sent", *columns)
    return [_group_of(by, row) for row in rows.order_by(*order)[:MOST_GROUPS]]


def of_variants(over: Span, *, now: datetime) -> list[Rate]:
    """Judge each variant of each text by itself, in one query: by key, language, level, mood, account and variant.

    There are as many as texts in use, so nothing is cut off. What staff or a model wrote has no variant.
    """
    rows = _rows(over, "").exclude(template_key="").exclude(variant="").order_by()
    columns = ("template_key", "locale", "template__level", "template__emotion", "template__account", "variant")
    found = rows.values(*columns).annotate(**_figures(ripe_before(now=now)))
    return [_rate(_place_of(row, columns), row["template_key"], row) for row in found]


def nothing(trigger: str) -> Rate:
    """The figures of a trigger of which nothing was sent."""
    zero = Share(0, 0)
    return Rate((trigger,), _LABELS[By.TRIGGER]([trigger]), 0, zero, zero, zero, zero, 0, 0, None, None)


def _rows(over: Span, user_id: str, trigger: str = "") -> QuerySet[FollowUpHistory]:
    rows = FollowUpHistory.objects.filter(sent_at__gte=over.since, sent_at__lt=over.until)
    only = {name: value for name, value in (("user_id", user_id), ("trigger_type", trigger)) if value}
    return rows.filter(**only)


def _figures(ripe: datetime) -> dict[str, Aggregate]:
    is_ripe, answered = Q(sent_at__lt=ripe), Q(response_received=True)
    time = ExpressionWrapper(F("response_time") - F("sent_at"), output_field=DurationField())
    return {
        "sent": Count("pk"),
        "ripe": Count("pk", filter=is_ripe),
        "answered": Count("pk", filter=is_ripe & answered),
        "young_answered": Count("pk", filter=~is_ripe & answered),
        "reacted": Count("pk", filter=is_ripe & Q(reacted_at__isnull=False)),
        "returned": Count("pk", filter=is_ripe & Q(returned_at__isnull=False)),
        "harmed": Count("pk", filter=is_ripe & ~Q(harm="")),
        "average": Avg(time, filter=is_ripe & answered),
        "quartiles": _Quartiles(time, filter=is_ripe & answered),
    }


def _group_of(by: By, row: Mapping[str, Any]) -> Rate:
    values = ["" if row[column] is None else str(row[column]) for column in _COLUMNS[by]]
    if by is By.MEMBER:
        return _rate((values[0],), values[1] or values[0], row)
    if not any(values):
        return _rate(tuple(values), NOT_KNOWN, row)
    label = _LABELS.get(by, " ".join)(values)
    return _rate(tuple(values), label, row)


def _rate(group: tuple[str, ...], label: str, row: Mapping[str, Any]) -> Rate:
    def share(name: str) -> Share:
        return Share(row[name], row["ripe"])

    return Rate(
        group=group,
        label=label,
        sent=row["sent"],
        answered=share("answered"),
        reacted=share("reacted"),
        returned=share("returned"),
        harmed=share("harmed"),
        young=row["sent"] - row["ripe"],
        young_answered=row["young_answered"],
        average=row["average"],
        quartiles=Quartiles(*row["quartiles"]) if row["quartiles"] else None,
    )


def _place_of(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[str, ...]:
    """The values of a text's place in words."""
    words_of: Mapping[str, Callable[[Any], str]] = {
        "template__level": lambda level: str(RelationshipLevel(level).label),
        "template__emotion": "mood {}".format,
        "template__account": "account {}".format,
    }
    return tuple("" if not row[column] else words_of.get(column, str)(row[column]) for column in columns)


def _named(names: Iterable[tuple[Any, str]]) -> Callable[[Iterable[str]], str]:
    known = {str(value): str(name) for value, name in names}
    return lambda values: " ".join(known.get(value, value) for value in values)


_LABELS: Mapping[By, Callable[[Iterable[str]], str]] = {
    By.TRIGGER: _named(Trigger.choices),
    By.LEVEL: _named(RelationshipLevel.choices),
    By.HOUR: _named((hour, f"{hour:02}:00") for hour in range(24)),
    By.WEEKDAY: _named(enumerate(WEEKDAYS)),
    By.VARIANT: lambda values: ", variant ".join(filter(None, values)),
    By.COMPOSED_BY: _named([("template", "Template"), ("llm", "Language model"), ("staff", "Staff")]),
}
