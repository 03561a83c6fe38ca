"""Replies that staff write: drafts, replies that go now or at a time, each of them once."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef

from jobs import outcomes
from jobs.errors import Snooze
from jobs.models import ScheduledJob
from jobs.registry import Attempt
from socialmedia import outbox, templates
from socialmedia.desk import canned, postponed, reply_texts, threads
from socialmedia.desk.postponed import SendReply
from socialmedia.desk.reply_texts import CannotReply
from socialmedia.models import Conversation, Message, Platform, ReplyStatus, StaffReply

WITH_INTERFACE: Final = frozenset({Platform.DISCORD})
"""Networks on which a program can send. On the others a person does (`socialmedia.desk.by_hand`)."""
LONGEST_WAIT: Final = timedelta(days=366)


class SomethingNew(CannotReply):
    """Something was written that the author had not seen."""


@dataclass(frozen=True)
class Written:
    """What somebody of the staff wants to say."""

    conversation_id: int
    text: str
    by: User
    key: str = ""
    """Names the click. A second click with the same key does nothing again."""
    template_id: int | None = None
    seen: int | None = None
    """The id of the newest message that was on their page; None: they take what they have not seen upon them."""


# --- drafts ---


def draft_of(conversation_id: int, by: User) -> StaffReply | None:
    """Their one draft in a conversation."""
    return StaffReply.objects.filter(conversation=conversation_id, author=by, status=ReplyStatus.DRAFT).first()


def save_draft(written: Written, *, now: datetime) -> StaffReply | None:
    """Keep the words as their one draft in the conversation, whatever they are; without words there is none."""
    with transaction.atomic():
        conversation = threads.locked(written.conversation_id)
        words = reply_texts.clean(written.text)[: reply_texts.LONGEST * 2]
        draft = _draft(conversation, written, now=now)
        if words:
            draft.text = words
            draft.save()
            return draft
        StaffReply.objects.filter(pk=draft.pk).delete()
        return None


# --- now, and at a time ---


def send(written: Written, *, now: datetime) -> StaffReply:
    """Send a reply: queue it where a program can send, or make it ready for a person to copy. Their draft becomes it.

    The same key again returns what became of the first.

    Raises:
        CannotReply: the conversation is shut, they never wrote, the words cannot be sent, the key belongs to other
            words, or (SomethingNew) something came in that the author had not seen.
    """
    with transaction.atomic():
        conversation = threads.locked(written.conversation_id)
        if (known := _known(written)) is not None:
            return known
        _check_unseen(written)
        reply = _draft(conversation, written, now=now)
        reply.text, reply.key = reply_texts.check_template(written.text), written.key
        _go(reply, conversation, now=now)
        return reply


def send_later(written: Written, *, send_at: datetime, cancel_on_answer: bool = True, now: datetime) -> StaffReply:
    """Let a reply go at a time. Their draft becomes it. It is cancelled when the other side writes first, if
    `cancel_on_answer`, and whenever the conversation is shut. Its placeholders are filled when it goes.

    Raises:
        CannotReply: as `send` does, or the time is past or more than a year away.
    """
    with transaction.atomic():
        conversation = threads.locked(written.conversation_id)
        if (known := _known(written)) is not None:
            return known
        _check_unseen(written)
        reply = _draft(conversation, written, now=now)
        reply.key, reply.cancel_on_answer = written.key, cancel_on_answer
        _postpone(reply, conversation, text=written.text, send_at=send_at, now=now)
        return reply


def change(reply_id: int, *, text: str, send_at: datetime, now: datetime) -> bool:
    """Give a waiting reply other words and another time. False when it does not wait (any more).

    Raises:
        CannotReply: as `send_later`; the reply stays as it was.
    """
    with transaction.atomic():
        reply = locked(reply_id)
        if reply is None or reply.status != ReplyStatus.SCHEDULED:
            return False
        _postpone(reply, reply.conversation, text=text, send_at=send_at, now=now)
        return True


def cancel(reply_id: int, *, by: str, now: datetime) -> bool:
    """Cancel a waiting reply, or one that is ready and that nobody was shown. False in any other state."""
    with transaction.atomic():
        reply = locked(reply_id)
        if reply is None:
            return False
        if reply.status == ReplyStatus.SCHEDULED:
            return bool(postponed.cancel(StaffReply.objects.filter(pk=reply.pk), reason="", by=by, now=now))
        unseen = StaffReply.objects.filter(pk=reply.pk, status=ReplyStatus.READY, action=None)
        return bool(unseen.update(status=ReplyStatus.CANCELLED, closed_by=by, updated_at=now))


def send_due(attempt: Attempt[SendReply], *, now: datetime) -> None:
    """Send a waiting reply whose time has come: the job is completed in the transaction that sends it.

    One that cannot go any more fails with the reason. One that was cancelled or sent meanwhile is left alone.

    Raises:
        Snooze: it was moved to a later time while this job was starting.
    """
    with transaction.atomic():
        reply = locked(attempt.payload.reply_id)
        if reply is not None and reply.status == ReplyStatus.SCHEDULED:
            _send_waiting(reply, now=now)
        outcomes.complete([attempt], now=now)


def close_stranded(*, now: datetime) -> int:
    """Say of waiting replies whose job ended without sending them that they failed, and return how many: somebody
    cancelled the job, or it failed. They are never sent by themselves then; their author sees them, and decides.
    """
    job = ScheduledJob.objects.live().filter(job_id=OuterRef("job_id"))
    stranded = StaffReply.objects.filter(~Exists(job), status=ReplyStatus.SCHEDULED, send_at__lte=now)
    return sum(_close_stranded(key, now=now) for key in stranded.order_by("pk").values_list("pk", flat=True))


def _close_stranded(reply_id: int, *, now: datetime) -> bool:
    with transaction.atomic():
        reply = locked(reply_id)
        if reply is None or reply.status != ReplyStatus.SCHEDULED or _has_job(reply):
            return False
        _fail(reply, "Its job was cancelled or failed, so it was not sent.", now=now)
        return True


def _has_job(reply: StaffReply) -> bool:
    return ScheduledJob.objects.live().filter(job_id=reply.job_id).exists()


def _send_waiting(reply: StaffReply, *, now: datetime) -> None:
    if reply.send_at is not None and reply.send_at > now:
        raise Snooze("It was moved to a later time.", until=reply.send_at)
    try:
        _go(reply, reply.conversation, now=now)
    except CannotReply as error:
        _fail(reply, str(error), now=now)
    if reply.status == ReplyStatus.READY:
        _bring_up(reply, now=now)


def _fail(reply: StaffReply, problem: str, *, now: datetime) -> None:
    reply.status, reply.problem, reply.updated_at = ReplyStatus.FAILED, problem[:255], now
    reply.save()
    with suppress(threads.CannotChange):
        threads.mark_unread(reply.conversation_id, now=now)
    _bring_up(reply, now=now)


def _bring_up(reply: StaffReply, *, now: datetime) -> None:
    """A person has something to do, and must see it."""
    Conversation.objects.filter(pk=reply.conversation_id, is_spam=False, is_blocked=False).update(
        snoozed_until=None, is_archived=False, updated_at=now
    )


# --- the steps; the caller holds the conversation ---


def locked(reply_id: int) -> StaffReply | None:
    """The reply, as it is once its conversation is locked. None when either is gone."""
    conversation_id = StaffReply.objects.filter(pk=reply_id).values_list("conversation", flat=True).first()
    if conversation_id is None:
        return None
    try:
        conversation = threads.locked(conversation_id)
        reply = StaffReply.objects.select_related("author", "template").get(pk=reply_id)
    except (Conversation.DoesNotExist, StaffReply.DoesNotExist):
        return None
    reply.conversation = conversation
    return reply


def _known(written: Written) -> StaffReply | None:
    """What an earlier click with this key made. Browsers that go back to a page may send its key with other words."""
    if not written.key:
        return None
    reply = StaffReply.objects.filter(key=written.key, conversation=written.conversation_id).first()
    if reply is not None and reply.text != reply_texts.clean(written.text):
        raise CannotReply("This page has sent its reply already. These words were not sent: reload it and send again.")
    return reply


def _check_unseen(written: Written) -> None:
    if written.seen is None:
        return
    if Message.objects.filter(conversation=written.conversation_id, pk__gt=written.seen).exists():
        raise SomethingNew("Something was written here that was not on your page yet: read it, then send again.")


def _draft(conversation: Conversation, written: Written, *, now: datetime) -> StaffReply:
    """Their draft, or a new reply that is not stored yet."""
    reply = draft_of(conversation.pk, written.by) or StaffReply(
        conversation=conversation, author=written.by, created_at=now
    )
    reply.author_name, reply.updated_at = written.by.get_username(), now
    template = None if written.template_id is None else canned.find(written.template_id, conversation)
    reply.template = template or reply.template
    return reply


def _check_recipient(conversation: Conversation) -> None:
    reply_texts.check_open(conversation)
    if not reply_texts.has_written(conversation):
        raise CannotReply("They have not written to this account, and here people are only answered.")


def _postpone(reply: StaffReply, conversation: Conversation, *, text: str, send_at: datetime, now: datetime) -> None:
    if not now < send_at <= now + LONGEST_WAIT:
        raise CannotReply("A reply is sent later at a time in the future, at most a year from now.")
    _check_recipient(conversation)
    words = reply_texts.check_template(text)
    reply_texts.render(words, conversation, by=_signature(reply))
    reply.text, reply.send_at, reply.status, reply.updated_at = words, send_at, ReplyStatus.SCHEDULED, now
    reply.save()
    postponed.enqueue(reply)


def _go(reply: StaffReply, conversation: Conversation, *, now: datetime) -> None:
    """Render and queue it, or make it ready for a person. Nothing is written when it raises CannotReply."""
    _check_recipient(conversation)
    words = reply_texts.render(reply.text, conversation, by=_signature(reply))
    reply.rendered_text, reply.updated_at = words, now
    if conversation.platform not in WITH_INTERFACE:
        reply.status = ReplyStatus.READY
        reply.save()
        return
    reply.status, reply.sent_at, reply.closed_by = ReplyStatus.SENT, now, reply.author_name
    reply.save()
    reply.message = outbox.queue_reply(
        conversation=conversation,
        text=words,
        metadata=metadata_of(reply),
        nonce=nonce_of(reply),
        template=reply.template.name if reply.template else "",
        now=now,
    )
    reply.save(update_fields=["message"])
    if reply.template_id is not None:
        templates.count_use(reply.template_id, at=now)


def metadata_of(reply: StaffReply) -> dict[str, Any]:
    """What a reply's message says about where it comes from."""
    return {"staff": _signature(reply), "staff_user": reply.author_id, "evidence": f"reply {reply.pk}"}


def nonce_of(reply: StaffReply) -> str:
    """The database takes one message with it."""
    return f"sr-{reply.pk}"


def _signature(reply: StaffReply) -> str:
    return reply.author_name if reply.author is None else reply_texts.full_name(reply.author)
