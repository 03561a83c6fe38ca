"""What staff are shown of a member's private messages."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from bots import outcomes
from bots.models import StaffPost
from bots.staff import mirror
from socialmedia import outbox
from socialmedia.models import Conversation, Message
from tests.followups.factories import NOON, make_member, make_thread, say

pytestmark = pytest.mark.django_db


class TestReceived:
    @pytest.mark.parametrize(("change", "shown"), [({}, 1), ({"is_muted": True}, 0), ({"is_spam": True}, 0)])
    def test_is_shown_unless_the_conversation_is_muted_or_shut(
        self, settings: Settings, change: dict[str, bool], shown: int
    ) -> None:
        settings.DISCORD_STAFF_CHANNEL, settings.DISCORD_STAFF_THREADS = 4000, True
        member = make_member()
        message = say(member, "Hello?")
        Conversation.objects.update(**change)
        message.refresh_from_db()
        mirror.received(message)
        assert StaffPost.objects.count() == shown


class TestNotSent:
    @pytest.mark.parametrize("metadata", [{"staff": "Ann"}, {}])
    def test_tells_staff_of_their_own_answers_alone(self, settings: Settings, metadata: dict[str, str]) -> None:
        settings.DISCORD_STAFF_CHANNEL = 4000
        thread = make_thread(make_member())
        queued = outbox.queue_reply(conversation=thread, text="We are here.", metadata=metadata, now=NOON)
        (held,) = outbox.claim(account=thread.account, limit=1, lease=timedelta(minutes=1))

        assert outcomes.settle_failed(held, code="50007", reason="Discord says no", unreachable=True, now=NOON)

        assert Message.objects.get(pk=queued.pk).status == "failed"
        told = list(StaffPost.objects.values_list("conversation", "text"))
        assert told == (
            [(thread.pk, "⚠️ This answer did not arrive (Discord says no):\nWe are here.")] if metadata else []
        )
