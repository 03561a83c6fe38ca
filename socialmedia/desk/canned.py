"""Canned replies: published templates that no trigger uses, for staff to put into a reply."""

import re
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from socialmedia import templates
from socialmedia.desk import reply_texts
from socialmedia.models import Conversation, MessageTemplate, TemplateCategory, TemplateStatus
from socialmedia.templates import BadTemplate, Place, Rules

MOST_SHOWN: Final = 100
CATEGORIES: Final = (TemplateCategory.CUSTOM, TemplateCategory.WELCOME, TemplateCategory.THANK_YOU)
_NO_LETTERS: Final = re.compile(r"[^a-z0-9]+")


def usable() -> QuerySet[MessageTemplate]:
    """Those that may be used now."""
    return MessageTemplate.objects.filter(
        status=TemplateStatus.PUBLISHED, trigger="", category__in=CATEGORIES, is_active=True, paused_at=None
    )


def offered(conversation: Conversation) -> QuerySet[MessageTemplate]:
    """What fits a conversation, the most used first."""
    ours = usable().filter(Q(account=None) | Q(account=conversation.account_id))
    return ours.order_by(F("times_used").desc(), "name", "pk")[:MOST_SHOWN]


def find(template_id: int, conversation: Conversation) -> MessageTemplate | None:
    """One of those that fit."""
    return usable().filter(Q(account=None) | Q(account=conversation.account_id), pk=template_id).first()


def add(*, name: str, text: str, by: str, now: datetime) -> MessageTemplate:
    """Make a canned reply for all accounts, ready for use. One of the same name gets these words as a new version.

    Raises:
        BadTemplate: no name, or no text that could be sent.
    """
    key = f"canned_{_NO_LETTERS.sub('_', name.lower()).strip('_')}"[:50]
    if key == "canned_":
        raise BadTemplate("name", "A canned reply needs a name with letters or digits.")
    try:
        words = reply_texts.check_template(text)
    except reply_texts.CannotReply as error:
        raise BadTemplate("text", str(error)) from None
    rules = Rules(frozenset(reply_texts.PLACEHOLDERS), reply_texts.LONGEST, frozenset({"en"}))
    with transaction.atomic():
        draft = templates.save_draft(place=Place(key=key, trigger=""), text=words, rules=rules, name=name, now=now)
        return templates.publish(draft.pk, by=by, now=now)
