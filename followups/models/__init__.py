"""One module per aggregate."""

from followups.models.consent import ConsentReceipt, ConsentState
from followups.models.decisions import PolicyDecision
from followups.models.followups import FollowUp, FollowUpHistory, FollowUpStatus, Trigger
from followups.models.profiles import RelationshipLevel, UserProfile

__all__ = [
    "ConsentReceipt",
    "ConsentState",
    "FollowUp",
    "FollowUpHistory",
    "FollowUpStatus",
    "PolicyDecision",
    "RelationshipLevel",
    "Trigger",
    "UserProfile",
]
