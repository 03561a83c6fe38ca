"""Replies on networks without an interface: a person copies them there, and says what became of it.

A place within the account's limits is taken before the words are shown for copying, so that the limits count what
may have been sent. A crash in between costs a place at most.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from socialmedia import actions, outbox, replies, reply_texts, templates, threads
from socialmedia.models import ActionType, AutomationAction, ReplyStatus, StaffReply

NOT_USED: Final = "not_used"
NOT_SENT: Final = "not_sent"


def show(reply_id: int, *, by: str, now: datetime) -> StaffReply:
    """Take a place for a reply that is ready, so that its words may be shown for copying; once. Must not be called
    inside a transaction.

    Raises:
        CannotReply: it is not ready (any more), or its conversation is shut.
        LimitReached: the account has sent as much as it may; the reply stays ready.
    """
    reply = StaffReply.objects.select_related("conversation__account").filter(pk=reply_id).first()
    if reply is None or reply.status != ReplyStatus.READY:
        raise reply_texts.CannotReply("This reply does not wait to be copied any more.")
    if reply.action_id is not None:
        return reply
    conversation = reply.conversation
    reply_texts.check_open(conversation)
    action = actions.begin(
        account=conversation.account,
        action_type=ActionType.MESSAGE,
        target_type="conversation",
        target_id=str(conversation.pk),
        target_username=conversation.participant_username,
        content_text=reply.rendered_text,
        triggered_by="manual",
        now=now,
    )
    if not _give(reply, action, by=by, now=now):
        reason = "Somebody else has taken a place for this reply, or it was cancelled."
        actions.finish(action, success=False, error_code=NOT_USED, error_message=reason, now=now)
    reply.refresh_from_db()
    return reply


def mark_sent(reply_id: int, *, by: str, now: datetime) -> bool:
    """A person has sent it on the network: it becomes a message of the conversation, and its place is confirmed. False
    when that is known, or nobody was shown its words.
    """
    with transaction.atomic():
        reply = _shown(reply_id)
        if reply is None or reply.action is None:
            return False
        reply.message = outbox.record_by_hand(
            conversation=reply.conversation,
            text=reply.rendered_text,
            metadata={**replies.metadata_of(reply), "by_hand": by},
            nonce=replies.nonce_of(reply),
            now=now,
        )
        reply.status, reply.sent_at, reply.closed_by, reply.updated_at = ReplyStatus.SENT, now, by, now
        reply.save()
        actions.finish(reply.action, success=True, now=now)
        if reply.template_id is not None:
            templates.count_use(reply.template_id, at=now)
    return True


def mark_not_sent(reply_id: int, *, reason: str, by: str, now: datetime) -> bool:
    """A person could not send it, or did not want to. Its place stays taken: the network may have counted the try.
    False when it does not wait for that.
    """
    with transaction.atomic():
        reply = _shown(reply_id)
        if reply is None or reply.action is None:
            return False
        words = " ".join(reason.split())[:255] or "It was not sent."
        reply.status, reply.problem, reply.closed_by, reply.updated_at = ReplyStatus.FAILED, words, by, now
        reply.save()
        actions.finish(reply.action, success=False, error_code=NOT_SENT, error_message=words, now=now)
    return True


def _give(reply: StaffReply, action: AutomationAction, *, by: str, now: datetime) -> bool:
    """Let the reply have its place, which says who took it. False when it has one, or does not wait any more."""
    with transaction.atomic():
        threads.locked(reply.conversation_id)
        waiting = StaffReply.objects.filter(pk=reply.pk, status=ReplyStatus.READY, action=None)
        AutomationAction.objects.filter(pk=action.pk).update(session_id=f"console: {by}"[:255])
        return bool(waiting.update(action=action, updated_at=now))


def _shown(reply_id: int) -> StaffReply | None:
    """The reply, its conversation locked, if its words were shown and nobody said yet what became of them."""
    reply = replies.locked(reply_id)
    is_shown = reply is not None and reply.status == ReplyStatus.READY and reply.action_id is not None
    return reply if is_shown else None
