"""Planning follow-ups and cancelling them, one by one; the sweeps are in `silence`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from followups import cancelling, conf, facts, ledger, members, policy, silence
from followups.models import FollowUp, FollowUpStatus, Trigger, UserProfile
from followups.policy import Decision, Verdict
from jobs import enqueue

JOB_TYPE = "follow_up_message"
MOST_PENDING = 10
FURTHEST = timedelta(days=366)
LATEST = timedelta(days=1)
SAME_EVENT = timedelta(days=1)
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
    same occasion is planned already, or None when the policy refused (`decision` says why).
    """

    follow_up: FollowUp | None
    created: bool
    decision: Decision


def plan(
    *,
    user_id: str,
    trigger: str,
    due_at: datetime | None = None,
    occasion: str = "",
    trigger_data: dict[str, Any] | None = None,
    conversation_id: str = "",
    now: datetime,
) -> Plan:
    """Plan one follow-up and its job in one transaction. `due_at` defaults to now plus the trigger's own delay.

    `occasion` makes the follow-up unique with member and trigger (a booking id, a day); by default the due day.
    Two post-event follow-ups whose `trigger_data["event_at"]` (ISO 8601) are a day or less apart are the same too.
    Cancelling frees the occasion. The policy is asked for the due time, as far as today's facts go.

    Raises:
        CannotPlan: unknown member or trigger, naive or out-of-range time, or too many pending already.
    """
    due = _due(trigger, due_at, now=now)
    data = dict(trigger_data or {})
    event_at = _event_at(trigger, data)
    key = _dedupe_key(user_id, trigger, occasion or due.astimezone(UTC).date().isoformat())
    with transaction.atomic():
        _lock(user_id)
        known = facts.gather(user_id, trigger, now=now)
        decision = policy.decide(known, now=due)
        existing = _existing(user_id, key, event_at)
        if existing is not None:
            return Plan(follow_up=existing, created=False, decision=decision)
        if decision.verdict is Verdict.DROP:
            ledger.record(decision, user_id=user_id, trigger=trigger, asked_by=ledger.PLANNING)
            return Plan(follow_up=None, created=False, decision=decision)
        _refuse_too_many(user_id)
        wanted = FollowUp(
            user_id=user_id,
            trigger_type=trigger,
            trigger_data=data,
            scheduled_at=max(due, decision.until or due),
            conversation_id=conversation_id,
            dedupe_key=key,
        )
        return _write(wanted, decision)


def cancel_followup(follow_up_id: str, *, reason: str, now: datetime) -> bool:
    """Cancel a pending follow-up with its job and its queued message. False when it is no longer pending or its
    message is already on the wire; then nothing has changed.
    """
    return cancelling.cancel(follow_up_id, reason=reason, now=now)


def _due(trigger: str, due_at: datetime | None, *, now: datetime) -> datetime:
    """Check trigger and time. A time that has just passed means now."""
    if trigger not in Trigger.values:
        raise CannotPlan(f"{trigger!r} is not a trigger: use one of {', '.join(Trigger.values)}.")
    if due_at is None:
        return now + _default_delay(trigger)
    if due_at.tzinfo is None or due_at.utcoffset() is None:
        raise CannotPlan("The due time needs a time zone, like 2026-05-01T12:00:00+02:00.")
    if not now - LATEST <= due_at <= now + FURTHEST:
        raise CannotPlan(
            f"The due time {due_at.isoformat()} is out of range: at most {LATEST.days} day ago "
            f"and at most {FURTHEST.days} days ahead."
        )
    return max(due_at, now)


def _default_delay(trigger: str) -> timedelta:
    settings = conf.current()
    return {
        Trigger.POST_EVENT.value: settings.event_delay,
        Trigger.EMOTION_BASED.value: settings.event_delay,
        Trigger.RE_ENGAGEMENT.value: settings.inactive_after,
    }.get(trigger, settings.default_delay)


def _event_at(trigger: str, data: dict[str, Any]) -> datetime | None:
    """The event's time, which tells two events apart."""
    if trigger != Trigger.POST_EVENT or not data.get("event_at"):
        return None
    try:
        event_at = parse_datetime(str(data["event_at"]))
    except ValueError:
        event_at = None
    if event_at is None or event_at.tzinfo is None:
        raise CannotPlan(f"event_at={data['event_at']!r} is not a time with a zone, like 2026-05-01T12:00:00+02:00.")
    return event_at


def _dedupe_key(user_id: str, trigger: str, occasion: str) -> str:
    key = f"{trigger}:{user_id}:{occasion}"
    if len(key) > _LONGEST_KEY or "\x00" in key:
        raise CannotPlan("The occasion is too long or contains a NUL character: use a short id or a date.")
    return key


def _lock(user_id: str) -> None:
    try:
        members.lock(user_id)
    except UserProfile.DoesNotExist:
        raise CannotPlan(f"Nobody with the id {user_id!r} is known.") from None


def _existing(user_id: str, key: str, event_at: datetime | None) -> FollowUp | None:
    """The follow-up of the same occasion: by its key, or by an event a day or less away that is not called off."""
    same = FollowUp.objects.filter(dedupe_key=key).first()
    if same is not None or event_at is None:
        return same
    others = FollowUp.objects.filter(
        user_id=user_id,
        trigger_type=Trigger.POST_EVENT,
        status__in=[FollowUpStatus.PENDING, FollowUpStatus.EXECUTED],
        trigger_data__has_key="event_at",
    ).order_by("created_at")
    for other in others:
        theirs = parse_datetime(str(other.trigger_data["event_at"]))
        if theirs is not None and abs(theirs - event_at) <= SAME_EVENT:
            return other
    return None


def _refuse_too_many(user_id: str) -> None:
    pending = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING).count()
    if pending >= MOST_PENDING:
        raise CannotPlan(f"The member has {pending} pending follow-ups; {MOST_PENDING} is the limit. Cancel one first.")


def _write(wanted: FollowUp, decision: Decision) -> Plan:
    """Insert the follow-up, its job and the ledger's row, unless somebody has planned the same occasion."""
    FollowUp.objects.bulk_create([wanted], ignore_conflicts=True)
    stored = FollowUp.objects.get(dedupe_key=wanted.dedupe_key)
    if stored.pk != wanted.pk:
        return Plan(follow_up=stored, created=False, decision=decision)
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
