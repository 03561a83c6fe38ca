"""What the relay asks before it sends, and tells afterwards. Each runs in the caller's transaction, if any."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest

from followups import conf, consent, facts, harm, ledger, members, planning, policy, responses, silence
from followups.models import FollowUp, FollowUpHistory, FollowUpStatus, Harm, Trigger, UserProfile
from followups.policy import Decision, Gate, Verdict
from jobs import pauses
from socialmedia import outbox, templates
from socialmedia.models import Message

PAUSE_LOOK: Final = timedelta(minutes=2)
"""How soon what a pause holds is asked about again. Of thousands, the relay asks one after another."""
_FORGOTTEN: Final = Decision(Verdict.DROP, Gate.PROFILE, reason="The member has been forgotten.")


def may_send(message: Message, *, now: datetime) -> Decision:
    """Ask the policy once more, just before the call. Messages that are not follow-ups may always go, unless we
    started them ourselves: those need a live consent. Into a conversation that staff have shut since goes nothing but
    the bot's answers to what the member asks it, like the one to a `stop`.

    HOLD is possible, as when quiet hours have begun since or follow-ups are paused: release the message until then.
    """
    follow_up = FollowUp.objects.filter(message=message).first() if message.is_automated else None
    if follow_up is None:
        return _without_follow_up(message, now=now)
    if follow_up.status != FollowUpStatus.PENDING:
        reason = f"The follow-up is no longer pending but {follow_up.status}."
        return Decision(Verdict.DROP, reason=reason, inputs={"status": follow_up.status})
    with transaction.atomic():
        try:
            members.lock(follow_up.user_id)  # so that the ledger names nobody who is forgotten at this moment
        except UserProfile.DoesNotExist:
            return _FORGOTTEN
        known = facts.gather(follow_up.user_id, follow_up.trigger_type, now=now, asked_about=follow_up)
        decision = _unless_paused(policy.decide(known, now=now), now=now)
        ledger.record(
            decision,
            user_id=follow_up.user_id,
            trigger=follow_up.trigger_type,
            asked_by=ledger.RELAY,
            follow_up_id=follow_up.pk,
        )
        return decision


def on_sent(message: Message, *, now: datetime) -> None:
    """The message arrived at `now`: follow-up `executed`, a history row, and the member's `last_follow_up_sent`.

    Telling it twice changes nothing. What arrived is recorded as such even if it was cancelled too late.
    """
    follow_up = FollowUp.objects.filter(message=message).first()
    if follow_up is None:
        return
    with transaction.atomic():
        try:
            members.lock(follow_up.user_id)
        except UserProfile.DoesNotExist:
            return  # forgotten at this very moment: there is nobody to note it for
        FollowUp.objects.filter(pk=follow_up.pk).exclude(status=FollowUpStatus.EXECUTED).update(
            status=FollowUpStatus.EXECUTED, executed_at=now
        )
        history, is_new = FollowUpHistory.objects.get_or_create(
            follow_up=follow_up,
            defaults={
                "user_id": follow_up.user_id,
                "message_sent": message.message_text,
                "sent_at": now,
                **_columns(follow_up, now=now),
                "context_data": {
                    "trigger_type": follow_up.trigger_type,
                    "template_id": follow_up.template_id,
                    "message_id": message.pk,
                },
            },
        )
        if is_new:
            UserProfile.objects.filter(pk=follow_up.user_id).update(
                last_follow_up_sent=Greatest(F("last_follow_up_sent"), now)
            )
            if follow_up.trigger_type == Trigger.RE_ENGAGEMENT:
                silence.note_re_engaged(follow_up.user_id, at=now)
            responses.attribute_earlier(history, now=now)
            if history.template_id is not None:
                templates.count_use(history.template_id, at=now)


def _columns(follow_up: FollowUp, *, now: datetime) -> dict[str, Any]:
    """What the figures are counted by: kept with the history, so that they outlive plan, template and profile."""
    how = follow_up.composition
    zone = policy.zone_for(follow_up.user.timezone, conf.current().timezone)
    local = now.astimezone(zone)
    return {
        "trigger_type": follow_up.trigger_type,
        "template_id": how.get("template"),
        "template_key": how.get("key", follow_up.template_id),
        "variant": how.get("variant", ""),
        "locale": how.get("locale", ""),
        "relationship_level": how.get("level"),
        "emotion": how.get("emotion", ""),
        "composed_by": how.get("composed_by", ""),
        "local_hour": local.hour,
        "local_weekday": local.weekday(),
    }


def on_failed(message: Message, *, reason: str, unreachable: bool, now: datetime) -> None:
    """The message was refused for good: follow-up `failed`; `unreachable` also marks the member until they write."""
    user_id = message.conversation.participant_id
    with transaction.atomic():
        if unreachable:
            UserProfile.objects.filter(pk=user_id).update(unreachable_since=Coalesce("unreachable_since", now))
            harm.note(user_id, Harm.BLOCK, at=now)
        FollowUp.objects.filter(message=message, status=FollowUpStatus.PENDING).update(
            status=FollowUpStatus.FAILED, error_message=reason, retry_count=F("retry_count") + 1
        )


def on_suppressed(message: Message, *, decision: Decision, now: datetime) -> None:
    """The policy stopped the message at the relay: follow-up `skipped` with the gate as its reason."""
    FollowUp.objects.filter(message=message, status=FollowUpStatus.PENDING).update(
        status=FollowUpStatus.SKIPPED, reason=ledger.reason_for(decision) or "stopped by the relay"
    )


def settle_unknown(message: Message, *, arrived: bool, by: str, now: datetime) -> bool:
    """A person says what became of a message whose outcome nobody knew. False, and nothing changed, when it is not
    unknown (any more).
    """
    user_id = message.conversation.participant_id
    with transaction.atomic():
        if UserProfile.objects.filter(pk=user_id).exists():
            members.lock(user_id)  # before the message, as everywhere
        if not outbox.settle_unknown(message.pk, arrived=arrived, now=now):
            return False
        if arrived:
            on_sent(message, now=message.first_attempt_at or now)
        else:
            on_failed(message, reason=f"It did not arrive, says {by}.", unreachable=False, now=now)
    return True


def _without_follow_up(message: Message, *, now: datetime) -> Decision:
    known = Message.objects.select_related("conversation").filter(pk=message.pk).first()
    if known is None:
        return _FORGOTTEN  # claimed just before its member was forgotten
    if known.conversation.is_shut and (message.is_automated or "staff" in message.metadata):
        reason = "The conversation with the member is blocked, or marked as spam, by staff."
        return Decision(Verdict.DROP, Gate.REACHABLE, reason=reason)
    if not message.is_automated:
        return Decision(Verdict.SEND, reason="An answer may always go.")
    try:
        live = consent.require(message.conversation.participant_id)
    except consent.ConsentMissing as error:
        return Decision(Verdict.DROP, Gate.CONSENT, reason=str(error))
    opted_in = Decision(Verdict.SEND, reason="The member has opted in.", inputs={"receipt_id": live.receipt_id})
    return _unless_paused(opted_in, now=now)


def _unless_paused(decision: Decision, *, now: datetime) -> Decision:
    """Hold what might be sent while follow-ups are paused: the pause must reach what is written already, too."""
    if decision.verdict is not Verdict.SEND or not pauses.is_paused(planning.JOB_TYPE):
        return decision
    reason = "Follow-ups are paused for everybody."
    return Decision(Verdict.HOLD, Gate.SWITCH, until=now + PAUSE_LOOK, reason=reason, inputs={"paused": True})
