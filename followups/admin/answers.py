"""Would a check-in go out to this member now? The policy's own answer, live for one and in one query for a list."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from followups import conf, facts, policy
from followups.models import FollowUp, FollowUpHistory, FollowUpStatus, Trigger
from followups.policy import Decision, Gate, Limits, Sent, Verdict
from jobs import console

GATES = {
    Gate.SWITCH: "Follow-ups are off",
    Gate.PROFILE: "Unknown member",
    Gate.CONSENT: "Not opted in",
    Gate.REACHABLE: "Unreachable",
    Gate.ACTIVE: "Recently active",
    Gate.GAP: "Too soon after the last one",
    Gate.WEEKLY_CAP: "Weekly limit reached",
    Gate.TRIGGER_CAP: "Same kind a day ago",
    Gate.QUIET_HOURS: "Night there",
}
VERDICTS = {Verdict.SEND: "success", Verdict.HOLD: "warning", Verdict.DROP: ""}


def live(user_id: str, *, now: datetime) -> Decision:
    """Ask the policy about a check-in to one member, with fresh facts."""
    return policy.decide(facts.gather(user_id, Trigger.INACTIVITY, now=now), now=now)


def gate_words(gate: str) -> str:
    """Name a gate for people. A stored gate that no longer exists keeps its name."""
    return GATES[Gate(gate)] if gate in set(Gate) else gate


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
    rows: QuerySet[Any] = facts.annotated(members).annotate(sent_lately=ArraySubquery(sent), has_plan=Exists(planned))
    return rows


def of_row(member: Any, limits: Limits, *, now: datetime) -> Decision:
    """Answer for a row of `annotated`. The kind of what was sent is not looked up: the gap covers it."""
    sent = [Sent(at, "") for at in member.sent_lately]
    return policy.decide(facts.of_member(member, trigger=Trigger.INACTIVITY, limits=limits, sent=sent), now=now)


def short(member: Any, *, now: datetime) -> SafeString:
    """Render the answer for a list: the gate in three words, or how long the member has been quiet."""
    decision = of_row(member, conf.current().limits(), now=now)
    if decision.gate is Gate.CONSENT:
        said = {"withdrawn": "Opted out", "refused": "Said no"}.get(member.newest_receipt, "Not opted in")
        return console.pill(said)
    if decision.gate is Gate.REACHABLE:
        words = "Left" if member.left_at else "Blocked by us" if member.is_blocked else "Unreachable"
        return console.pill(words, "danger")
    if decision.gate is not None and decision.gate is not Gate.QUIET_HOURS:
        return console.pill(gate_words(decision.gate), VERDICTS[decision.verdict])
    return _quiet(member, night=decision.gate is Gate.QUIET_HOURS, now=now)


def _quiet(member: Any, *, night: bool, now: datetime) -> SafeString:
    if member.last_interaction is None:
        return console.pill("Never wrote: due", "primary")
    length = timesince(member.last_interaction, now, depth=1).replace("\xa0", " ")
    if member.has_plan:
        return console.pill(f"Quiet {length}: planned", "info")
    return console.pill(f"Quiet {length}: due" + (", night there" if night else ""), "primary")
