"""A follow-up's text by the model: written before the transaction that sends, judged once more inside it."""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from followups import campaigns, conf, facts, members, policy
from followups.analytics import experiments
from followups.composing import LONGEST_MESSAGE, Composed
from followups.conf import LlmSettings
from followups.llm import circuit, client, context, grounding, prompts, vocabulary
from followups.llm.context import Context
from followups.llm.grounding import Answer, Claim, Unreadable
from followups.models import Draft, DraftStatus, FollowUp, FollowUpStatus, Trigger, UserProfile
from followups.policy import Decision, Verdict
from jobs import lifecycle, outcomes
from jobs.models import ScheduledJob
from socialmedia.models import Conversation, Message

MOST_ASKED: Final = 2
"""So often the model is asked for one follow-up, whatever crashes or changes meanwhile."""
LIVE: Final = (DraftStatus.WAITING, DraftStatus.APPROVED)
OWN_DAY: Final = timedelta(hours=6)
"""A birthday's text waits no longer for a person: the greeting is for its day."""
NEWS: Final = "The conversation has changed since it was written."
TOO_LATE: Final = "Nobody decided in time, so the template is sent."
STALE: Final = "It was written too long ago."
CLOSED: Final = "Its follow-up is no longer to be written."
UNANSWERED: Final = "The model has not answered."
_LONGEST_PROBLEM: Final = 255
_LONGEST_KEPT: Final = 2000
_LONGEST_MODEL: Final = 100


def prepare(follow_up: FollowUp, conversation: Conversation | None, *, now: datetime) -> None:
    """Have the text of a follow-up written that would be sent now. Whatever fails leaves a draft that is not usable,
    and the template is sent. Call it outside any transaction; without a model it costs no query.
    """
    llm = conf.current().llm
    if not client.is_configured(llm) or not _is_wanted(follow_up) or not circuit.is_closed(client.endpoint(llm)):
        return
    draft = _begin(follow_up.pk, conversation, llm=llm, now=now)
    if draft is None:
        return
    known = context.gather(follow_up, follow_up.user, conversation, now=now)
    began = time.monotonic()
    try:
        raw = client.ask(system=prompts.system(known), user=prompts.user(known, now=now), max_tokens=prompts.MAX_TOKENS)
    except client.LlmUnavailable as error:
        _record(draft, problem=str(error), seconds=time.monotonic() - began)
        return
    seconds = time.monotonic() - began
    try:
        answer = grounding.parse(raw)
    except Unreadable as error:
        _record(draft, problem=str(error), text=raw, seconds=seconds)
        return
    _keep(draft, answer, known, llm=llm, seconds=seconds, now=now)


def live(
    follow_up: FollowUp, profile: UserProfile, conversation: Conversation | None, *, now: datetime
) -> Draft | None:
    """The draft to send, or to wait for; None means the template. Closes what is out of date or no longer sound.

    Needs the member's row locked. Without a model it costs no query.
    """
    llm = conf.current().llm
    if not client.is_configured(llm):
        return None
    draft = Draft.objects.filter(follow_up=follow_up, status__in=LIVE).first()
    if draft is None:
        return None
    known = context.gather(follow_up, profile, conversation, now=now)
    fault = fault_of(draft, known, now=now) or _unread(draft, known, llm)
    if fault is None:
        return draft
    close(Draft.objects.filter(pk=draft.pk), *fault)
    return None


def fault_of(draft: Draft, known: Context, *, vouched: bool = False, now: datetime) -> tuple[DraftStatus, str] | None:
    """What is wrong with a live draft by now, with the state it gets for it; None when it may be sent or approved.
    `vouched`: a person is about to approve it.
    """
    if known.newest_message_id != draft.newest_message_id:
        return DraftStatus.VOID, NEWS
    if not draft.decided_by and draft.expires_at is not None and draft.expires_at <= now:
        nobody_came = draft.status == DraftStatus.WAITING
        return (DraftStatus.FAILED, TOO_LATE) if nobody_came else (DraftStatus.VOID, STALE)
    vouched = vouched or bool(draft.decided_by) or not _is_checkable(known)
    problem = grounding.problem_of(answer_of(draft), known, vouched=vouched, now=now)
    return (DraftStatus.FAILED, problem) if problem else None


def answer_of(draft: Draft) -> Answer:
    """The stored text and its claims."""
    return Answer(draft.text, tuple(Claim(says=claim["says"], source=claim["source"]) for claim in draft.claims))


def waiting(draft: Draft) -> Decision:
    """The policy's answer in words: yes, but a person must read the text first."""
    return Decision(Verdict.HOLD, until=draft.expires_at, reason="A person must approve the text first.")


def compose(draft: Draft, template: Composed) -> Composed:
    """Put the model's words in the place of the template's; the way out of the template stays."""
    way_out = template.text.rpartition("\n\n")[2]
    text = f"{draft.text[: LONGEST_MESSAGE - len(way_out) - 2]}\n\n{way_out}"
    return replace(template, text=text, composed_by="llm", template=None, variant="")


def close(drafts: QuerySet[Draft], status: DraftStatus, problem: str) -> int:
    """End live drafts, and say why."""
    return drafts.filter(status__in=LIVE).update(status=status, problem=problem[:_LONGEST_PROBLEM])


def give_up(follow_up: FollowUp) -> None:
    """End what was written for a follow-up that is not sent after all. Without a model it costs no query."""
    if client.is_configured(conf.current().llm):
        close(Draft.objects.filter(follow_up=follow_up), DraftStatus.VOID, CLOSED)


def citing(message: Message) -> list[str]:
    """The pending follow-ups of the message's author that were written with a claim that rests on it."""
    drafts = Draft.objects.filter(
        follow_up__user_id=message.conversation.participant_id,
        follow_up__status=FollowUpStatus.PENDING,
        status=DraftStatus.USED,
        claims__contains=[{"source": f"m{message.pk}"}],
    )
    return list(drafts.order_by("follow_up_id").values_list("follow_up_id", flat=True))


def outdate(user_id: str, *, now: datetime) -> int:
    """End what was written for a member who has changed or taken back words since: it may rest on them. What waited
    for a person is written anew at once. Without a model it costs no query. Needs the member's row locked.
    """
    if not client.is_configured(conf.current().llm):
        return 0
    drafts = Draft.objects.filter(follow_up__user_id=user_id, status__in=LIVE)
    live_ones = list(drafts.select_related("follow_up").order_by("follow_up_id"))
    close(Draft.objects.filter(pk__in=[draft.pk for draft in live_ones]), DraftStatus.VOID, NEWS)
    for draft in live_ones:
        resume(draft, now=now)
    return len(live_ones)


def forget_words(message: Message) -> int:
    """Empty what was written for the author of a message that is taken back, by a model that knew it: all that is not
    in use, and of that what rests on this message. By idx_drafts_follow_up. Needs the member's row locked.
    """
    theirs = FollowUp.objects.filter(user_id=message.conversation.participant_id)
    known = Draft.objects.filter(follow_up__in=theirs, newest_message_id__gte=message.pk).exclude(status__in=LIVE)
    cites = Q(claims__contains=[{"source": f"m{message.pk}"}])
    return known.filter(cites | ~Q(status=DraftStatus.USED)).update(text="", claims=[])


def resume(draft: Draft, *, now: datetime) -> None:
    """Let the job that waited for a person run at once, unless it was moved to another time while the draft waited."""
    is_due = Q(scheduled_time__lte=now) | Q(next_attempt_at=draft.expires_at)
    if ScheduledJob.objects.filter(is_due, job_id=draft.follow_up.job_id).exists():
        lifecycle.run_now(draft.follow_up.job_id, now=now)


def close_pointless() -> int:
    """End the waiting drafts of follow-ups that are closed: nobody should read them. By idx_drafts_waiting."""
    closed = (FollowUpStatus.CANCELLED, FollowUpStatus.SKIPPED, FollowUpStatus.EXECUTED)
    rows = Draft.objects.filter(status=DraftStatus.WAITING, follow_up__status__in=closed)
    return close(rows, DraftStatus.VOID, CLOSED)


def _is_wanted(follow_up: FollowUp) -> bool:
    """Whether its words are the model's to choose: not when staff wrote them, or when they are written already."""
    own_words = follow_up.trigger_type == Trigger.CUSTOM and follow_up.trigger_data.get("text")
    return follow_up.is_unwritten and not own_words


def _begin(follow_up_id: str, conversation: Conversation | None, *, llm: LlmSettings, now: datetime) -> Draft | None:
    """Note that the model is about to be asked, if it should be. The note stays should this process die meanwhile:
    so nobody asks for ever.
    """
    with transaction.atomic():
        follow_up = FollowUp.objects.get(pk=follow_up_id)
        profile = members.lock(follow_up.user_id)
        follow_up.refresh_from_db()
        if not follow_up.is_unwritten or live(follow_up, profile, conversation, now=now) is not None:
            return None
        if not _may_ask(list(Draft.objects.filter(follow_up=follow_up).order_by("-id")[:MOST_ASKED])):
            return None
        trigger = follow_up.trigger_type
        known = facts.gather(profile.pk, trigger, now=now, asked_about=follow_up)
        held_out = experiments.is_held_out(profile.pk, trigger, campaigns.holdout_percent(trigger))
        if policy.decide(replace(known, is_held_out=held_out), now=now).verdict is not Verdict.SEND:
            return None
        return Draft.objects.create(
            follow_up=follow_up,
            status=DraftStatus.FAILED,
            problem=UNANSWERED,
            model=llm.model[:_LONGEST_MODEL],
            prompt_version=prompts.VERSION,
        )


def _may_ask(newest: list[Draft]) -> bool:
    """Ask the first time, and once more when the conversation has changed or the asking process died."""
    if not newest:
        return True
    again = newest[0].status == DraftStatus.VOID or newest[0].problem == UNANSWERED
    return again and len(newest) < MOST_ASKED


def _keep(draft: Draft, answer: Answer, known: Context, *, llm: LlmSettings, seconds: float, now: datetime) -> None:
    """Judge the answer and store it: for a person, for sending, or as not usable."""
    problem = grounding.problem_of(answer, known, vouched=not _is_checkable(known), now=now)
    if problem:
        _record(draft, problem=problem, text=answer.text, claims=answer.claims, seconds=seconds)
        return
    by_itself = llm.mode == "automatic" and _is_checkable(known)
    wait = min(llm.draft_wait, OWN_DAY) if known.trigger == Trigger.BIRTHDAY else llm.draft_wait
    _record(
        draft,
        status=DraftStatus.APPROVED if by_itself else DraftStatus.WAITING,
        text=answer.text,
        claims=answer.claims,
        seconds=seconds,
        newest_message_id=known.newest_message_id,
        expires_at=now + wait + timedelta(seconds=seconds),
    )


def _is_checkable(known: Context) -> bool:
    """Whether the checks read the member's language. Where they don't, a person must."""
    return known.language in vocabulary.LANGUAGES


def _unread(draft: Draft, known: Context, llm: LlmSettings) -> tuple[DraftStatus, str] | None:
    """What is wrong with a draft that was let pass without a person, where by now only a person may."""
    if draft.status != DraftStatus.APPROVED or draft.decided_by:
        return None
    if llm.mode == "automatic" and _is_checkable(known):
        return None
    return DraftStatus.FAILED, "Texts need a person's approval since it was written."


def _record(
    draft: Draft,
    *,
    status: DraftStatus = DraftStatus.FAILED,
    problem: str = "",
    text: str = "",
    claims: tuple[Claim, ...] = (),
    seconds: float,
    newest_message_id: int | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Write down what came of asking, unless another process has a text for this follow-up already."""
    with transaction.atomic():
        members.lock(draft.follow_up.user_id)
        if Draft.objects.filter(follow_up=draft.follow_up_id, status__in=LIVE).exists():
            status, problem = DraftStatus.VOID, "Another text was there first."
        Draft.objects.filter(pk=draft.pk).update(
            status=status,
            problem=outcomes.storable(problem)[:_LONGEST_PROBLEM],
            text=outcomes.storable(text)[:_LONGEST_KEPT],
            claims=[
                {"says": outcomes.storable(claim.says)[:_LONGEST_KEPT], "source": outcomes.storable(claim.source)[:50]}
                for claim in claims
            ],
            seconds=round(seconds, 3),
            newest_message_id=newest_message_id,
            expires_at=expires_at,
        )
