"""The jobs of the check-backs."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs import outcomes, recurring
from jobs.errors import Snooze
from jobs.policies import Policy, Rate
from jobs.registry import Attempt, handler
from socialmedia import conf
from socialmedia.providers import budget
from socialmedia.tracking import checking, states, timetable
from socialmedia.tracking.checking import Outcome
from socialmedia.tracking.timetable import PostCheck

CHECK_BACK_PLAN = "check_back_plan"


@dataclass(frozen=True)
class CheckBackPlan:
    """Payload of making up for lost jobs: nothing."""


# What the provider does wrong is counted to the post, not to the job. No more checks start than it answers, and no more
# wait for it at once than start in a second: a provider that hangs leaves workers to the rest.
@handler(
    timetable.JOB_TYPE,
    PostCheck,
    policy=Policy(
        timeout=checking.lease(),
        concurrency=conf.provider().per_second,
        rate=Rate(conf.provider().per_second, timedelta(seconds=budget.MARGIN)),
        unique_key=timetable.key,
    ),
)
def post_check(attempt: Attempt[PostCheck]) -> None:
    """Check one post, and see to the job of its next check."""
    try:
        checked = checking.check(
            attempt.payload.post_id,
            settle=lambda: outcomes.complete([attempt], now=timezone.now()),
            now=timezone.now(),
        )
    except states.UnknownPost:
        return  # deleted since
    if checked.outcome == Outcome.BUSY:
        raise Snooze("Somebody else checks this post.", until=checked.post.checking_until or timezone.now())


@handler(CHECK_BACK_PLAN, CheckBackPlan)
def check_back_plan(attempt: Attempt[CheckBackPlan]) -> None:
    """Make up for jobs of check-backs that were lost."""
    timetable.make_up(now=timezone.now())


recurring.register(
    "check-back-plan",
    job_type=CHECK_BACK_PLAN,
    payload=CheckBackPlan(),
    every=timedelta(hours=1),
    describe="Gives every tracked post without a job one, and cancels those of posts that are not tracked any more.",
)
