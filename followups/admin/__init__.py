"""The console's pages of members, consent and follow-ups."""

from followups.admin import members, plans

__all__ = ["members", "plans"]
