"""How long words and decisions are kept. Receipts of consent, follow-ups and their history are kept for good."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from followups import conf
from followups.models import FollowUp, PolicyDecision
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
    cleanup.register(
        "decisions", Rows("decisions", lambda: conf.current().keep_decisions, old_decisions, by="decided_at")
    )


def old_messages(before: datetime) -> QuerySet[Message]:
    """Old messages that no follow-up is about: its page shows how its message fared.

    The row of the conversation stays too, and with it the way to write to the member.
    """
    of_follow_up = FollowUp.objects.filter(message=OuterRef("pk"))
    return retention.old_messages(before=before).filter(~Exists(of_follow_up))


def old_decisions(before: datetime) -> QuerySet[PolicyDecision]:
    """Old rows of the ledger; served by idx_decisions_time."""
    return PolicyDecision.objects.filter(decided_at__lt=before)
