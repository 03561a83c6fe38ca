"""The ledger of decisions: why a follow-up was sent, held or dropped."""

from followups.models import PolicyDecision
from followups.policy import Decision, Verdict

PLANNING, EXECUTION, RELAY = "planning", "execution", "relay"


def record(decision: Decision, *, user_id: str, trigger: str, asked_by: str, follow_up_id: str = "") -> PolicyDecision:
    """Write one answer of the policy into the ledger.

    A hold that goes on is one row, which says from when until when: the same gate holds the same follow-up again, for
    the same asker, and nobody has said anything else since. Otherwise a paused campaign would write four rows a day
    for each of its follow-ups.
    """
    row = PolicyDecision(
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
    going_on = _going_on(row)
    if going_on is not None:
        row.pk, row.decided_at = going_on.pk, going_on.decided_at
        row.save(update_fields=["reason", "held_until", "inputs"])
    else:
        row.save(force_insert=True)
    return row


def _going_on(row: PolicyDecision) -> PolicyDecision | None:
    """The hold that this one continues; by idx_decisions_follow_up."""
    if row.verdict != Verdict.HOLD or not row.follow_up_id:
        return None
    newest = PolicyDecision.objects.filter(follow_up_id=row.follow_up_id).order_by("-id").first()
    if newest is None or (newest.verdict, newest.gate, newest.asked_by) != (row.verdict, row.gate, row.asked_by):
        return None
    return newest


def reason_for(decision: Decision) -> str:
    """The gate and its sentence, as short as a follow-up's `reason` must be."""
    gate = "" if decision.gate is None else f"{decision.gate.value}: "
    return f"{gate}{decision.reason}"[:255]
