"""The jobs of the follow-ups: the edge between the engine and the rules."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from followups import analytics, cancelling, conf, execution, planning, retention, rhythm, silence
from followups.planning import FollowUpMessage
from jobs import figures, recurring
from jobs.registry import Attempt, handler

SWEEP = "quiet_member_sweep"
RHYTHMS = "member_rhythms"
RHYTHM_BATCH = 500


@dataclass(frozen=True)
class QuietMemberSweep:
    """Payload of the sweep: nothing."""


@dataclass(frozen=True)
class MemberRhythms:
    """Payload of computing the rhythms: nothing."""


@handler(planning.JOB_TYPE, FollowUpMessage)
def follow_up_message(attempt: Attempt[FollowUpMessage]) -> None:
    """Write one follow-up that is due."""
    execution.execute(attempt, now=timezone.now())


@handler(SWEEP, QuietMemberSweep)
def quiet_member_sweep(attempt: Attempt[QuietMemberSweep]) -> None:
    """Close what lost its job, then plan for the quiet and the absent members, in batches committed one by one."""
    cancelling.close_stranded(now=timezone.now())
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

figures.register("followups", analytics.of_day, keep=analytics.keep)
retention.register()
