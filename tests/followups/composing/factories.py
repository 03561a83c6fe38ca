"""Templates and moods for tests."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from followups.composing import variables
from followups.models import MessageEmotion, UserProfile
from socialmedia import inbox, templates
from socialmedia.models import MessageTemplate
from socialmedia.templates import Place
from tests.followups.factories import NOON, make_thread


def make_draft(key: str, text: str, *, trigger: str = "custom", weight: int = 1, **place: Any) -> MessageTemplate:
    """A draft of a template."""
    return templates.save_draft(
        place=Place(key=key, trigger=trigger, **place),
        text=text,
        rules=variables.rules(trigger),
        weight=weight,
        now=NOON,
    )


def make_template(key: str, text: str, **more: Any) -> MessageTemplate:
    """A published template."""
    return templates.publish(make_draft(key, text, **more).pk, by="boss", now=NOON)


def make_moods(member: UserProfile, scores: Sequence[float]) -> None:
    """Messages of the member with these scores, newest first."""
    thread = make_thread(member)
    for number, score in enumerate(scores):
        at = NOON - timedelta(hours=number + 1)
        message = inbox.record_inbound(
            conversation=thread, external_message_id=f"mood {number}", text="…", sent_at=at, now=NOON
        )
        assert message is not None
        MessageEmotion.objects.create(
            message=message,
            user=member,
            sent_at=at,
            score=score,
            label="neutral",
            category="neutral",
            intensity=0.5,
            confidence=1,
            method="test",
        )
