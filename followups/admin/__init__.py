"""The console's pages of members, consent, follow-ups, templates and flags."""

from followups.admin import flags, members, plans, templates

__all__ = ["flags", "members", "plans", "templates"]
