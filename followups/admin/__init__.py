"""The console's pages of members, consent, follow-ups and drafts."""

from followups.admin import drafts, members, plans

__all__ = ["drafts", "members", "plans"]
