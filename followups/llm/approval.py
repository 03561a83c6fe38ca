"""What a person decides about a waiting draft. Either way its follow-up's job runs at once."""

from datetime import datetime

from django.db import transaction

from followups import channels, members
from followups.llm import context, drafting, grounding
from followups.models import Draft, DraftStatus
from jobs import outcomes

_LONGEST_REASON = 255


class AlreadyDecided(Exception):
    """The draft waits no longer; the message says who was first, or what became of it."""


class NotUsable(ValueError):
    """The words may not be sent as they are; the message says why."""


def approve(draft_id: int, *, by: str, text: str | None = None, now: datetime) -> Draft:
    """Let a draft be sent, with other words if `text` says so. The policy is asked again before it goes.

    Returns the draft: `approved`, or `void` or `failed` with its problem when it was out of date, and the template
    goes instead.

    Raises:
        AlreadyDecided: it waits no longer. Nothing was changed.
        NotUsable: the words fail a check. Nothing was changed.
    """
    with transaction.atomic():
        draft = _take(draft_id)
        profile = draft.follow_up.user
        known = context.gather(draft.follow_up, profile, channels.find(profile), now=now)
        if text is not None:
            draft.text = text.replace("\r\n", "\n").strip()
            problem = grounding.problem_in(draft.text, language=known.language)
            if problem:
                raise NotUsable(problem)
        fault = drafting.fault_of(draft, known, vouched=True, now=now)
        if fault is not None:  # nobody's decision: time or news was faster
            draft.status, draft.problem = fault
        else:
            draft.status, draft.decided_by, draft.decided_at = DraftStatus.APPROVED, by, now
        return _decide(draft, now=now)


def reject(draft_id: int, *, by: str, reason: str, now: datetime) -> Draft:
    """Never send a draft; the template goes instead.

    Raises:
        AlreadyDecided: it waits no longer. Nothing was changed.
    """
    with transaction.atomic():
        draft = _take(draft_id)
        draft.decided_by, draft.decided_at = by, now
        draft.status, draft.problem = DraftStatus.REJECTED, outcomes.storable(reason)
        return _decide(draft, now=now)


def _take(draft_id: int) -> Draft:
    """Lock the member, and look whether the draft still waits: of two at once the second sees what the first did."""
    owner = Draft.objects.filter(pk=draft_id).values_list("follow_up__user_id", flat=True).first()
    if owner is None:
        raise AlreadyDecided("The draft is gone: its member or its follow-up has been deleted.")
    members.lock(owner)
    draft = Draft.objects.select_related("follow_up__user__account").get(pk=draft_id)
    if draft.status != DraftStatus.WAITING:
        raise AlreadyDecided(_what_happened(draft))
    if not draft.follow_up.is_unwritten:
        raise AlreadyDecided("Its follow-up has been closed since.")
    return draft


def _what_happened(draft: Draft) -> str:
    state = draft.get_status_display().lower()
    if draft.decided_by:
        return f"{draft.decided_by} was first: the draft is {state}."
    return f"The draft waits no longer: it is {state}. {draft.problem}".strip()


def _decide(draft: Draft, *, now: datetime) -> Draft:
    draft.problem = draft.problem[:_LONGEST_REASON]
    draft.save(update_fields=["status", "text", "problem", "decided_by", "decided_at"])
    drafting.resume(draft, now=now)
    return draft
