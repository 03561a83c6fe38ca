"""Why does, or doesn't, this member get a message? The policy's answer now, what is planned, and what was decided."""

from dataclasses import dataclass
from datetime import datetime

from followups import consent, facts, policy
from followups.models import ConsentReceipt, FollowUp, FollowUpStatus, PolicyDecision, Trigger, UserProfile
from followups.policy import Decision

SHOWN = 20


@dataclass(frozen=True)
class Explanation:
    """Everything that answers the question."""

    profile: UserProfile
    receipt: ConsentReceipt | None
    """The newest one: what the member said last."""
    answers: dict[str, Decision]
    """What the policy says of each trigger now."""
    planned: list[FollowUp]
    """Pending ones, the next one first."""
    decisions: list[PolicyDecision]
    """The newest ones of the ledger, newest first."""


def explain(user_id: str, *, now: datetime) -> Explanation:
    """Collect what answers the question; nothing is recorded.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
    """
    profile = UserProfile.objects.get(pk=user_id)
    pending = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING)
    return Explanation(
        profile=profile,
        receipt=consent.current(user_id),
        answers={
            trigger: policy.decide(facts.gather(user_id, trigger, now=now), now=now) for trigger in Trigger.values
        },
        planned=list(pending.order_by("scheduled_at")[:SHOWN]),
        decisions=list(PolicyDecision.objects.filter(user_id=user_id).order_by("-id")[:SHOWN]),
    )
