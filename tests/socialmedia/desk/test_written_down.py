"""Conversations on networks without an interface: begun by staff, who write down what came in."""

import pytest

from socialmedia.desk import written_down
from socialmedia.desk.written_down import BadEntry
from socialmedia.models import Account, Conversation, Message
from tests.socialmedia.desk.factories import HOUR, make_chat, make_later, make_tiktok_chat
from tests.socialmedia.factories import NOON

pytestmark = pytest.mark.django_db


class TestBegin:
    def begin(self, platform: str = "tiktok", ours: str = "@Our.Page", theirs: str = "ada") -> Conversation:
        return written_down.begin(platform=platform, ours=ours, theirs=theirs, now=NOON)

    def test_makes_the_accounts_and_their_one_conversation(self) -> None:
        made = self.begin()
        assert self.begin() == made
        assert (made.platform, made.participant_username, made.account.username) == ("tiktok", "ada", "our.page")
        assert dict(Account.objects.values_list("username", "is_own")) == {"our.page": True, "ada": False}

    def test_takes_an_account_that_was_only_looked_at_for_our_own(self) -> None:
        known = Account.objects.create(platform="tiktok", username="our.page", external_id="5")
        assert self.begin().account == known
        known.refresh_from_db()
        assert known.is_own

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"platform": "discord"}, "platform"),
            ({"platform": "myspace"}, "platform"),
            ({"ours": " "}, "ours"),
            ({"theirs": "https://tiktok.com/@ada"}, "theirs"),
            ({"theirs": "our.page"}, "theirs"),
            ({"theirs": "a\x00b"}, "theirs"),
        ],
    )
    def test_stores_nothing_of_what_makes_no_sense(self, values: dict[str, str], field: str) -> None:
        with pytest.raises(BadEntry) as refused:
            self.begin(**values)
        assert refused.value.field == field
        assert not Account.objects.exists()


class TestWriteDown:
    def write(self, chat: Conversation, text: str = "Nice video!", key: str = "k", hours: int = 0) -> Message | None:
        return written_down.write_down(chat.pk, text=text, sent_at=NOON - hours * HOUR, by="ann", key=key, now=NOON)

    def test_counts_as_any_message_that_came_in(self) -> None:
        chat = make_tiktok_chat(has_written=False)
        kept = self.write(chat)
        assert kept is not None
        assert (kept.is_outgoing, kept.metadata) == (False, {"written_down_by": "ann"})
        chat.refresh_from_db()
        assert (chat.unread_count, chat.last_message_preview) == (1, "Nice video!")

    def test_happens_once_for_a_click(self) -> None:
        chat = make_tiktok_chat(has_written=False)
        assert self.write(chat) is not None
        assert self.write(chat) is None

    def test_cancels_what_was_to_go_only_if_they_did_not_write(self) -> None:
        chat = make_tiktok_chat()
        later = make_later(chat)
        self.write(chat)
        later.refresh_from_db()
        assert later.status == "cancelled"

    @pytest.mark.parametrize(("values", "field"), [({"text": " "}, "text"), ({"hours": -1}, "sent_at")])
    def test_needs_words_and_a_time_in_the_past(self, values: dict[str, str], field: str) -> None:
        with pytest.raises(BadEntry) as refused:
            self.write(make_tiktok_chat(has_written=False), **values)  # type: ignore[arg-type]
        assert refused.value.field == field

    def test_is_not_for_discord_which_tells_us_itself(self) -> None:
        with pytest.raises(BadEntry, match="arrives by itself"):
            self.write(make_chat())
