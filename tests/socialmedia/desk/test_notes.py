"""Staff's notes: kept, deleted by their author only, and never sent."""

import pytest

from socialmedia.desk import notes
from socialmedia.desk.notes import BadNote
from socialmedia.models import ConversationNote, Message
from tests.socialmedia.desk.factories import make_staff
from tests.socialmedia.factories import NOON, make_conversation

pytestmark = pytest.mark.django_db


class TestNotes:
    def test_are_kept_and_sent_nowhere(self) -> None:
        chat, ann = make_conversation(), make_staff("ann")
        note = notes.add(chat.pk, text=" Was rude on the phone. ", by=ann, now=NOON)
        assert (note.text, note.author_name, note.created_at) == ("Was rude on the phone.", "ann", NOON)
        assert not Message.objects.exists()

    @pytest.mark.parametrize("text", ["", " \x00", "x" * (notes.LONGEST + 1)])
    def test_have_words(self, text: str) -> None:
        with pytest.raises(BadNote, match="has 1 to 4,000"):
            notes.add(make_conversation().pk, text=text, by=make_staff(), now=NOON)

    def test_are_deleted_by_their_author_only(self) -> None:
        ann, bob = make_staff(), make_staff()
        note = notes.add(make_conversation().pk, text="x", by=ann, now=NOON)
        assert [notes.remove(note.pk, by=by) for by in (bob, ann, ann)] == [False, True, False]
        assert not ConversationNote.objects.exists()
