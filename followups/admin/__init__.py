"""The console's pages of members, consent, events, follow-ups, templates and flags."""

from followups.admin import events, flags, members, plans, templates

__all__ = ["events", "flags", "members", "plans", "templates"]
