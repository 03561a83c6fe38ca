"""Writing a follow-up when it is due: ask the policy, compose, and put the message into the outbox."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db import transaction

from followups import campaigns, channels, composing, consent, facts, ledger, members, policy, silence
from followups.analytics import experiments
from followups.llm import drafting
from followups.models import Draft, DraftStatus, FollowUp, FollowUpStatus, Holdout, Trigger, UserProfile
from followups.planning import FollowUpMessage
from followups.policy import Decision, Gate, Verdict
from jobs import outcomes
from jobs.errors import PermanentFailure, Snooze
from jobs.registry import Attempt
from socialmedia import outbox
from socialmedia.models import Conversation

WAIT_FOR_BOT = timedelta(seconds=60)


class _Step(Enum):
    DONE = auto()
    NEEDS_CONVERSATION = auto()


@dataclass(frozen=True)
class _Held:
    decision: Decision


def execute(attempt: Attempt[FollowUpMessage], *, now: datetime) -> None:
    """Run one follow-up's job. The decision, the message and the job's completion are one transaction.

    A language model, if there is one, is asked before this transaction, never inside it.

    Raises:
        Snooze: the policy holds the follow-up, or no bot has logged in yet.
        PermanentFailure: there is no such follow-up, or no published template suits: the follow-up has failed. A
            template may be published later; whoever retries the job then sends it.
    """
    follow_up_id = attempt.payload.follow_up_id
    follow_up = FollowUp.objects.filter(pk=follow_up_id).select_related("user__account").first()
    if follow_up is None:
        raise PermanentFailure(f"There is no follow-up {follow_up_id!r}.")
    conversation = channels.find(follow_up.user)
    drafting.prepare(follow_up, conversation, now=now)
    try:
        step = _run(attempt, follow_up.user_id, conversation, now=now)
        if step is _Step.NEEDS_CONVERSATION:
            step = _run(attempt, follow_up.user_id, _open(follow_up.user, now=now), now=now)
    except composing.NothingPublished as error:
        _fail(follow_up.pk, str(error))
        raise PermanentFailure(str(error)) from error
    if isinstance(step, _Held) and step.decision.until is not None:
        raise Snooze(step.decision.reason, until=step.decision.until)


def _open(profile: UserProfile, *, now: datetime) -> Conversation:
    try:
        return channels.open_with(profile, now=now)
    except channels.NoOwnAccount as error:
        raise Snooze(str(error), until=now + WAIT_FOR_BOT) from error


def _fail(follow_up_id: str, why: str) -> None:
    """Record it on the follow-up, unless it was cancelled or written meanwhile."""
    unwritten = FollowUp.objects.filter(pk=follow_up_id, status=FollowUpStatus.PENDING, message__isnull=True)
    unwritten.update(status=FollowUpStatus.FAILED, error_message=why)


def _run(
    attempt: Attempt[FollowUpMessage], user_id: str, conversation: Conversation | None, *, now: datetime
) -> _Step | _Held:
    with transaction.atomic():
        profile = members.lock(user_id)
        follow_up = FollowUp.objects.select_for_update(of=("self",)).filter(pk=attempt.payload.follow_up_id).first()
        if follow_up is None or not follow_up.is_unwritten:
            outcomes.complete([attempt], now=now)
            return _Step.DONE
        known = facts.gather(profile.pk, follow_up.trigger_type, now=now, asked_about=follow_up)
        # Only here: what is planned for them counts as due, and what is written already goes out.
        held_out = experiments.is_held_out(
            profile.pk, follow_up.trigger_type, campaigns.holdout_percent(follow_up.trigger_type)
        )
        decision = policy.decide(replace(known, is_held_out=held_out), now=now)
        if decision.verdict is Verdict.SEND and conversation is None:
            return _Step.NEEDS_CONVERSATION
        draft = None
        if decision.verdict is Verdict.SEND:
            draft = drafting.live(follow_up, profile, conversation, now=now)
        if draft is not None and draft.status == DraftStatus.WAITING:
            return _wait_for_approval(attempt, follow_up, draft, now=now)
        ledger.record(
            decision,
            user_id=profile.pk,
            trigger=follow_up.trigger_type,
            asked_by=ledger.EXECUTION,
            follow_up_id=follow_up.pk,
        )
        if decision.verdict is Verdict.HOLD:
            return _Held(decision)
        if decision.verdict is Verdict.SEND and conversation is not None:
            _queue(follow_up, profile, conversation, draft, now=now)
        else:
            FollowUp.objects.filter(pk=follow_up.pk).update(
                status=FollowUpStatus.SKIPPED, reason=ledger.reason_for(decision)
            )
            drafting.give_up(follow_up)
        if decision.gate is Gate.HOLDOUT:
            _hold_out(follow_up, now=now)
        outcomes.complete([attempt], now=now)
        return _Step.DONE


def _hold_out(follow_up: FollowUp, *, now: datetime) -> None:
    """Note the occasion, and let it count like one that was sent: otherwise who never comes back would be held out
    again and again, where those contacted are asked twice, and weigh the more in the comparison.
    """
    Holdout.objects.create(
        follow_up=follow_up, user_id=follow_up.user_id, trigger_type=follow_up.trigger_type, held_at=now
    )
    if follow_up.trigger_type == Trigger.RE_ENGAGEMENT:
        silence.note_re_engaged(follow_up.user_id, at=now)


def _wait_for_approval(attempt: Attempt[FollowUpMessage], follow_up: FollowUp, draft: Draft, *, now: datetime) -> _Step:
    """Put the job back in this very transaction, while the member's row is held: whoever approves after it finds a
    pending job to wake, and whoever was before it has been seen.
    """
    decision = drafting.waiting(draft)
    ledger.record(
        decision,
        user_id=follow_up.user_id,
        trigger=follow_up.trigger_type,
        asked_by=ledger.EXECUTION,
        follow_up_id=follow_up.pk,
    )
    outcomes.snooze(attempt, until=decision.until or now, reason=decision.reason, now=now)
    return _Step.DONE


def _queue(
    follow_up: FollowUp, profile: UserProfile, conversation: Conversation, draft: Draft | None, *, now: datetime
) -> None:
    """Compose the message and put it into the outbox. With a draft its words take the place of the template's."""
    composed = composing.compose(profile, follow_up, account_id=conversation.account_id, now=now)
    if draft is not None and composed.composed_by == "template":
        composed = drafting.compose(draft, composed)
        drafting.close(Draft.objects.filter(pk=draft.pk), DraftStatus.USED, "")
    message = outbox.queue_automated(
        conversation=conversation,
        text=composed.text,
        permission=consent.require(profile.pk),
        template=composed.key,
        now=now,
    )
    FollowUp.objects.filter(pk=follow_up.pk).update(
        status=FollowUpStatus.PENDING,
        error_message="",
        message=message,
        template_id=composed.key,
        composition=composed.composition,
        message_content=composed.text,
        conversation_id=str(conversation.pk),
    )
