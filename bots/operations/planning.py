"""`schedule_followup` and `followups_why`: what the team asks about one member."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from discord.utils import escape_markdown
from django.urls import reverse

from bots import conf
from bots.answers import Answer, Question, Refused
from bots.splitting import LIMIT
from followups import planning, triggers, why
from followups.models import ConsentState, FollowUp, Trigger, UserProfile
from followups.planning import JOB_TYPE, CannotPlan, Plan
from followups.policy import Decision, Gate, Verdict
from followups.why import Explanation
from jobs import pauses

"""Discord's limit of one message."""
DECISIONS_SHOWN: Final = 5
PLANNED_SHOWN: Final = 5
_STANDS: Final = {
    ConsentState.GRANTED: "said **yes**",
    ConsentState.REFUSED: "said **no**",
    ConsentState.WITHDRAWN: "took their yes **back**",
}
_VERDICTS: Final = {Verdict.SEND: "yes", Verdict.HOLD: "later", Verdict.DROP: "no"}


@dataclass(frozen=True)
class Subject:
    """Whom a command of the team is about."""

    user_id: str
    name: str
    is_bot: bool = False
    is_in_reach: bool = True
    """They are in the community in which it is asked, or who asks is staff for all of them."""


def schedule(question: Question, *, subject: Subject, hours: float | None, now: datetime) -> Answer:
    """Plan a follow-up by hand, `hours` from now or after the default delay. The policy has its say: who did not opt
    in is not written to, whoever asks for it.
    """
    name = _require_member(subject)
    plan = planning.plan(
        user_id=subject.user_id,
        trigger=Trigger.CUSTOM,
        due_at=None if hours is None else now + _delay(hours),
        trigger_data={"planned_by": question.actor},
        now=now,
    )
    if plan.follow_up is None:  # an answer like any other: the ledger keeps that it was asked for, and refused
        return Answer(_refused(name, plan))
    if not plan.created:
        return Answer(f"{name} has one already, so I planned no other: {_follow_up(plan.follow_up)} {plan.reason}")
    held = f" Later than you asked: {plan.decision.reason}" if plan.decision.verdict is Verdict.HOLD else ""
    return Answer(f"Planned for {name}: {_follow_up(plan.follow_up)}{held}")


def explain(question: Question, *, subject: Subject, now: datetime) -> Answer:
    """Say why a member gets messages or none: what they said, what the policy says now, what is planned and was
    decided.
    """
    name = _require_member(subject)
    found = why.explain(subject.user_id, now=now)
    link = f"More: {conf.current().console_url}{reverse('admin:followups_userprofile_change', args=[subject.user_id])}"
    lines = [f"**{name}** {_said(found)}", *_paused(), *_answers(found), *_planned(found), *_decided(found)]
    return Answer(_fitting(lines, last=link))


def _refused(name: str, plan: Plan) -> str:
    if plan.decision.gate is not Gate.CONSENT:
        return f"I planned nothing for {name}: {plan.reason}"
    return (
        f"I planned nothing: {name} has not opted in, and I write to nobody who did not ask for it. "
        "They can do so with `followup_settings on`."
    )


def _require_member(subject: Subject) -> str:
    """The name to show. Raises Refused for somebody who can't be asked about."""
    name = escape_markdown(subject.name)
    if subject.is_bot:
        raise Refused(f"{name} is a bot; I write to people only.")
    if not subject.is_in_reach:
        raise Refused(f"{name} is not in this community (any more), so I can do and tell nothing about them here.")
    if not UserProfile.objects.filter(pk=subject.user_id).exists():
        raise Refused(f"I have not met {name} yet: I know who writes in the community, joins it, or writes to me.")
    return name


def _delay(hours: float) -> timedelta:
    if not math.isfinite(hours):
        raise CannotPlan("That is no number of hours: choose more than 0 and at most 8760 (a year).")
    if not 0 < hours <= triggers.LONGEST_DELAY / timedelta(hours=1):
        raise CannotPlan(f"A delay of {hours:g} hours makes no sense: choose more than 0 and at most 8760 (a year).")
    return timedelta(hours=hours)


def _follow_up(follow_up: FollowUp) -> str:
    due = _minute(follow_up.scheduled_at)
    return f"follow-up `{follow_up.pk}`, {follow_up.status}, due {due}, job `{follow_up.job_id or 'none'}`."


def _said(found: Explanation) -> str:
    if found.receipt is None:
        return "was never asked, so nothing is sent."
    topics = f" to {', '.join(found.profile.topics)}" if found.receipt.state == ConsentState.GRANTED else ""
    return f"{_STANDS[ConsentState(found.receipt.state)]}{topics} on {found.receipt.recorded_at:%Y-%m-%d}."


def _paused() -> list[str]:
    return ["Follow-ups are paused for everybody (`pause_followups`)."] if pauses.is_paused(JOB_TYPE) else []


def _answers(found: Explanation) -> list[str]:
    """One line for each answer of the policy: usually the same gate answers for all triggers."""
    by_answer: dict[str, list[str]] = {}
    for trigger, decision in found.answers.items():
        by_answer.setdefault(_answer(decision), []).append(trigger)
    return ["If one were due now:", *(f"- {', '.join(names)}: {answer}" for answer, names in by_answer.items())]


def _answer(decision: Decision) -> str:
    until = f", not before {_minute(decision.until)}" if decision.until else ""
    return f"{_VERDICTS[decision.verdict]}{until}. {decision.reason}".strip()


def _planned(found: Explanation) -> list[str]:
    if not found.planned:
        return ["Nothing is planned."]
    rows = [f"- {row.trigger_type}, due {_minute(row.scheduled_at)}, `{row.pk}`" for row in found.planned]
    more = [f"- and {len(rows) - PLANNED_SHOWN} more"] if len(rows) > PLANNED_SHOWN else []
    return ["Planned:", *rows[:PLANNED_SHOWN], *more]


def _decided(found: Explanation) -> list[str]:
    if not found.decisions:
        return ["The policy has not been asked yet."]
    rows = found.decisions[:DECISIONS_SHOWN]
    return [
        "Decided lately:",
        *(f"- {_minute(row.decided_at)} {row.trigger_type}: {row.verdict}. {row.reason}" for row in rows),
    ]


def _fitting(lines: list[str], *, last: str) -> str:
    """As many lines as go into one message, and the last one always."""
    kept: list[str] = []
    left = LIMIT - len(last) - len("\n…\n")
    for line in lines:
        if len(line) + 1 > left:
            return "\n".join([*kept, "…", last])
        kept.append(line)
        left -= len(line) + 1
    return "\n".join([*kept, last])


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
