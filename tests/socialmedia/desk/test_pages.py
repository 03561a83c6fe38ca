"""The console's inbox: its boxes, the chat page, and what its buttons do."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from socialmedia import inbox, outbox, templates
from socialmedia.desk import boxes, canned, replies, threads
from socialmedia.desk.boxes import BOXES, Looking
from socialmedia.models import Account, Conversation, ConversationNote, Message, MessageTemplate, StaffReply
from tests.config.factories import make_staff as make_user
from tests.socialmedia.desk.factories import HOUR, make_chat, make_tiktok_chat, outgoing, say, written
from tests.socialmedia.factories import NOON, make_bot, make_conversation, make_person

pytestmark = pytest.mark.django_db

LIST = "/admin/socialmedia/conversation/"
KEY = "0" * 32
SCRIPT = Path(inbox.__file__).parent / "static" / "inbox" / "thread.js"


def address(conversation: Conversation, what: str = "change") -> str:
    """A page of a conversation."""
    return reverse(f"admin:socialmedia_conversation_{what}", args=[conversation.pk])


def page(browser: Client, conversation: Conversation) -> str:
    """The chat page's HTML."""
    answer = browser.get(address(conversation))
    assert answer.status_code == 200
    return str(answer.content.decode())


def press(browser: Client, conversation: Conversation, act: str, **data: Any) -> str:
    """Press a button, and return what is told."""
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    answer = browser.post(address(conversation, "act"), {"key": KEY, "seen": newest, **data, "act": act})
    assert answer.status_code == 302, answer.status_code
    return str(list(get_messages(answer.wsgi_request))[-1])  # those told before were not shown yet


class TestBoxes:
    def names(self, chat: Conversation, user_id: int = 0) -> set[str]:
        looking = Looking(user_id, NOON)
        return {box.name for box in BOXES if box.rows(Conversation.objects.all(), looking).filter(pk=chat.pk).exists()}

    def test_hold_what_their_names_say(self) -> None:
        chat, ann = make_chat(), make_user()
        assert self.names(chat) == {"inbox", "unread", "unassigned", "all"}
        threads.mark_read(chat.pk, now=NOON)
        threads.assign(chat.pk, to=ann, now=NOON)
        assert self.names(chat, ann.pk) == {"inbox", "mine", "all"}
        threads.snooze(chat.pk, until=NOON + HOUR, now=NOON)
        assert self.names(chat, ann.pk) == {"snoozed", "all"}
        threads.snooze(chat.pk, until=NOON + timedelta(seconds=1), now=NOON - HOUR)
        Conversation.objects.update(snoozed_until=NOON)
        assert self.names(chat, ann.pk) == {"inbox", "mine", "all"}  # its time has come, without anybody's doing
        threads.archive(chat.pk, now=NOON)
        assert self.names(chat, ann.pk) == {"archived", "all"}
        threads.mark_spam(chat.pk, by="ann", now=NOON)
        assert self.names(chat, ann.pk) == {"shut", "all"}

    def test_show_what_waits_for_a_hand(self) -> None:
        chat = make_tiktok_chat()
        replies.send(written(chat), now=NOON)
        assert "by_hand" in self.names(chat)

    def test_fall_back_to_the_inbox(self) -> None:
        assert boxes.find("nonsense").name == "inbox"


class TestList:
    def test_shows_the_box_with_its_counts(self, boss: Client) -> None:
        chat, away = make_chat(), make_chat()
        threads.archive(away.pk, now=NOON)
        outbox.queue_reply(conversation=chat, text="x", now=NOON)
        answer = boss.get(LIST)
        assert [row.pk for row in answer.context["cl"].result_list] == [chat.pk]
        assert 'title="1 from them, 1 from us">2<' in answer.content.decode()
        assert [row.pk for row in boss.get(LIST, {"box": "archived"}).context["cl"].result_list] == [away.pk]
        assert 'aria-current="page"' in answer.content.decode()

    def test_finds_by_handle_and_by_exact_id_wherever_it_is(self, boss: Client) -> None:
        ada = make_conversation(make_bot(), make_person("4711", username="ada.l"))
        fan = make_tiktok_chat()
        make_chat()
        threads.archive(ada.pk, now=NOON)
        for words, found in (("4711", ada), ("@ada.l", ada), (f"@{fan.participant_username.upper()}", fan)):
            assert [row.pk for row in boss.get(LIST, {"q": words}).context["cl"].result_list] == [found.pk]
        assert list(boss.get(LIST, {"q": "adal"}).context["cl"].result_list) == []

    def test_asks_few_questions_for_fifty(self, boss: Client, django_assert_max_num_queries: Any) -> None:
        bot = make_bot()
        for _ in range(50):
            say(make_conversation(bot))
        with django_assert_max_num_queries(9):
            assert len(boss.get(LIST).context["cl"].result_list) == 50


class TestPage:
    def test_shows_the_chat_from_old_to_new_with_its_days(self, boss: Client) -> None:
        chat = make_chat()
        say(chat, "The day after", at=NOON + 24 * HOUR)
        reply = outbox.queue_reply(conversation=chat, text="Ours", metadata={"staff": "Ann"}, now=NOON)
        Message.objects.filter(pk=reply.pk).update(status="failed", error_message="Cannot send messages to this user")
        html = page(boss, chat)
        order = [html.index(words) for words in ("10 March 2026", "Hello?", "Ours", "11 March 2026", "The day after")]
        assert order == sorted(order)
        assert "Ann (staff)" in html
        assert "Cannot send messages to this user" in html

    def test_shows_fifty_and_leads_to_the_older(self, boss: Client) -> None:
        chat = make_conversation()
        for number in range(60):
            say(chat, f"<{number}>", at=NOON + timedelta(minutes=number))
        newest = boss.get(address(chat))
        shown = [bubble.row.message_text for bubble in newest.context["bubbles"]]
        assert shown == [f"<{number}>" for number in range(10, 60)]
        older = boss.get(address(chat), {"before": newest.context["older"]})
        assert [bubble.row.message_text for bubble in older.context["bubbles"]] == [f"<{n}>" for n in range(10)]
        assert older.context["older"] is None
        for nonsense in ("x", "9" * 30, "-1", "٣"):
            assert boss.get(address(chat), {"before": nonsense}).status_code == 200

    def test_shows_words_from_outside_as_words(self, boss: Client) -> None:
        evil = "<script>alert(1)</script>"
        chat = make_conversation(make_bot(), make_person(display_name=evil))
        say(
            chat,
            evil,
            metadata={
                "attachments": [
                    {"filename": evil, "url": "javascript:alert(1)"},
                    {"filename": "b", "url": 'https://x.y/"><script>'},
                    "nonsense",
                ]
            },
        )
        for html in (page(boss, chat), boss.get(LIST).content.decode()):
            assert evil not in html
            assert "javascript:" not in html
            assert 'y/"><script>' not in html
        assert 'rel="noopener noreferrer"' in page(boss, chat)

    def test_hides_what_was_taken_back(self, boss: Client) -> None:
        chat = make_conversation()
        message = say(chat, "Secret")
        inbox.take_back(conversation=chat, external_message_ids=[str(message.external_message_id)], now=NOON)
        assert "Taken back by" in page(boss, chat)

    def test_marks_nothing_as_read(self, boss: Client) -> None:
        chat = make_chat()
        page(boss, chat)
        chat.refresh_from_db()
        assert chat.unread_count == 1

    def test_asks_few_questions(self, boss: Client, django_assert_max_num_queries: Any) -> None:
        chat = make_chat()
        for number in range(60):
            say(chat, str(number))
            ConversationNote.objects.create(conversation=chat, text="x", author=User.objects.get())
        with django_assert_max_num_queries(18):
            page(boss, chat)

    def test_loads_no_script_but_its_own(self, boss: Client) -> None:
        html = page(boss, make_chat())
        assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', html)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", SCRIPT.read_text())


class TestPermissions:
    def test_let_viewers_look_and_do_nothing(self, client: Client) -> None:
        chat = make_chat()
        client.force_login(make_user("socialmedia.view_conversation"))
        html = page(client, chat)
        assert "Hello?" in html
        assert 'name="act"' not in html
        for what in ("act", "block", "spam"):
            assert client.post(address(chat, what), {"act": "archive"}).status_code == 403
        assert client.get(LIST + "new/").status_code == 403

    def test_let_those_name_our_accounts_who_may_add_them(self, client: Client) -> None:
        client.force_login(make_user("socialmedia.change_conversation"))
        fields = {"platform": "tiktok", "ours": "@rival", "theirs": "@ada"}
        assert "none of our accounts" in client.post(LIST + "new/", fields).content.decode()
        assert not Conversation.objects.exists()
        Account.objects.create(platform="tiktok", username="rival", is_own=True)
        client.post(LIST + "new/", fields)
        assert Conversation.objects.get().participant_username == "ada"

    def test_let_nobody_else_look(self, client: Client) -> None:
        chat = make_chat()
        client.force_login(make_user("jobs.view_scheduledjob"))
        assert client.get(address(chat)).status_code == 403

    def test_change_nothing_by_a_link_or_from_another_site(self) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(make_user("socialmedia.change_conversation"))
        chat = make_chat()
        assert browser.get(address(chat, "act")).status_code == 405
        assert browser.get(address(chat, "block")).status_code == 200
        assert browser.post(address(chat, "act"), {"act": "archive"}).status_code == 403
        chat.refresh_from_db()
        assert (chat.is_archived, chat.is_blocked) == (False, False)


class TestReplyBox:
    def test_sends_once_and_marks_what_was_seen_as_read(self, boss: Client) -> None:
        chat = make_chat()
        seen = Message.objects.get().pk
        assert press(boss, chat, "send", text="Hi {name}!", seen=seen) == "It is on its way."
        press(boss, chat, "send", text="Hi {name}!", seen=seen)
        assert outgoing(chat) == ["Hi Ada!"]
        chat.refresh_from_db()
        assert chat.unread_count == 0

    def test_keeps_the_words_of_a_reply_that_is_refused(self, boss: Client) -> None:
        chat = make_chat()
        assert "not known here" in press(boss, chat, "send", text="Hi {nickname}!")
        assert "Hi {nickname}!" in page(boss, chat)
        assert "was not on your page yet" in press(boss, chat, "send", text="Precious words", seen=0)
        assert "Precious words" in page(boss, chat)
        assert "kept as a draft" in press(boss, chat, "send_later", text="Dear words", send_at="soon")
        assert "Dear words" in page(boss, chat)
        assert outgoing(chat) == []

    def test_sends_later_and_lets_staff_change_and_cancel(self, boss: Client) -> None:
        chat = make_chat()
        assert "kept as a draft" in press(boss, chat, "send_later", text="Well?")
        at = timezone.now() + timedelta(days=2)
        press(boss, chat, "send_later", text="Well?", send_at=f"{at:%Y-%m-%dT%H:%M}", cancel_on_answer="1")
        reply = StaffReply.objects.get()
        assert (reply.status, reply.cancel_on_answer) == ("scheduled", True)
        moved = at + timedelta(days=1)
        press(boss, chat, "change", reply=reply.pk, text="So?", send_at=f"{moved:%Y-%m-%dT%H:%M}")
        assert LogEntry.objects.filter(change_message__contains="Changed a reply").exists()  # it bears another's name
        assert press(boss, chat, "cancel", reply=reply.pk) == "Cancelled."
        reply.refresh_from_db()
        assert (reply.status, reply.text) == ("cancelled", "So?")

    def test_puts_a_canned_reply_into_the_draft(self, boss: Client) -> None:
        chat = make_chat()
        press(boss, chat, "keep_canned", text="Thanks, {name}!", canned_name="Thanks")
        template = MessageTemplate.objects.get(name="Thanks")
        press(boss, chat, "insert", text="Dear Ada,", template=template.pk)
        draft = StaffReply.objects.get()
        assert (draft.text, draft.template) == ("Dear Ada,\nThanks, {name}!", template)
        assert press(boss, chat, "insert", text="", template=0) != ""
        press(boss, chat, "send", text=draft.text)
        assert canned.offered(chat)[0].times_used == 1

    def test_offers_the_words_that_the_page_of_templates_gives_a_canned_reply(self, boss: Client) -> None:
        chat = make_chat()
        template = canned.add(name="Thanks", text="Thanks!", by="ann", now=NOON)
        edit = reverse("admin:socialmedia_messagetemplate_edit", args=[template.pk])
        assert "{staff}" in boss.get(edit).content.decode()
        boss.post(edit, {"text": "Thanks, {name}! {staff}", "name": "Thanks", "weight": 1})
        draft = MessageTemplate.objects.exclude(pk=template.pk).get(key="canned_thanks")
        templates.publish(draft.pk, by="ann", now=NOON)
        assert [row.template_text for row in canned.offered(chat)] == ["Thanks, {name}! {staff}"]

    def test_reaches_no_reply_of_another_conversation(self, boss: Client) -> None:
        chat, other = make_chat(), make_chat()
        later = replies.send_later(written(other), send_at=timezone.now() + timedelta(days=1), now=timezone.now())
        for act in ("cancel", "change", "show", "sent", "not_sent"):
            told = press(boss, chat, act, reply=later.pk, text="x", send_at="2030-01-01T10:00")
            assert told == "This reply is not known any more."

    def test_understands_no_nonsense(self, boss: Client) -> None:
        chat = make_chat()
        assert "not known" in press(boss, chat, "explode")
        assert press(boss, chat, "send", text="x", key="short")
        assert press(boss, chat, "send", text="x", seen="9" * 40)
        assert press(boss, chat, "assign", staff="9" * 40) == "This person is not known any more."
        assert press(boss, chat, "snooze", until="soon") == "Say until when it is snoozed."
        assert press(boss, chat, "cancel", reply="٣") == "This reply is not known any more."
        assert outgoing(chat) == []

    def test_is_closed_where_nothing_may_be_sent(self, boss: Client) -> None:
        chat = make_chat()
        boss.post(address(chat, "spam"))
        assert "Nothing is sent here" in page(boss, chat)
        assert "people are only answered" in page(boss, make_conversation())


class TestStates:
    def test_are_changed_and_kept_in_the_history(self, boss: Client) -> None:
        chat, ann = make_chat(), make_user(username="ann")
        assert press(boss, chat, "mute") == "Muted: no notices."
        assert press(boss, chat, "assign", staff=ann.pk) == "Assigned to ann."
        assert press(boss, chat, "snooze", preset="In 1 hour") == "Snoozed."
        assert press(boss, chat, "unsnooze") == "Back in the inbox."
        assert press(boss, chat, "read") == "Marked as read."
        assert press(boss, chat, "take") == "Assigned to boss."
        told = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
        assert told == ["Muted: no notices.", "Assigned to ann.", "Snoozed.", "Back in the inbox.", "Assigned to boss."]
        assert boss.get(address(chat, "history")).status_code == 200

    def test_shut_only_after_a_question(self, boss: Client) -> None:
        chat = make_chat()
        assert "Block this conversation?" in boss.get(address(chat, "block")).content.decode()
        boss.post(address(chat, "block"))
        chat.refresh_from_db()
        assert chat.is_blocked
        assert "Messages may go out again." in press(boss, chat, "unblock")


class TestNotes:
    def test_are_added_and_deleted_by_their_author(self, boss: Client) -> None:
        chat = make_chat()
        press(boss, chat, "add_note", note="Rude on the phone")
        assert "Rude on the phone" in page(boss, chat)
        assert press(boss, chat, "remove_note", note_id=ConversationNote.objects.get().pk) == "Deleted."
        assert "Only whoever wrote" in press(boss, chat, "remove_note", note_id="٣")


@pytest.mark.django_db(transaction=True)
class TestByHand:
    def test_goes_from_a_handle_to_a_message_that_was_sent(self, boss: Client) -> None:
        boss.post(LIST + "new/", {"platform": "tiktok", "ours": "@our.page", "theirs": "@ada"})
        chat = Conversation.objects.get()
        assert "people are only answered" in page(boss, chat)
        press(boss, chat, "write_down", text="Love it!")
        assert "written down by boss" in page(boss, chat)
        assert press(boss, chat, "send", text="Thank you, {name}!").startswith("Ready")
        assert "Thank you, ada!" in page(boss, chat)
        reply = StaffReply.objects.get()
        assert press(boss, chat, "sent", reply=reply.pk) == "Noted: it is sent."
        assert press(boss, chat, "sent", reply=reply.pk) == "That is known already."
        assert outgoing(chat) == ["Thank you, ada!"]

    def test_says_what_is_wrong_with_a_handle(self, boss: Client) -> None:
        answer = boss.post(LIST + "new/", {"platform": "tiktok", "ours": "a b", "theirs": "@ada"})
        assert "A TikTok handle has" in answer.content.decode()
        assert not Conversation.objects.exists()
