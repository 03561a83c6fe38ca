"""Which messages are old enough to be forgotten, which words in channels, which openings, and what providers said."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from jobs.pruning import Contents
from socialmedia import conf
from socialmedia.models import (
    AccountSnapshot,
    ActionType,
    ApiUsage,
    AutomationAction,
    ChannelActivity,
    Comment,
    Message,
    MessageStatus,
    Post,
    PostSnapshot,
    ReplyStatus,
    SearchResult,
    StaffReply,
)

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


def old_replies(before: datetime) -> QuerySet[StaffReply]:
    """Staff's replies that went, or never will; by idx_staff_replies_closed. Drafts and what is to be sent stay."""
    closed = (ReplyStatus.SENT, ReplyStatus.CANCELLED, ReplyStatus.FAILED)
    return StaffReply.objects.filter(status__in=closed, updated_at__lt=before)


def action_words() -> QuerySet[AutomationAction]:
    """Messages in the log of actions, with their words: these go with the messages. By idx_actions_words."""
    return AutomationAction.objects.filter(action_type=ActionType.MESSAGE).exclude(content_text="")


def channel_texts(keep: Callable[[], timedelta]) -> Contents:
    """The words of old channel messages: that somebody wrote then stays. By idx_activity_texts, in which nothing is
    where no words are kept.
    """
    return Contents(
        "channel_texts", keep, lambda: ChannelActivity.objects.exclude(text=""), by="sent_at", empty={"text": ""}
    )


def old_usage(before: datetime) -> QuerySet[ApiUsage]:
    """Calls of providers; served by idx_api_usage_requested."""
    return ApiUsage.objects.filter(requested_at__lt=before)


def payloads() -> list[Contents]:
    """What providers said word for word: the values that were read from it stay. Each by its partial index; the
    results of searches, which people make one by one, by the times of their searches.
    """
    kinds: dict[str, tuple[type[Model], str]] = {
        "snapshot_payloads": (PostSnapshot, "captured_at"),
        "post_payloads": (Post, "updated_at"),
        "comment_payloads": (Comment, "created_at"),
        "search_payloads": (SearchResult, "search__created_at"),
        "account_day_payloads": (AccountSnapshot, "created_at"),
    }
    return [
        Contents(name, lambda: conf.tracking().keep_raw, partial(_with_payload, model), by=by, empty={"raw_data": None})
        for name, (model, by) in kinds.items()
    ]


def _with_payload(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.filter(raw_data__isnull=False)  # noqa: SLF001 - documented
