"""Planning follow-ups, moving and cancelling them, one by one; the sweeps are in `silence`."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from followups import cancelling, composing, conf, facts, ledger, members, occasions, policy, silence
from followups.models import FollowUp, FollowUpStatus, Trigger, UserProfile
from followups.occasions import Taken
from followups.policy import Decision, Facts, Verdict
from jobs import enqueue, lifecycle
from socialmedia.templates import BadTemplate

JOB_TYPE = "follow_up_message"
BY_HAND = "cancelled by"
"""How the reason begins when a person or a program cancels a follow-up, and not an event of the domain."""
MOST_PENDING = 10
FURTHEST = timedelta(days=366)
LATEST = timedelta(days=1)
FARTHEST_EVENT = timedelta(days=3660)
_LONGEST_KEY = 255
plan_quiet_members = silence.plan_quiet_members


class CannotPlan(ValueError):
    """The request makes no sense (unknown member, unknown trigger, a time out of range); the message says why."""


@dataclass(frozen=True)
class FollowUpMessage:
    """Payload of the job that writes a follow-up when it is due."""

    follow_up_id: str = ""


@dataclass(frozen=True)
class Plan:
    """What planning came to. `follow_up` is the new one, or the existing one when `created` is False because the
    same occasion is planned already, or None when the policy refused. `reason` says in a sentence why nothing was
    created; `decision` is the policy's whole answer.
    """

    follow_up: FollowUp | None
    created: bool
    decision: Decision
    reason: str = ""


def plan(
    *,
    user_id: str,
    trigger: str,
    due_at: datetime | None = None,
    occasion: str = "",
    trigger_data: dict[str, Any] | None = None,
    conversation_id: str = "",
    not_after: datetime | None = None,
    now: datetime,
) -> Plan:
    """Plan one follow-up and its job in one transaction. `due_at` defaults to now plus the trigger's own delay.

    `occasion` makes the follow-up unique with member and trigger (a goal, a year); by default the event, else the
    due day. Two post-event follow-ups whose `trigger_data["event_at"]` (ISO 8601) are at most
    FOLLOW_UP_SAME_EVENT_HOURS apart are the same too. Cancelling frees the occasion. The policy is asked for the due
    time, as far as today's facts go. What would be held until `not_after` or longer is not planned.

    Raises:
        CannotPlan: unknown member or trigger, naive or out-of-range time, a text of staff's that makes no sense, or
            too many pending already.
    """
    due = _due(trigger, due_at, now=now)
    data = dict(trigger_data or {})
    event_at = _event_at(trigger, data, now=now)
    _check_conversation(conversation_id)
    _check_text(trigger, data)
    with transaction.atomic():
        lock_member(user_id)
        key = _dedupe_key(user_id, trigger, occasion or _default_occasion(due, event_at))
        decision = policy.decide(_foreseen(user_id, trigger, due=due, now=now), now=due)
        taken = occasions.taken(user_id=user_id, trigger=trigger, key=key, data=data, event_at=event_at)
        if taken is not None:
            return Plan(follow_up=taken.follow_up, created=False, decision=decision, reason=taken.reason)
        if decision.verdict is Verdict.DROP:
            ledger.record(decision, user_id=user_id, trigger=trigger, asked_by=ledger.PLANNING)
            return Plan(follow_up=None, created=False, decision=decision, reason=decision.reason)
        scheduled_at = max(due, decision.until or due)
        if not_after is not None and scheduled_at >= not_after:
            reason = f"It would come too late: {decision.reason}"
            return Plan(follow_up=None, created=False, decision=decision, reason=reason)
        _refuse_too_many(user_id)
        wanted = FollowUp(
            user_id=user_id,
            trigger_type=trigger,
            trigger_data=data,
            event_at=event_at,
            scheduled_at=scheduled_at,
            conversation_id=conversation_id,
            dedupe_key=key,
        )
        return _write(wanted, decision)


def cancel_followup(follow_up_id: str, *, reason: str, now: datetime) -> bool:
    """Cancel a pending follow-up with its job and its queued message. False when it is no longer pending or its
    message is already on the wire; then nothing has changed.
    """
    return cancelling.cancel(follow_up_id, reason=reason, now=now)


def reschedule_followup(follow_up_id: str, *, due_at: datetime, now: datetime) -> bool:
    """Move a pending follow-up and its job to another time. False when it is not pending or its message is written,
    or its job is at work on it; then nothing has changed. It stays the follow-up of the same occasion.

    Raises CannotPlan for a time that is naive or out of range.
    """
    planned = FollowUp.objects.filter(pk=follow_up_id).first()
    if planned is None:
        return False
    due = _due(planned.trigger_type, due_at, now=now)
    with transaction.atomic():
        lock_member(planned.user_id)
        return _move(follow_up_id, due, {}, now=now)


def follow_event(follow_up: FollowUp, *, due_at: datetime, data: dict[str, Any], now: datetime) -> Taken | bool:
    """Move a pending follow-up to another time of its event, `data["event_at"]`, as `reschedule_followup` moves one to
    another due time. From then on it is the follow-up of that event. Needs the member's row locked.

    Returns the other follow-up that the event has already, else whether it was moved. Raises CannotPlan.
    """
    trigger, data = Trigger.POST_EVENT.value, dict(data)
    due, event_at = _due(trigger, due_at, now=now), _event_at(trigger, data, now=now)
    key = _dedupe_key(follow_up.user_id, trigger, _default_occasion(due, event_at))
    taken = occasions.taken(
        user_id=follow_up.user_id, trigger=trigger, key=key, data=data, event_at=event_at, other_than=follow_up.pk
    )
    changes = {"event_at": event_at, "trigger_data": data, "dedupe_key": key}
    return taken or _move(follow_up.pk, due, changes, now=now)


def is_missing(follow_up_id: str) -> bool:
    """Whether what this follow-up was planned for has none: it was never planned, or something else than a person has
    cancelled it, like an opt-out.
    """
    planned = FollowUp.objects.filter(pk=follow_up_id).first()
    if planned is None:
        return True
    return planned.status == FollowUpStatus.CANCELLED and not planned.reason.startswith(BY_HAND)


def lock_member(user_id: str) -> UserProfile:
    """Lock the member's row, as `members.lock`. Raises CannotPlan when nobody with this id is known."""
    try:
        if "\x00" not in user_id:  # PostgreSQL would not take it
            return members.lock(user_id)
    except UserProfile.DoesNotExist:
        pass
    raise CannotPlan(f"Nobody with the id {user_id[:_LONGEST_KEY]!r} is known.")


def check_instant(at: datetime, what: str) -> datetime:
    """Return the instant in UTC, where adding hours adds hours on every day of the year.

    Raises CannotPlan for a time without a zone, of which nobody knows which instant it means.
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise CannotPlan(f"The {what} needs a time zone, like 2026-05-01T12:00:00+02:00.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise CannotPlan(f"The {what}, {at.isoformat()}, is outside of the calendar.") from None


def check_event_time(event_at: datetime, *, now: datetime) -> datetime:
    """Return an event's time in UTC. Raises CannotPlan for one that nobody can mean."""
    at = check_instant(event_at, "event's time")
    if abs(at - now) > FARTHEST_EVENT:
        raise CannotPlan(f"The event of {at.isoformat()} is more than ten years away.")
    return at


def _due(trigger: str, due_at: datetime | None, *, now: datetime) -> datetime:
    """Check trigger and time. A time that has just passed means now."""
    if trigger not in Trigger.values:
        raise CannotPlan(f"{trigger!r} is not a trigger: use one of {', '.join(Trigger.values)}.")
    if due_at is None:
        return now + _default_delay(trigger)
    due = check_instant(due_at, "due time")
    if not now - LATEST <= due <= now + FURTHEST:
        raise CannotPlan(
            f"The due time {due_at.isoformat()} is out of range: at most {LATEST.days} day ago "
            f"and at most {FURTHEST.days} days ahead."
        )
    return max(due, now)


def _move(follow_up_id: str, due: datetime, changes: dict[str, Any], *, now: datetime) -> bool:
    """Move a follow-up and its job, or neither. Needs the member's row locked."""
    waiting = FollowUp.objects.filter(pk=follow_up_id, status=FollowUpStatus.PENDING, message=None)
    follow_up = waiting.select_for_update(of=("self",)).first()
    if follow_up is None or not lifecycle.reschedule_job(follow_up.job_id, due, now=now):
        return False
    FollowUp.objects.filter(pk=follow_up_id).update(scheduled_at=due, **changes)
    return True


def _default_delay(trigger: str) -> timedelta:
    settings = conf.current()
    return {
        Trigger.POST_EVENT.value: settings.event_delay,
        Trigger.EMOTION_BASED.value: settings.event_delay,
        Trigger.RE_ENGAGEMENT.value: settings.inactive_after,
    }.get(trigger, settings.default_delay)


def _event_at(trigger: str, data: dict[str, Any], *, now: datetime) -> datetime | None:
    """The event's time, which tells two events apart. Notes in `data` how far apart two events must be."""
    data.pop(occasions.SAME_EVENT_HOURS, None)
    if trigger != Trigger.POST_EVENT or not data.get("event_at"):
        return None
    try:
        event_at = parse_datetime(str(data["event_at"]))
    except ValueError:
        event_at = None
    if event_at is None or event_at.tzinfo is None:
        raise CannotPlan(f"event_at={data['event_at']!r} is not a time with a zone, like 2026-05-01T12:00:00+02:00.")
    event_at = check_event_time(event_at, now=now)
    data[occasions.SAME_EVENT_HOURS] = conf.current().same_event / timedelta(hours=1)
    return event_at


def _check_text(trigger: str, data: dict[str, Any]) -> None:
    text = data.get("text")
    if text is not None and not isinstance(text, str):
        raise CannotPlan(f"The text must be words, not {text!r:.40}.")
    if text and trigger != Trigger.CUSTOM:
        raise CannotPlan(f"Only a follow-up of the trigger custom has words of its own; {trigger} has templates.")
    try:
        composing.check_own_text(trigger, data)
    except BadTemplate as error:
        raise CannotPlan(f"The text cannot be sent: {error}") from None


def _dedupe_key(user_id: str, trigger: str, occasion: str) -> str:
    key = f"{trigger}:{user_id}:{occasion}"
    if len(key) > _LONGEST_KEY or "\x00" in key:
        raise CannotPlan("The occasion is too long or contains a NUL character: use a short id or a date.")
    return key


def _default_occasion(due: datetime, event_at: datetime | None) -> str:
    return due.date().isoformat() if event_at is None else occasions.instant(event_at)


def _check_conversation(conversation_id: str) -> None:
    if len(conversation_id) > _LONGEST_KEY or "\x00" in conversation_id:
        raise CannotPlan(f"The conversation's id has more than {_LONGEST_KEY} characters or contains a NUL character.")


def _foreseen(user_id: str, trigger: str, *, due: datetime, now: datetime) -> Facts:
    """Today's facts, as far as they will hold when it is due: a campaign is paused now, not then."""
    return replace(facts.gather(user_id, trigger, now=now), planned_for=due, campaign_paused="")


def _refuse_too_many(user_id: str) -> None:
    pending = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING).count()
    if pending >= MOST_PENDING:
        raise CannotPlan(f"The member has {pending} pending follow-ups; {MOST_PENDING} is the limit. Cancel one first.")


def _write(wanted: FollowUp, decision: Decision) -> Plan:
    """Insert the follow-up, its job and the ledger's row, unless somebody has planned the same occasion."""
    FollowUp.objects.bulk_create([wanted], ignore_conflicts=True)
    stored = FollowUp.objects.get(dedupe_key=wanted.dedupe_key)
    if stored.pk != wanted.pk:
        reason = "This occasion was planned at the same moment."
        return Plan(follow_up=stored, created=False, decision=decision, reason=reason)
    job = enqueue.schedule_job(JOB_TYPE, wanted.scheduled_at, FollowUpMessage(follow_up_id=stored.pk))
    FollowUp.objects.filter(pk=stored.pk).update(job_id=job.job_id)
    stored.job_id = job.job_id
    ledger.record(
        decision,
        user_id=stored.user_id,
        trigger=stored.trigger_type,
        asked_by=ledger.PLANNING,
        follow_up_id=stored.pk,
    )
    return Plan(follow_up=stored, created=True, decision=decision)
