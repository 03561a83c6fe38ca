"""The console's pages of messages."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from socialmedia.models import Message
from tests.followups.factories import make_automated, make_member, make_thread

pytestmark = pytest.mark.django_db


def make_doubtful(**values: object) -> Message:
    """A message that may or may not have arrived."""
    thread = make_thread(make_member())
    fields = {"message_text": "Hi.", "is_outgoing": True, "status": "unknown", "sent_at": timezone.now(), **values}
    return Message.objects.create(conversation=thread, **fields)


def page_of(message: Message, action: str) -> str:
    return f"{reverse('admin:socialmedia_message_changelist')}{message.pk}/{action}/"


class TestDoubtfulReply:
    @pytest.mark.parametrize(("action", "status"), [("it-arrived", "sent"), ("it-did-not-arrive", "failed")])
    def test_is_settled_by_a_person_who_looked(self, boss: Client, action: str, status: str) -> None:
        message = make_doubtful()
        assert page_of(message, action) in boss.get(page_of(message, "change")).content.decode()
        boss.get(page_of(message, action))
        message.refresh_from_db()
        assert message.status == "unknown"  # asking changes nothing
        boss.post(page_of(message, action))
        message.refresh_from_db()
        assert message.status == status

    def test_leaves_a_follow_ups_message_to_the_follow_ups_page(self, boss: Client) -> None:
        message = make_automated(make_member())
        Message.objects.filter(pk=message.pk).update(status="unknown")
        assert page_of(message, "it-arrived") not in boss.get(page_of(message, "change")).content.decode()
        boss.post(page_of(message, "it-arrived"))
        message.refresh_from_db()
        assert message.status == "unknown"
