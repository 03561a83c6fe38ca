"""The console's pages of members, consent, events, follow-ups, templates and flags."""

from followups.admin import campaigns, events, flags, members, plans, templates

__all__ = ["campaigns", "events", "flags", "members", "plans", "templates"]
