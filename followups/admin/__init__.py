"""The console's pages of members, consent, events, follow-ups, drafts, templates, campaigns and flags."""

from followups.admin import campaigns, drafts, events, flags, members, plans, templates

__all__ = ["campaigns", "drafts", "events", "flags", "members", "plans", "templates"]
