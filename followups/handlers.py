"""The jobs of the follow-ups: the edge between the engine and the rules."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from followups import analytics, cancelling, conf, execution, planning, retention
from followups.llm import drafting
from followups.planning import FollowUpMessage
from jobs import figures, recurring
from jobs.registry import Attempt, handler

SWEEP = "quiet_member_sweep"
SWEEP_LIMIT = 10_000


@dataclass(frozen=True)
class QuietMemberSweep:
    """Payload of the sweep: nothing."""


@handler(planning.JOB_TYPE, FollowUpMessage)
def follow_up_message(attempt: Attempt[FollowUpMessage]) -> None:
    """Write one follow-up that is due."""
    execution.execute(attempt, now=timezone.now())


@handler(SWEEP, QuietMemberSweep)
def quiet_member_sweep(attempt: Attempt[QuietMemberSweep]) -> None:
    """Close what lost its job, then plan check-ins for the quiet members, in batches committed one by one."""
    cancelling.close_stranded(now=timezone.now())
    drafting.close_pointless()
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
