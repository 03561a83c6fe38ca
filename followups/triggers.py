"""What makes a follow-up: each of the seed documents' occasions, as one call."""

from datetime import datetime

from followups import planning
from followups.models import Trigger
from followups.planning import Plan


def schedule_emotion_checkin(
    *, user_id: str, average: float, conversation_id: str = "", message_id: int | None = None, now: datetime
) -> Plan:
    """Plan a check-in for a member whose last messages sounded unhappy (`average` of their scores, 0 to 1)."""
    return planning.plan(
        user_id=user_id,
        trigger=Trigger.EMOTION_BASED,
        trigger_data={"average": round(average, 3), "message_id": message_id},
        conversation_id=conversation_id,
        now=now,
    )
