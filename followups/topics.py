"""Which topic each trigger belongs to: what a member must want to hear about to get its follow-ups. Pure."""

from typing import Final

from followups.models import Topic, Trigger

TOPIC_OF: Final[dict[str, str]] = {
    Trigger.INACTIVITY: Topic.CHECK_INS,
    Trigger.EMOTION_BASED: Topic.CHECK_INS,
    Trigger.CUSTOM: Topic.CHECK_INS,
    Trigger.BIRTHDAY: Topic.CHECK_INS,
    Trigger.GOAL: Topic.CHECK_INS,
    Trigger.POST_EVENT: Topic.EVENTS,
    Trigger.RE_ENGAGEMENT: Topic.RE_ENGAGEMENT,
}
