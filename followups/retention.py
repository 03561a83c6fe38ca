"""How long words and decisions are kept. Receipts of consent, follow-ups and their history are kept for good."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from followups import conf
from followups.llm import drafting
from followups.models import Draft, FollowUp, PolicyDecision, StaffFlag
from jobs import cleanup
from jobs.pruning import Rows
from socialmedia import conf as conversations
from socialmedia import retention
from socialmedia.models import Message


def register() -> None:
    """Let the clean-up know what grows old here."""
    cleanup.register(
        "old_conversations", Rows("messages", lambda: conversations.current().keep_messages, old_messages, by="sent_at")
    )
    cleanup.register("old_conversations", retention.channel_texts(lambda: conversations.current().keep_messages))
    cleanup.register(
        "old_conversations", Rows("drafts", lambda: conversations.current().keep_messages, old_drafts, by="created_at")
    )
    cleanup.register(
        "old_conversations", Rows("flags", lambda: conversations.current().keep_messages, old_flags, by="settled_at")
    )
    cleanup.register(
        "decisions", Rows("decisions", lambda: conf.current().keep_decisions, old_decisions, by="decided_at")
    )


def old_messages(before: datetime) -> QuerySet[Message]:
    """Old messages that no follow-up is about: its page shows how its message fared.

    The row of the conversation stays too, and with it the way to write to the member.
    """
    of_follow_up = FollowUp.objects.filter(message=OuterRef("pk"))
    return retention.old_messages(before=before).filter(~Exists(of_follow_up))


def old_drafts(before: datetime) -> QuerySet[Draft]:
    """What a model wrote long ago, with what it claims of the member. What was sent of it is in the history; what may
    still be sent stays. Served by idx_drafts_time.
    """
    return Draft.objects.filter(created_at__lt=before).exclude(status__in=drafting.LIVE)


def old_flags(before: datetime) -> QuerySet[StaffFlag]:
    """Flags that somebody dealt with long ago: they say how a member sounded. An open one waits, however long. Served
    by idx_flags_settled.
    """
    return StaffFlag.objects.filter(settled_at__lt=before)


def old_decisions(before: datetime) -> QuerySet[PolicyDecision]:
    """Old rows of the ledger; served by idx_decisions_time."""
    return PolicyDecision.objects.filter(decided_at__lt=before)
