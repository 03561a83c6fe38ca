"""Would a check-in go out to this member now? The policy's own answer, live for one and in one query for a list."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from followups import conf, facts, ledger, policy
from followups.models import FollowUp, FollowUpHistory, FollowUpStatus, Trigger
from followups.policy import Decision, Gate, Sent, Verdict
from jobs import console

GATES = {
    Gate.SWITCH: "Follow-ups are off",
    Gate.CAMPAIGN: "This kind is paused",
    Gate.TOO_LATE: "Too late",
    Gate.PROFILE: "Unknown member",
    Gate.CONSENT: "Not opted in",
    Gate.TOPIC: "Other topics only",
    Gate.REACHABLE: "Unreachable",
    Gate.ESCALATED: "A person should write",
    Gate.PAUSED: "Paused or away",
    Gate.ACTIVE: "Recently active",
    Gate.GAP: "Too soon after the last one",
    Gate.WEEKLY_CAP: "Weekly limit reached",
    Gate.TRIGGER_CAP: "Same kind a day ago",
    Gate.QUIET_HOURS: "Quiet hours there",
    Gate.HOLDOUT: "Kept without, to compare",
}
ASKED = {
    ledger.PLANNING: "When it was planned",
    ledger.EXECUTION: "When it was due",
    ledger.RELAY: "Before it was sent",
}
VERDICTS = {Verdict.SEND: "success", Verdict.HOLD: "warning", Verdict.DROP: ""}


def live(user_id: str, *, now: datetime) -> Decision:
    """Ask the policy about a check-in to one member, with fresh facts."""
    return policy.decide(facts.gather(user_id, Trigger.INACTIVITY, now=now), now=now)


def gate_words(gate: str) -> str:
    """Name a gate for people. A stored gate that no longer exists keeps its name."""
    return GATES[Gate(gate)] if gate in set(Gate) else gate


def asked_words(asked_by: str) -> str:
    """Say when the policy was asked."""
    return ASKED.get(asked_by, asked_by)


def kind_words(trigger: str) -> str:
    """Name a kind of follow-up. A stored one that no longer exists keeps its name."""
    return str(Trigger(trigger).label) if trigger in set(Trigger) else trigger


def verdict_pill(verdict: str, gate: str | None) -> SafeString:
    """Render an answer."""
    words = {"send": "Yes", "hold": "Later", "drop": "No"}.get(verdict, verdict)
    color = VERDICTS[Verdict(verdict)] if verdict in set(Verdict) else ""
    return console.pill(f"{words}: {gate_words(gate)}" if gate else words, color)


def in_words(decision: Decision) -> SafeString:
    """Render an answer with its reason."""
    text = format_html("{} {}", verdict_pill(decision.verdict, decision.gate), decision.reason)
    if decision.until is not None:
        text = format_html("{} Asked again {}.", text, console.exactly(decision.until))
    return text


def annotated(members: QuerySet[Any], *, now: datetime) -> QuerySet[Any]:
    """Bring along what the policy needs, so that a list of members costs no query per row."""
    sent = FollowUpHistory.objects.filter(user=OuterRef("pk"), sent_at__gt=now - policy.WEEK).values("sent_at")
    planned = FollowUp.objects.filter(user=OuterRef("pk"), status=FollowUpStatus.PENDING)
    rows: QuerySet[Any] = facts.annotated(members, trigger=Trigger.INACTIVITY).annotate(
        sent_lately=ArraySubquery(sent), has_plan=Exists(planned)
    )
    return rows


def answered(members: Iterable[Any], *, now: datetime) -> list[Any]:
    """Give each row of `annotated` its `decision`. The kind of what was sent is not looked up: the gap covers it."""
    rows, settings = list(members), conf.current()
    gaps = facts.gaps_in_silence(rows, Trigger.INACTIVITY, settings.limits(), now=now)
    for member in rows:
        sent = [Sent(at, "") for at in member.sent_lately]
        known = facts.of_member(member, trigger=Trigger.INACTIVITY, settings=settings, sent=sent, gaps=gaps, now=now)
        member.decision = policy.decide(known, now=now)
    return rows


def short(member: Any, *, now: datetime) -> SafeString:
    """Render the answer for a list: the gate in three words, or how long the member has been quiet."""
    decision: Decision = member.decision
    if decision.gate is Gate.CONSENT:
        said = {"withdrawn": "Opted out", "refused": "Said no"}.get(member.newest_receipt, "Not opted in")
        return console.pill(said)
    if decision.gate is Gate.REACHABLE:
        words = "Left" if member.left_at else "Blocked by us" if member.is_blocked else "Unreachable"
        return console.pill(words, "danger")
    if decision.gate is not None and (decision.gate, decision.verdict) != (Gate.QUIET_HOURS, Verdict.HOLD):
        return console.pill(gate_words(decision.gate), VERDICTS[decision.verdict])
    return _quiet(member, is_closed=decision.gate is Gate.QUIET_HOURS, now=now)


def _quiet(member: Any, *, is_closed: bool, now: datetime) -> SafeString:
    if member.last_interaction is None:
        return console.pill("Never wrote: due", "primary")
    length = timesince(member.last_interaction, now, depth=1).replace("\xa0", " ")
    if member.has_plan:
        return console.pill(f"Quiet {length}: planned", "info")
    return console.pill(f"Quiet {length}: due" + (", quiet hours there" if is_closed else ""), "primary")
