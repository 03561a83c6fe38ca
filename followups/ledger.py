"""The ledger of decisions: why a follow-up was sent, held or dropped."""

from followups.models import PolicyDecision
from followups.policy import Decision

PLANNING, EXECUTION, RELAY = "planning", "execution", "relay"


def record(decision: Decision, *, user_id: str, trigger: str, asked_by: str, follow_up_id: str = "") -> PolicyDecision:
    """Write one answer of the policy into the ledger."""
    return PolicyDecision.objects.create(
        follow_up_id=follow_up_id,
        user_id=user_id,
        trigger_type=trigger,
        asked_by=asked_by,
        verdict=decision.verdict.value,
        gate="" if decision.gate is None else decision.gate.value,
        reason=decision.reason,
        held_until=decision.until,
        inputs=decision.inputs,
    )


def reason_for(decision: Decision) -> str:
    """The gate and its sentence, as short as a follow-up's `reason` must be."""
    gate = "" if decision.gate is None else f"{decision.gate.value}: "
    return f"{gate}{decision.reason}"[:255]
