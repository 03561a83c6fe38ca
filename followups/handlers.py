"""The jobs of the follow-ups: the edge between the engine and the rules."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import structlog
from django.utils import timezone

from followups import (
    analytics,
    birthdays,
    cancelling,
    conf,
    execution,
    planning,
    readings,
    retention,
    rhythm,
    second_reading,
    silence,
    triggers,
)
from followups.analytics import guard
from followups.llm import client, drafting
from followups.models import Campaign, Trigger
from followups.planning import FollowUpMessage
from followups.readings import ReadEmotion
from jobs import figures, recurring
from jobs.registry import Attempt, handler

log = structlog.get_logger(__name__)

SWEEP = "quiet_member_sweep"
MOST_GREETINGS = 10_000
BIRTHDAYS = "birthday_sweep"
HARM_GUARD = "harm_guard"
RHYTHMS = "member_rhythms"
RHYTHM_BATCH = 500


@dataclass(frozen=True)
class QuietMemberSweep:
    """Payload of the sweep: nothing."""


@dataclass(frozen=True)
class BirthdaySweep:
    """Payload of the look at today's birthdays: nothing."""


@dataclass(frozen=True)
class HarmGuard:
    """Payload of the guard against harm: nothing."""


@dataclass(frozen=True)
class MemberRhythms:
    """Payload of computing the rhythms: nothing."""


# No `max_lateness` here: the engine counts from the scheduled time and would let a job expire that the policy has held
# for longer than that. The policy's gate `too_late` tells the two apart, and leaves a follow-up that says why.
@handler(planning.JOB_TYPE, FollowUpMessage)
def follow_up_message(attempt: Attempt[FollowUpMessage]) -> None:
    """Write one follow-up that is due."""
    execution.execute(attempt, now=timezone.now())


@handler(readings.JOB_TYPE, ReadEmotion)
def read_emotion(attempt: Attempt[ReadEmotion]) -> None:
    """Ask the language model how a message sounds. Where it can't say, the word list's reading stays."""
    llm = conf.current().llm
    if llm.mode == "off":
        return
    try:
        second_reading.read_again(
            attempt.payload.message_id, ask=client.ask, model=llm.model or "llm", now=timezone.now()
        )
    except client.LlmUnavailable as error:
        log.info("emotion.model_unavailable", message_id=attempt.payload.message_id, error=type(error).__name__)


@handler(SWEEP, QuietMemberSweep)
def quiet_member_sweep(attempt: Attempt[QuietMemberSweep]) -> None:
    """Close what lost its job, then plan for the quiet and the absent members, in batches committed one by one."""
    cancelling.close_stranded(now=timezone.now())
    drafting.close_pointless()
    settings = conf.current()
    if not (settings.scheduler_enabled and settings.enabled):
        return
    while silence.plan_all(now=timezone.now()):
        pass


@handler(RHYTHMS, MemberRhythms)
def member_rhythms(attempt: Attempt[MemberRhythms]) -> None:
    """Compute the rhythms of those who have written since, in batches committed one by one."""
    while rhythm.compute(now=timezone.now(), limit=RHYTHM_BATCH) >= RHYTHM_BATCH:
        pass


@handler(BIRTHDAYS, BirthdaySweep)
def birthday_sweep(attempt: Attempt[BirthdaySweep]) -> None:
    """Plan the greetings for those whose birthday it is on their own clock, one by one; of very many the rest in an
    hour.
    """
    settings, now = conf.current(), timezone.now()
    if not (settings.scheduler_enabled and settings.enabled) or settings.max_per_week == 0:
        return
    if Campaign.objects.filter(trigger_type=Trigger.BIRTHDAY, paused_at__isnull=False).exists():
        return
    for user_id in islice(birthdays.of_today(now=now), MOST_GREETINGS):
        try:
            triggers.schedule_birthday_greeting(user_id, now=now)
        except triggers.CannotPlan as error:  # changed since, or too much is pending: the others get theirs
            log.info("birthday.not_planned", user_id=user_id, reason=type(error).__name__)


@handler(HARM_GUARD, HarmGuard)
def harm_guard(attempt: Attempt[HarmGuard]) -> None:
    """Pause the texts and campaigns that drive members away."""
    guard.look(now=timezone.now())


recurring.register(
    "quiet-member-sweep",
    job_type=SWEEP,
    payload=QuietMemberSweep(),
    every=timedelta(minutes=5),
    describe="Plans check-ins for members who went quiet, and re-engagements for those who are away for long.",
)
recurring.register(
    "member-rhythms",
    job_type=RHYTHMS,
    payload=MemberRhythms(),
    every=timedelta(hours=1),
    describe="Learns how members usually come and go.",
)

recurring.register(
    "birthday-sweep",
    job_type=BIRTHDAYS,
    payload=BirthdaySweep(),
    every=timedelta(hours=1),
    describe="Plans greetings for today's birthdays.",
)

recurring.register(
    "harm-guard",
    job_type=HARM_GUARD,
    payload=HarmGuard(),
    every=timedelta(hours=1),
    describe="Pauses the texts and campaigns that drive members away.",
)

figures.register("followups", analytics.of_day, keep=analytics.keep)
retention.register()
