"""The console's pages of members, consent and follow-ups."""

from followups.admin import members, plans, templates

__all__ = ["members", "plans", "templates"]
