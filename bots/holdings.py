"""What the bot keeps about members, for their exports and for forgetting."""

from django.db.models import QuerySet

from bots.models import BotControl, StaffPost
from followups.models import UserProfile
from followups.privacy.holdings import Holding, hold
from followups.privacy.redaction import Kept, keep
from socialmedia.models import Conversation


def register() -> None:
    """Add the bot's tables to those that are exported and erased, or kept without the name of who was forgotten.

    Not the threads of staff: their rows lose their conversation and stay until the bot has deleted the thread itself.
    """
    hold(Holding("staff_posts", StaffPost, _posts))
    keep(Kept(BotControl, ("stopped_by", "stop_reason", "opening_pause_reason")))


def _posts(member: UserProfile) -> QuerySet[StaffPost]:
    theirs = Conversation.objects.filter(participant_id=member.user_id)
    return StaffPost.objects.filter(conversation__in=theirs)
