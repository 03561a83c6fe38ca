"""The jobs of the follow-ups: the edge between the engine and the rules."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from followups import analytics, cancelling, conf, execution, planning, retention
from followups.planning import FollowUpMessage
from jobs import figures, recurring
from jobs.registry import Attempt, handler

SWEEP = "quiet_member_sweep"
SWEEP_LIMIT = 10_000


@dataclass(frozen=True)
class QuietMemberSweep:
    """Payload of the sweep: nothing."""


# No `max_lateness` here: the engine counts from the scheduled time and would let a job expire that the policy has held
# for longer than that. The policy's gate `too_late` tells the two apart, and leaves a follow-up that says why.
@handler(planning.JOB_TYPE, FollowUpMessage)
def follow_up_message(attempt: Attempt[FollowUpMessage]) -> None:
    """Write one follow-up that is due."""
    execution.execute(attempt, now=timezone.now())


@handler(SWEEP, QuietMemberSweep)
def quiet_member_sweep(attempt: Attempt[QuietMemberSweep]) -> None:
    """Close what lost its job, then plan check-ins for the quiet members, in batches committed one by one."""
    cancelling.close_stranded(now=timezone.now())
    settings = conf.current()
    if not (settings.scheduler_enabled and settings.enabled):
        return
    while planning.plan_quiet_members(now=timezone.now(), limit=SWEEP_LIMIT) >= SWEEP_LIMIT:
        pass


recurring.register(
    "quiet-member-sweep",
    job_type=SWEEP,
    payload=QuietMemberSweep(),
    every=timedelta(minutes=5),
    describe="Plans check-ins for members who went quiet.",
)

figures.register("followups", analytics.of_day, keep=analytics.keep)
retention.register()
