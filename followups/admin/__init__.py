"""The console's pages of members, consent and follow-ups."""

from followups.admin import flags, members, plans

__all__ = ["flags", "members", "plans"]
