"""History in bulk: what was sent, and what came of it."""

from datetime import datetime, timedelta
from typing import Any

from followups.models import FollowUp, FollowUpHistory, Holdout, UserProfile
from jobs.figures import Span
from socialmedia.models import MessageTemplate
from tests.followups.factories import DAY, HOUR, NOON

RIPE = NOON - 10 * DAY
"""Old enough to judge at NOON: the window for answers is seven days."""
SPAN = Span(NOON - 30 * DAY, NOON)


def make_history(
    profile: UserProfile,
    count: int,
    *,
    answered: int = 0,
    harmed: int = 0,
    returned: int = 0,
    after: timedelta = HOUR,
    at: datetime = RIPE,
    **columns: Any,
) -> None:
    """So many messages to the member, of which the first so many were answered, did harm, brought them back."""
    FollowUpHistory.objects.bulk_create(
        FollowUpHistory(
            user=profile,
            message_sent="Hi!",
            sent_at=at,
            response_received=number < answered,
            response_time=at + after if number < answered else None,
            returned_at=at + HOUR if number < returned else None,
            harm="opt_out" if number < harmed else "",
            harm_at=at + HOUR if number < harmed else None,
            **{"trigger_type": "inactivity", **columns},
        )
        for number in range(count)
    )


def make_holdouts(
    profile: UserProfile, count: int, *, returned: int = 0, at: datetime = RIPE, trigger: str = "inactivity"
) -> None:
    """So many occasions on which the member was kept without a message."""
    plans = FollowUp.objects.bulk_create(
        FollowUp(
            user=profile,
            trigger_type=trigger,
            scheduled_at=at,
            status="skipped",
            reason="holdout",
            dedupe_key=f"holdout {trigger} {at} {number} {profile.pk}",
        )
        for number in range(count)
    )
    Holdout.objects.bulk_create(
        Holdout(
            follow_up=plan,
            user=profile,
            trigger_type=trigger,
            held_at=at,
            returned_at=at + HOUR if number < returned else None,
        )
        for number, plan in enumerate(plans)
    )


def make_text(**columns: Any) -> MessageTemplate:
    """A published text that was last changed long ago."""
    return MessageTemplate.objects.create(
        **{
            "name": "Quiet",
            "key": "quiet",
            "template_text": "Hi {name}!",
            "status": "published",
            "updated_at": NOON - 90 * DAY,
            **columns,
        }
    )
