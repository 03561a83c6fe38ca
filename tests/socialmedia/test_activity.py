"""Channel messages are noted once."""

from datetime import timedelta

import pytest

from socialmedia import activity
from socialmedia.models import Channel, ChannelActivity
from tests.socialmedia.factories import NOON, make_person

MINUTE = timedelta(minutes=1)
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

    def test_does_not_lose_the_name_of_a_channel_that_discord_does_not_tell(self) -> None:
        author = make_person()
        activity.record(message_id=5, channel=GENERAL, author=author, sent_at=NOON)
        unnamed = activity.ChannelRef(external_id="10", name="", guild_id="1", guild_name="Garden")
        assert activity.record(message_id=6, channel=unnamed, author=author, sent_at=NOON)
        assert Channel.objects.get().name == "general"


@pytest.mark.django_db
class TestTexts:
    @pytest.fixture(autouse=True)
    def _written(self) -> None:
        activity.record(message_id=5, channel=GENERAL, author=make_person(), sent_at=NOON, text="Good morning")

    def test_follow_an_edit_and_never_an_older_one(self) -> None:
        assert activity.change(message_id=5, text="Good evening", edited_at=NOON + 2 * MINUTE)
        assert not activity.change(message_id=5, text="Good noon", edited_at=NOON + MINUTE)
        assert not activity.change(message_id=5, text="Good evening", edited_at=NOON + 4 * MINUTE)
        assert not activity.change(message_id=5, text="In between", edited_at=NOON + 3 * MINUTE)
        assert not activity.change(message_id=6, text="Of nobody", edited_at=NOON)
        assert ChannelActivity.objects.get().text == "Good evening"

    def test_go_with_the_message_and_stay_gone(self) -> None:
        assert activity.take_back([5, 6], now=NOON + 2 * MINUTE) == 1
        assert not activity.change(message_id=5, text="Back", edited_at=NOON + MINUTE)
        row = ChannelActivity.objects.get()
        assert (row.text, row.sent_at) == ("", NOON)
        assert activity.is_known(5)
