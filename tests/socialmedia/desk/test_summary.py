"""The seed's view of conversations to look at. ORIGINS 8.27."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from socialmedia import inbox, outbox
from socialmedia.desk import threads
from socialmedia.models import ConversationSummary
from tests.socialmedia.desk.factories import make_chat, say
from tests.socialmedia.factories import NOON, make_bot, make_conversation, make_person

pytestmark = pytest.mark.django_db

COLUMNS = [
    "id",
    "platform",
    "participant_username",
    "participant_display_name",
    "last_message_at",
    "last_message_preview",
    "unread_count",
    "our_account",
    "total_messages",
    "sent_messages",
    "received_messages",
]


def explain(statement: str) -> dict[str, Any]:
    """The plan, after running it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (plan,) = cursor.fetchone()
    found = json.loads(plan) if isinstance(plan, str) else plan
    return dict(found[0]["Plan"])


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """All steps of a plan."""
    return [plan, *(node for inner in plan.get("Plans", []) for node in nodes(inner))]


class TestView:
    def test_has_the_seeds_columns_in_its_order(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM active_conversations_summary")
            assert [column.name for column in cursor.description or ()] == COLUMNS

    def test_shows_the_newest_first_and_those_without_messages_last(self) -> None:
        silent, old, new = make_conversation(), make_conversation(), make_conversation()
        say(old, at=NOON - timedelta(days=1))
        say(new)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM active_conversations_summary")
            assert [key for (key,) in cursor.fetchall()] == [new.pk, old.pk, silent.pk]
        assert [row.pk for row in inbox.active()] == [new.pk, old.pk, silent.pk]
        assert [row.pk for row in inbox.active(limit=1)] == [new.pk]

    def test_leaves_out_what_is_archived_blocked_or_spam(self) -> None:
        chats = [make_chat() for _ in range(4)]
        threads.archive(chats[0].pk, now=NOON)
        threads.block(chats[1].pk, by="ann", now=NOON)
        threads.mark_spam(chats[2].pk, by="ann", now=NOON)
        assert [row.pk for row in inbox.active()] == [chats[3].pk]

    def test_counts_what_went_each_way(self) -> None:
        chat = make_conversation(make_bot(), make_person(display_name="Ada"))
        say(chat, "One")
        say(chat, "Two", at=NOON + timedelta(minutes=1))
        outbox.queue_reply(conversation=chat, text="Answer", now=NOON)
        row = ConversationSummary.objects.get()
        assert (row.total_messages, row.sent_messages, row.received_messages, row.unread_count) == (3, 1, 2, 2)
        assert (row.participant_display_name, row.last_message_preview, row.our_account) == ("Ada", "Two", "checkback")

    def test_reads_a_page_of_many_by_its_index(self) -> None:
        bot = make_bot()
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO social_media_conversations
                    (account_id, platform, participant_username, last_message_at, is_archived)
                SELECT %s, 'discord', n::text, now() - n * interval '1 minute', n %% 3 = 0
                FROM generate_series(1, 20000) AS n
                """,
                [bot.pk],
            )
            cursor.execute(
                """
                INSERT INTO social_media_messages (conversation_id, message_text, is_outgoing, sent_at, metadata)
                SELECT id, 'x', id % 2 = 0, now(), '{}' FROM social_media_conversations
                """
            )
            cursor.execute("ANALYZE social_media_conversations, social_media_messages")
        page = ConversationSummary.objects.all()[:50]
        steps = nodes(explain(str(page.query)))
        reading = [step for step in steps if step.get("Relation Name") == "social_media_conversations"]
        assert [(step.get("Index Name"), step["Actual Rows"]) for step in reading] == [("idx_conversations_open", 50)]
        counting = [step for step in steps if step.get("Relation Name") == "social_media_messages"]
        assert {step.get("Index Name") for step in counting} == {"idx_messages_thread"}
        assert all(step["Actual Loops"] == 50 for step in counting)
