"""Replies on networks without an interface: a person copies them there, and says what became of it.

A place within the account's limits is taken before the words are shown for copying, so that the limits count what
may have been sent. Both are one transaction: a reply has one place, and a crash costs none.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from socialmedia import actions, outbox, templates
from socialmedia.desk import replies, reply_texts
from socialmedia.models import ActionType, AutomationAction, ReplyStatus, StaffReply

NOT_SENT: Final = "not_sent"


@transaction.atomic(durable=True)
def show(reply_id: int, *, by: str, now: datetime) -> StaffReply:
    """Take a place for a reply that is ready, so that its words may be shown for copying; once, whoever asks and how
    often. Must not be called inside a transaction.

    Raises:
        CannotReply: it is not ready (any more), or its conversation is shut.
        LimitReached: the account has sent as much as it may; the reply stays ready.
    """
    reply = replies.locked(reply_id)
    if reply is None or reply.status != ReplyStatus.READY:
        raise reply_texts.CannotReply("This reply does not wait to be copied any more.")
    if reply.action_id is not None:
        return reply
    conversation = reply.conversation
    reply_texts.check_open(conversation)
    reply.action = actions.begin(
        account=conversation.account,
        action_type=ActionType.MESSAGE,
        target_type="conversation",
        target_id=str(conversation.pk),
        target_username=conversation.participant_username,
        content_text=reply.rendered_text,
        triggered_by="manual",
        is_part=True,  # nobody sees the words before it is committed, with the reply that has it
        now=now,
    )
    reply.updated_at = now
    reply.save(update_fields=["action", "updated_at"])
    AutomationAction.objects.filter(pk=reply.action.pk).update(session_id=f"console: {by}"[:255])
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


def _shown(reply_id: int) -> StaffReply | None:
    """The reply, its conversation locked, if its words were shown and nobody said yet what became of them."""
    reply = replies.locked(reply_id)
    is_shown = reply is not None and reply.status == ReplyStatus.READY and reply.action_id is not None
    return reply if is_shown else None
