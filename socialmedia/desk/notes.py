"""What staff tell each other about a conversation. It is never sent anywhere."""

from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from socialmedia.desk import reply_texts
from socialmedia.models import ConversationNote

LONGEST: Final = 4000


class BadNote(ValueError):
    """A note that cannot be kept; the message says why."""


def add(conversation_id: int, *, text: str, by: User, now: datetime) -> ConversationNote:
    """Keep a note.

    Raises:
        BadNote: no words, too many, or no such conversation (any more).
    """
    words = reply_texts.clean(text)
    if not 0 < len(words) <= LONGEST:
        raise BadNote(f"A note has 1 to {LONGEST:,} characters.")
    note = ConversationNote(
        conversation_id=conversation_id, text=words, author=by, author_name=by.get_username(), created_at=now
    )
    try:
        with transaction.atomic():
            note.save()
    except IntegrityError:
        raise BadNote("This conversation is gone.") from None
    return note


def remove(note_id: int, *, by: User) -> bool:
    """Delete a note of one's own. False for somebody else's, and for one that is gone."""
    deleted, _ = ConversationNote.objects.filter(pk=note_id, author=by).delete()
    return bool(deleted)
