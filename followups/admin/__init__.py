"""The console's pages of members, consent and follow-ups."""

from followups.admin import campaigns, members, plans

__all__ = ["campaigns", "members", "plans"]
