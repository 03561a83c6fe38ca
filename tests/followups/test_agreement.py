"""The sweeps (SQL), the audience (ORM) and the forecast (Python) say the same of who gets what, and when."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from followups import audience, silence, simulation
from followups.models import Absence, FollowUp, Rhythm, UserProfile
from followups.policy import Gate, Verdict
from socialmedia.models import ListeningGap
from tests.followups.factories import DAY, HOUR, NOON, SECOND, make_member, make_sent

pytestmark = pytest.mark.django_db

Planned = set[tuple[str, str]]
LEFT_OUT = {Gate.CONSENT, Gate.TOPIC, Gate.REACHABLE}
"""The forecast shows them as dropped; nothing is planned for them."""


def somebody(chance: random.Random) -> UserProfile:
    """A member who may have anything that the three ask about."""

    def maybe(share: float, value: Any, otherwise: Any = None) -> Any:
        return value if chance.random() < share else otherwise

    last = NOON - chance.choice([2, 3, 29, 30, 31, 33, 60, 75, 130]) * DAY - chance.randrange(-2, 3) * HOUR
    member = make_member(
        opted_in=chance.random() < 0.9,
        last_interaction=maybe(0.95, last),
        topics=chance.choice([["check_ins", "events", "re_engagement"]] * 4 + [["check_ins"], ["re_engagement"]]),
        paused_until=maybe(0.2, NOON + chance.choice([-1, 0, 1, 20]) * DAY),
        quiet_start=(hour := maybe(0.2, 11)),
        quiet_end=hour and 14,
        quiet_planned_for=maybe(0.3, last - chance.choice([0, 5]) * DAY),
        re_engagement_counts_from=maybe(0.3, NOON + chance.choice([-40, -30, -20, 10]) * DAY),
        re_engagements_unanswered=chance.choice([0, 0, 1, 2]),
        unreachable_since=maybe(0.05, NOON - DAY),
        left_at=maybe(0.05, NOON - DAY),
    )
    for start in chance.sample([-90, -40, -20, -3, 0, 2, 12], k=chance.choice([0, 0, 1, 2, 3])):
        starts_at = NOON + start * DAY
        Absence.objects.create(user=member, starts_at=starts_at, ends_at=starts_at + chance.choice([1, 4, 9]) * DAY)
    if chance.random() < 0.4 and member.last_interaction is not None:
        after = chance.choice([3, 10, 30, 45, 60]) * DAY
        Rhythm.objects.create(
            user=member, gaps=9, usual_low=DAY, usual_high=2 * DAY, rare=DAY, weekdays=[0.1] * 7, computed_at=NOON
        )
        UserProfile.objects.filter(pk=member.pk).update(quiet_after=after, quiet_due_at=last + after)
    if chance.random() < 0.1:
        trigger = chance.choice(["inactivity", "re_engagement", "custom"])
        FollowUp.objects.create(user=member, trigger_type=trigger, scheduled_at=NOON + DAY, dedupe_key=member.pk)
    if chance.random() < 0.2:
        make_sent(member, at=NOON - chance.choice([1, 3]) * DAY)
    return member


def community(seed: int) -> list[UserProfile]:
    chance = random.Random(seed)
    for start, length in chance.sample([(100, 3), (40, 5), (32, 1), (5, 1), (2, 0.5)], k=chance.choice([0, 1, 3])):
        ListeningGap.objects.create(began_at=NOON - start * DAY, ended_at=NOON - (start - length) * DAY)
    return [somebody(chance) for _ in range(60)]


def sweep(at: datetime) -> Planned:
    """Whom the sweeps plan for at this time."""
    before = set(FollowUp.objects.values_list("pk", flat=True))
    silence.plan_all(now=at)
    return set(FollowUp.objects.exclude(pk__in=before).values_list("user_id", "trigger_type"))


def foreseen(**options: Any) -> dict[tuple[str, str], simulation.Step]:
    """The first step of each silence's follow-up that is not planned yet."""
    pending = set(FollowUp.objects.filter(status="pending").values_list("user_id", flat=True))
    (found,) = simulation.simulate(now=NOON, most_steps=10**6, **options)
    first: dict[tuple[str, str], simulation.Step] = {}
    for step in found.steps:
        if step.trigger in audience.TRIGGERS and step.user_id not in pending and step.decision.gate not in LEFT_OUT:
            first.setdefault((step.user_id, step.trigger), step)
    return first


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by_rhythm", [True, False])
class TestSweepAudienceAndForecast:
    def test_agree_on_today(self, seed: int, by_rhythm: bool, settings: Any) -> None:
        settings.FOLLOW_UP_PERSONAL_RHYTHM = by_rhythm
        community(seed)
        reached = {
            (member.pk, trigger.value)
            for trigger in audience.TRIGGERS
            for member in audience.after(trigger, "not_paused", now=NOON)
        }
        today = {who for who, step in foreseen(days=1).items() if step.at == NOON}

        planned = sweep(NOON)

        assert len(planned) > 5
        assert reached == planned
        pending = set(FollowUp.objects.filter(scheduled_at=NOON + DAY).values_list("user_id", flat=True))
        assert today == {(who, trigger) for who, trigger in planned if who not in pending}

    def test_agree_on_the_day_to_come(self, seed: int, by_rhythm: bool, settings: Any) -> None:
        """To the second: planned then, and not a second before."""
        settings.FOLLOW_UP_PERSONAL_RHYTHM = by_rhythm
        community(seed)
        later: dict[str, simulation.Step] = {}
        for (user_id, _), step in foreseen(days=70).items():
            later.setdefault(user_id, step)
        later = {user_id: step for user_id, step in later.items() if step.at > NOON}
        assert len(later) > 3
        UserProfile.objects.exclude(pk__in=later).update(follow_ups_enabled=False)

        for at in sorted({step.at for step in later.values()}):
            assert sweep(at - SECOND) == set()
            assert sweep(at) == {(user_id, step.trigger) for user_id, step in later.items() if step.at == at}, at


class TestTheNextReEngagement:
    def test_of_one_who_is_held_out_waits_for_the_cool_off_and_there_is_no_third(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        for _ in range(12):
            make_member(last_interaction=NOON - 40 * DAY)

        (found,) = simulation.simulate(now=NOON, days=366)

        assert found.dropped["holdout"] > 0
        assert found.total + found.dropped["holdout"] == 24
        verdicts = {Verdict.SEND: timedelta(), Verdict.DROP: timedelta()}
        assert {step.at for step in found.steps if step.decision.verdict in verdicts} == {NOON, NOON + 90 * DAY}
