"""The console's pages of members, consent and follow-ups."""

from followups.admin import events, members, plans

__all__ = ["events", "members", "plans"]
