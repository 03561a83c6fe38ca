"""What the bot keeps about members, for their exports and for forgetting."""

from datetime import datetime

from django.db.models import Q, QuerySet

from bots.models import BotControl, StaffPost
from bots.staff import posts
from followups.models import UserProfile
from followups.privacy.holdings import Holding, hold
from followups.privacy.redaction import Kept, keep
from socialmedia.models import Conversation


def register() -> None:
    """Add the bot's tables to those that are exported and erased, or kept without the name of who was forgotten.

    Not the threads of staff: their rows lose their conversation and stay until the bot has deleted the thread itself.
    Of posts in the staff channel an empty row stays as long.
    """
    hold(Holding("staff_posts", StaffPost, _posts))
    hold(Holding("staff_notices", StaffPost, _notices, before_erasure=_withdraw))
    # What waits to be posted in the staff channel about something else, and names them.
    keep(Kept(StaffPost, ("text",), without=Q(text="")))
    keep(Kept(BotControl, ("stopped_by", "stop_reason", "opening_pause_reason")))


def _posts(member: UserProfile) -> QuerySet[StaffPost]:
    theirs = Conversation.objects.filter(participant_id=member.user_id)
    return StaffPost.objects.filter(conversation__in=theirs)


def _notices(member: UserProfile) -> QuerySet[StaffPost]:
    return StaffPost.objects.filter(user_id=member.user_id)


def _withdraw(member: UserProfile, now: datetime) -> None:
    posts.withdraw(_notices(member), now=now)
