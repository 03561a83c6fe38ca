"""One module per aggregate."""

from followups.models.campaigns import Campaign, Holdout
from followups.models.consent import ConsentReceipt, ConsentState
from followups.models.decisions import PolicyDecision
from followups.models.drafts import Draft, DraftStatus, LlmCircuit
from followups.models.emotions import FlagKind, MessageEmotion, Rhythm, StaffFlag
from followups.models.events import Booking, BookingStatus
from followups.models.followups import FollowUp, FollowUpHistory, FollowUpStatus, Harm, Trigger
from followups.models.goals import Absence, Goal
from followups.models.privacy import ErasureReceipt
from followups.models.profiles import MOST_UNANSWERED, RelationshipLevel, Topic, UserProfile, every_topic

__all__ = [
    "MOST_UNANSWERED",
    "Absence",
    "Booking",
    "BookingStatus",
    "Campaign",
    "ConsentReceipt",
    "ConsentState",
    "Draft",
    "DraftStatus",
    "ErasureReceipt",
    "FlagKind",
    "FollowUp",
    "FollowUpHistory",
    "FollowUpStatus",
    "Goal",
    "Harm",
    "Holdout",
    "LlmCircuit",
    "MessageEmotion",
    "PolicyDecision",
    "RelationshipLevel",
    "Rhythm",
    "StaffFlag",
    "Topic",
    "Trigger",
    "UserProfile",
    "every_topic",
]
