"""Channel messages are noted once, without their words."""

import pytest

from socialmedia import activity
from socialmedia.models import Channel, ChannelActivity
from tests.socialmedia.factories import NOON, make_person

GENERAL = activity.ChannelRef(external_id="10", name="general", guild_id="1", guild_name="Garden")


@pytest.mark.django_db
class TestRecord:
    def test_notes_who_wrote_where_and_when(self) -> None:
        author = make_person()
        assert activity.record(message_id=5, channel=GENERAL, author=author, sent_at=NOON)
        row = ChannelActivity.objects.select_related("channel").get()
        assert (row.message_id, row.author_id, row.sent_at) == (5, author.pk, NOON)
        assert (row.channel.external_id, row.channel.name, row.channel.guild_name) == ("10", "general", "Garden")

    def test_counts_a_message_once(self) -> None:
        author = make_person()
        assert activity.record(message_id=5, channel=GENERAL, author=author, sent_at=NOON)
        assert not activity.record(message_id=5, channel=GENERAL, author=author, sent_at=NOON)
        assert ChannelActivity.objects.count() == 1

    def test_follows_a_renamed_channel(self) -> None:
        author = make_person()
        activity.record(message_id=5, channel=GENERAL, author=author, sent_at=NOON)
        renamed = activity.ChannelRef(external_id="10", name="lounge", guild_id="1", guild_name="Garden")
        assert activity.record(message_id=6, channel=renamed, author=author, sent_at=NOON)
        assert Channel.objects.get().name == "lounge"
