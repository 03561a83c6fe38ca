"""A member of staff answers a member of the community from their thread."""

from datetime import datetime

from django.db import transaction

from bots import conf
from bots.models import StaffThread
from bots.people import Person
from followups import consent, members
from followups.models import UserProfile
from socialmedia import outbox
from socialmedia.desk import reply_texts, threads
from socialmedia.models import Conversation, Message


class CannotAnswer(Exception):
    """The member does not get this; the message is a sentence for staff. Nothing has changed."""


@transaction.atomic
def answer(
    *, thread_id: int, text: str, by: Person, evidence: str, has_files: bool = False, now: datetime
) -> Message | None:
    """Queue the answer as a private message, once for each piece of evidence: None when it is known.

    A member who never wrote in private and has not opted in is not written to: that would be no answer.

    Raises:
        CannotAnswer: it is no such thread, the text is empty or too long, has files, the conversation is shut, or the
            member did not ask.
    """
    conversation = _conversation(thread_id)
    if has_files:
        raise CannotAnswer("An answer carries words only, so nothing was sent. Put a link to the file into it.")
    try:
        words = reply_texts.check_words(text)
    except reply_texts.CannotReply as error:
        raise CannotAnswer(str(error)) from None
    user_id = conversation.participant_id
    try:
        member = members.lock(user_id)
    except UserProfile.DoesNotExist:
        raise CannotAnswer("This member is not known any more.") from None
    try:
        conversation = threads.locked(conversation.pk)
    except Conversation.DoesNotExist:
        raise CannotAnswer("This member is not known any more.") from None
    if Message.objects.filter(conversation=conversation, metadata__evidence=evidence).exists():
        return None
    try:
        reply_texts.check_open(conversation)
    except reply_texts.CannotReply as error:
        raise CannotAnswer(str(error)) from None
    if not reply_texts.has_written(conversation) and not _has_opted_in(user_id):
        raise CannotAnswer("This member never wrote to the bot and has not opted in, so nothing is sent to them.")
    if member.unreachable_since is not None:
        raise CannotAnswer("Discord does not let the bot write to this member. They must write first.")
    metadata = {"staff": by.display_name or by.username, "staff_id": by.external_id, "evidence": evidence}
    return outbox.queue_reply(conversation=conversation, text=words, metadata=metadata, now=now)


def _conversation(thread_id: int) -> Conversation:
    known = StaffThread.objects.filter(thread_id=str(thread_id), channel_id=str(conf.current().staff_channel))
    thread = known.select_related("conversation").first()
    if thread is None or thread.conversation is None:
        raise CannotAnswer("Answer in the thread of the member, below the staff channel.")
    return thread.conversation


def _has_opted_in(user_id: str) -> bool:
    try:
        consent.require(user_id)
    except consent.ConsentMissing:
        return False
    return True
