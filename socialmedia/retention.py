"""Which messages are old enough to be forgotten, which words in channels, and which openings of private channels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from jobs.pruning import BATCH, Step, Survey
from socialmedia.models import ActionType, AutomationAction, ChannelActivity, Message, MessageStatus

UNSETTLED = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN)
OVERLAP = timedelta(days=1)
"""The bot reads what it missed from a few seconds before the newest message it knows, as clocks differ."""

KEEP_OPENINGS = timedelta(days=30)
KEEP_OPENINGS_AT_LEAST = timedelta(days=2)
"""The budget of new private channels counts those of the last day."""


def openings() -> QuerySet[AutomationAction]:
    """The openings of private channels. What else was done on a network stays in the log."""
    return AutomationAction.objects.filter(action_type=ActionType.OPEN_DM)


def old_openings(before: datetime) -> QuerySet[AutomationAction]:
    """By idx_actions_type: their budget and this clean-up keep them few."""
    return openings().filter(created_at__lt=before)


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


@dataclass(frozen=True)
class ChannelTexts:
    """The words of old channel messages: they are emptied, and that somebody wrote then stays. By idx_activity_texts,
    in which nothing is where no words are kept.
    """

    keep: Callable[[], timedelta]
    name: str = "channel_texts"

    def survey(self, *, before: datetime) -> Survey:
        """Count, and change nothing."""
        texts = ChannelActivity.objects.exclude(text="")
        return Survey(
            kind=self.name,
            before=before,
            total=texts.count(),
            is_estimate=False,
            removable=texts.filter(sent_at__lt=before).count(),
            oldest=texts.aggregate(oldest=Min("sent_at"))["oldest"],
        )

    def delete(self, *, before: datetime) -> Iterator[Step]:
        """Empty them, oldest first, in batches that wait for nobody; each is a transaction of its own."""
        old = ChannelActivity.objects.exclude(text="").filter(sent_at__lt=before)
        while True:
            with transaction.atomic():
                locked = old.order_by("sent_at").select_for_update(skip_locked=True)
                taken = list(locked.values_list("pk", flat=True)[:BATCH])
                ChannelActivity.objects.filter(pk__in=taken).update(text="")
            if taken:
                yield Step(len(taken))
            if len(taken) < BATCH:
                return
