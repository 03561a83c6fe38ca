"""All figures over random histories, against a slow and plain count in Python: rows from before the new columns, rows
on the very edges of span and windows, several rows of one member, groups of every kind.
"""

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

import pytest

from followups import campaigns
from followups.analytics import experiments, guard, rates
from followups.analytics.rates import By
from followups.models import Campaign, FollowUpHistory, Holdout
from jobs.figures import Span
from socialmedia.models import MessageTemplate
from tests.followups.analytics.factories import make_holdouts, make_text
from tests.followups.factories import DAY, HOUR, NOON, SECOND, make_member

pytestmark = pytest.mark.django_db

WEEK = 7 * DAY
"""The window for answers, as the settings have it."""
OVER = Span(NOON - 40 * DAY, NOON)
EDGES = [NOON, NOON - WEEK, NOON - DAY, NOON - 30 * DAY, NOON - 40 * DAY]
KINDS = ["inactivity", "re_engagement", "post_event", ""]


def some_time(chance: random.Random) -> datetime:
    """Anywhere in 45 days, now and then on an edge or a second beside it."""
    if chance.random() < 0.2:
        return chance.choice(EDGES) + chance.choice([-SECOND, timedelta(), SECOND])
    return NOON - chance.random() * 45 * DAY


def make_rows(chance: random.Random, texts: list[MessageTemplate]) -> list[FollowUpHistory]:
    members = [make_member(opted_in=False, name=f"Member {number}") for number in range(6)]
    rows = []
    for _ in range(1500):
        at, is_answered = some_time(chance), chance.random() < 0.4
        is_harmed = chance.random() < chance.choice([0.02, 0.3])
        row = FollowUpHistory(
            user=chance.choice(members),
            message_sent="Hi!",
            sent_at=at,
            response_received=is_answered,
            response_time=at + chance.random() * WEEK if is_answered else None,
            reacted_at=at + HOUR if chance.random() < 0.2 else None,
            returned_at=at + HOUR if chance.random() < 0.5 else None,
            harm=chance.choice(["opt_out", "left", "block"]) if is_harmed else "",
            harm_at=at + HOUR if is_harmed else None,
        )
        if chance.random() < 0.85:  # the others are from before there were such columns
            text = chance.choice([*texts, None])
            row.trigger_type = chance.choice(KINDS)
            row.template, row.template_key = text, text.key if text else "custom"
            row.variant, row.locale = (text.variant, text.locale) if text else ("", "en")
            row.composed_by = "template" if text else chance.choice(["staff", "llm"])
            row.relationship_level = chance.choice([1, 2, 3, 4, None])
            row.emotion = chance.choice(["", "low", "high"])
            row.local_hour, row.local_weekday = chance.choice([None, 0, 9, 23]), chance.choice([None, 0, 6])
        rows.append(row)
    return FollowUpHistory.objects.bulk_create(rows)


def quartile(times: list[timedelta], share: float) -> timedelta:
    """As PostgreSQL's percentile_cont: between the two nearest."""
    ordered, place = sorted(times), (len(times) - 1) * share
    low = ordered[int(place)]
    return low + (ordered[min(int(place) + 1, len(ordered) - 1)] - low) * (place - int(place))


def counted(rows: Iterable[FollowUpHistory]) -> dict[str, Any]:
    rows = list(rows)
    ripe = [row for row in rows if row.sent_at < NOON - WEEK]
    times = [row.response_time - row.sent_at for row in ripe if row.response_received and row.response_time]
    return {
        "sent": len(rows),
        "ripe": len(ripe),
        "answered": len(times),
        "young_answered": sum(row.response_received for row in rows) - len(times),
        "reacted": sum(row.reacted_at is not None for row in ripe),
        "returned": sum(row.returned_at is not None for row in ripe),
        "harmed": sum(row.harm != "" for row in ripe),
        "average": fmean(time.total_seconds() for time in times) if times else None,
        "quartiles": [quartile(times, share).total_seconds() for share in (0.25, 0.5, 0.75)] if times else None,
    }


def told(rate: rates.Rate) -> dict[str, Any]:
    assert {share.of for share in (rate.answered, rate.reacted, rate.returned, rate.harmed)} == {rate.sent - rate.young}
    spread = rate.quartiles
    return {
        "sent": rate.sent,
        "ripe": rate.answered.of,
        "answered": rate.answered.hits,
        "young_answered": rate.young_answered,
        "reacted": rate.reacted.hits,
        "returned": rate.returned.hits,
        "harmed": rate.harmed.hits,
        "average": rate.average.total_seconds() if rate.average is not None else None,
        "quartiles": [part.total_seconds() for part in (spread.low, spread.median, spread.high)] if spread else None,
    }


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(value, abs=0.001)), name


def grouped(rows: Iterable[FollowUpHistory], key: Callable[[FollowUpHistory], Any]) -> dict[Any, list[FollowUpHistory]]:
    groups: dict[Any, list[FollowUpHistory]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


COLUMNS: dict[By, Callable[[FollowUpHistory], tuple[Any, ...]]] = {
    By.TRIGGER: lambda row: (row.trigger_type,),
    By.TEMPLATE: lambda row: (row.template_key,),
    By.VARIANT: lambda row: (row.template_key, row.variant),
    By.LEVEL: lambda row: (row.relationship_level,),
    By.EMOTION: lambda row: (row.emotion,),
    By.LOCALE: lambda row: (row.locale,),
    By.COMPOSED_BY: lambda row: (row.composed_by,),
    By.HOUR: lambda row: (row.local_hour,),
    By.WEEKDAY: lambda row: (row.local_weekday,),
    By.MEMBER: lambda row: (row.user_id,),
}


@pytest.mark.parametrize("seed", range(5))
def test_all_figures_are_those_of_a_plain_count(seed: int) -> None:
    chance = random.Random(seed)
    texts = [
        make_text(key=key, locale=locale, variant=variant, updated_at=NOON - chance.choice([90, 20]) * DAY)
        for key in ("quiet", "again")
        for locale in ("en", "de")
        for variant in ("a", "b")
    ]
    rows = make_rows(chance, texts)
    for number in range(40):
        make_holdouts(
            make_member(opted_in=False),
            1,
            returned=number % 3 == 0,
            at=some_time(chance),
            trigger=chance.choice(KINDS[:2]),
        )
    Campaign.objects.create(pk="inactivity", judged_from=NOON - 12 * DAY)
    span = [row for row in rows if OVER.since <= row.sent_at < OVER.until]

    same(told(rates.overall(OVER, now=NOON)), counted(span))
    for by, key in COLUMNS.items():
        groups = {
            tuple("" if part is None else str(part) for part in group): members
            for group, members in grouped(span, key).items()
        }
        found = {rate.group: rate for rate in rates.grouped(OVER, by, now=NOON)}
        assert found.keys() == groups.keys()
        for group, members in groups.items():
            same(told(found[group]), counted(members))

    check_variants(span)
    check_lifts(span)
    check_guard(rows, texts)


def check_variants(span: list[FollowUpHistory]) -> None:
    places = grouped((row for row in span if row.variant), lambda row: (row.template_key, row.locale, row.variant))
    found = {
        (contest.template_key, contest.place, rate.group[-1]): rate
        for contest in experiments.contests(OVER, now=NOON)
        for rate in contest.variants
    }
    assert found.keys() == places.keys()
    for place, members in places.items():
        same(told(found[place]), counted(members))


def check_lifts(span: list[FollowUpHistory]) -> None:
    for lift in experiments.lifts(OVER, now=NOON):
        held = [
            one for one in Holdout.objects.filter(trigger_type=lift.trigger) if OVER.since <= one.held_at < NOON - WEEK
        ]
        assert (lift.held_out.hits, lift.held_out.of) == (sum(one.returned_at is not None for one in held), len(held))
        first = min(one.held_at for one in held)
        contacted = [row for row in span if row.trigger_type == lift.trigger and first <= row.sent_at < NOON - WEEK]
        returned = sum(row.returned_at is not None for row in contacted)
        assert (lift.contacted.hits, lift.contacted.of) == (returned, len(contacted))


def check_guard(rows: list[FollowUpHistory], texts: list[MessageTemplate]) -> None:
    judged = [row for row in rows if NOON - 30 * DAY <= row.sent_at < NOON - DAY]

    def share(some: Iterable[FollowUpHistory]) -> guard.Share:
        some = list(some)
        return guard.Share(sum(row.harm != "" for row in some), len(some))

    harmful = [
        text.pk
        for text in texts
        if guard.does_harm(share(row for row in judged if row.template_id == text.pk and row.sent_at > text.updated_at))
    ]
    bad = [
        campaign.pk
        for campaign in campaigns.current()
        if guard.does_harm(
            share(
                row
                for row in judged
                if row.trigger_type == campaign.pk
                and (campaign.judged_from is None or row.sent_at >= campaign.judged_from)
            )
        )
    ]
    paused = guard.look(now=NOON)
    assert (sorted(paused.templates), sorted(paused.campaigns)) == (sorted(harmful), sorted(bad))
    assert harmful or bad, "or the histories are too tame to prove anything"
    assert guard.look(now=NOON) == guard.Paused((), ())
