"""Which messages are old enough to be forgotten."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from socialmedia.models import Message, MessageStatus

UNSETTLED = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN)
OVERLAP = timedelta(days=1)
"""The bot reads what it missed from a few seconds before the newest message it knows, as clocks differ."""


def old_messages(*, before: datetime) -> QuerySet[Message]:
    """Messages sent before a time that nothing here needs any more; served by idx_messages_sent_at.

    These stay, however old: what is not delivered yet or waits for a person; a conversation's last day of messages,
    which the inbox shows; and the last day of those that came in, since from there on the bot reads what it missed.
    Without them it would take old messages for new ones, and obey a `stop` that was taken back years ago.
    """
    same = Message.objects.filter(conversation=OuterRef("conversation"))
    later = same.filter(sent_at__gt=OuterRef("sent_at") + OVERLAP)  # by idx_messages_thread
    return (
        Message.objects.filter(sent_at__lt=before)
        .exclude(status__in=UNSETTLED)
        .filter(Q(Exists(later.filter(is_outgoing=False))) | (Q(is_outgoing=True) & Q(Exists(later))))
    )
