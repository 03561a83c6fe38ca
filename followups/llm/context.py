"""What the model gets to know of a member: their own words to us, and what they or the trigger said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from followups import conf, moods
from followups.composing import plain
from followups.models import FollowUp, Goal, UserProfile
from socialmedia.models import Conversation, Message, MessageStatus

LINES: Final = 20
LONGEST_LINE: Final = 500
LONGEST_FACT: Final = 200
ESCALATED_FROM: Final = 3
_ARRIVED: Final = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)


@dataclass(frozen=True)
class Line:
    """One message of the conversation."""

    message_id: int
    text: str
    is_theirs: bool
    sent_at: datetime

    @property
    def source(self) -> str:
        """What a claim calls it."""
        return f"m{self.message_id}"


@dataclass(frozen=True)
class Context:
    """Everything that a text may rest on. What is not in here is invented."""

    name: str
    level: int
    mood: str
    trigger: str
    language: str
    silence: timedelta | None
    is_escalated: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else is known, by the name that a claim calls it: `goal` in the member's words, `event` by its name,
    `interests` as a list."""
    lines: tuple[Line, ...] = ()
    """The last messages of both sides, oldest first."""

    @property
    def newest_message_id(self) -> int | None:
        """The newest message of the member, or None without any."""
        return next((line.message_id for line in reversed(self.lines) if line.is_theirs), None)


def gather(follow_up: FollowUp, profile: UserProfile, conversation: Conversation | None, *, now: datetime) -> Context:
    """Collect it in three queries. Only stored private messages with this very member, never a channel's."""
    return Context(
        name=profile.name,
        level=profile.relationship_level,
        mood=moods.of_member(profile.pk).value,
        trigger=follow_up.trigger_type,
        language=language_of(profile),
        silence=None if profile.last_interaction is None else now - profile.last_interaction,
        is_escalated=profile.escalation_count >= ESCALATED_FROM,
        facts=_facts(follow_up, profile),
        lines=_lines(profile, conversation),
    )


def language_of(profile: UserProfile) -> str:
    """The member's language, or the community's, without its country: `pt` for `pt-BR`."""
    return (profile.locale or conf.current().language).replace("_", "-").partition("-")[0].lower()


def _facts(follow_up: FollowUp, profile: UserProfile) -> dict[str, str]:
    data: Mapping[str, Any] = follow_up.trigger_data
    goal = Goal.objects.filter(user=profile, closed_at=None).values_list("text", flat=True).first()
    known = {"goal": goal or "", "event": str(data.get("event") or ""), "interests": ", ".join(profile.interests)}
    shown = {name: plain(text, longest=LONGEST_FACT).replace("\\", "") for name, text in known.items()}
    return {name: text for name, text in shown.items() if text}


def _lines(profile: UserProfile, conversation: Conversation | None) -> tuple[Line, ...]:
    """The newest messages, by idx_messages_thread, but for those that were taken back."""
    if conversation is None or conversation.participant_id != profile.pk:
        return ()
    rows = Message.objects.filter(conversation=conversation, status__in=_ARRIVED, deleted_at=None)
    rows = rows.exclude(message_text="")
    newest = rows.order_by("-sent_at", "-id").values_list("id", "message_text", "is_outgoing", "sent_at")[:LINES]
    lines = [Line(pk, text[:LONGEST_LINE], not is_outgoing, sent_at) for pk, text, is_outgoing, sent_at in newest]
    return tuple(reversed(lines))
