"""What the bot hears, over the real gateway."""

import asyncio
from typing import Any

import discord
import pytest
from django.utils import timezone

from bots import listening, texts
from bots.database import run_unit
from bots.listening import Gone, SignsOfLife
from bots.practice import faults, payloads
from bots.practice.server import PracticeServer
from bots.practice.world import BOT_USER_ID, Json, User, snowflake_time
from bots.practice.world import Message as Written
from followups import consent, delivery
from followups.models import ConsentReceipt, FollowUp, FollowUpHistory, MessageEmotion, UserProfile
from socialmedia import inbox
from socialmedia.models import ChannelActivity, Conversation, Message
from tests.bots import running, support
from tests.bots.running import ada, checkback, eventually, received

pytestmark = pytest.mark.usefixtures("database")


def announce(server: PracticeServer, written: Written, **changes: Any) -> None:
    """Tell the bot of a message with some things about it changed, as Discord would."""
    server.gateway.dispatch("MESSAGE_CREATE", payloads.message_event(server.world, written) | changes)


def delete_many(server: PracticeServer, *rows: Written) -> None:
    """Let a moderator delete messages of a channel at once."""
    place = server.world.channel(rows[0].channel_id)
    data: Json = {"ids": [str(row.id) for row in rows], "channel_id": str(place.id), "guild_id": str(place.guild_id)}
    server.gateway.dispatch("MESSAGE_DELETE_BULK", data)


def words(*keys: int) -> list[str]:
    """What is kept of channel messages."""
    return [ChannelActivity.objects.get(pk=key).text for key in keys]


def taken_back() -> int:
    """How many private messages are known to be deleted."""
    return Message.objects.filter(deleted_at__isnull=False, message_text=inbox.TAKEN_BACK).count()


class TestPrivateMessages:
    async def test_are_stored_with_their_channel(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "Hello bot")
            await bot.has_handled(written.id)
        (message,) = await run_unit(received)
        assert (message.message_text, message.external_message_id) == ("Hello bot", str(written.id))
        assert message.conversation.external_channel_id == str(written.channel_id)
        assert message.conversation.participant_id == str(ada(practice).id)
        assert message.conversation.unread_count == 1
        profile = await run_unit(UserProfile.objects.get, pk=str(ada(practice).id))
        assert profile.last_interaction == message.sent_at
        assert profile.interaction_count == 1
        assert profile.follow_ups_enabled is False
        (reading,) = await run_unit(lambda: list(MessageEmotion.objects.all()))
        assert (reading.message_id, reading.user_id) == (message.pk, profile.pk)

    async def test_are_stored_once_when_discord_replays_them(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "Hello bot")
            practice.gateway.dispatch("MESSAGE_CREATE", payloads.message_event(practice.world, written))
            await bot.has_handled(written.id, written.id)
        assert len(await run_unit(received)) == 1
        conversation = await run_unit(Conversation.objects.get)
        assert conversation.unread_count == 1
        profile = await run_unit(UserProfile.objects.get, pk=str(ada(practice).id))
        assert profile.interaction_count == 1

    async def test_make_an_unreachable_member_reachable_again(self, practice: PracticeServer) -> None:
        person = ada(practice)
        refusal = practice.faults.add(faults.cannot_dm(person.id))
        async with checkback(practice) as bot:
            await run_unit(running.queue, practice)
            await eventually(
                lambda: UserProfile.objects.filter(pk=str(person.id), unreachable_since__isnull=False).exists(),
                "the member to be marked as unreachable",
            )
            practice.faults.remove(refusal)
            written = await practice.member_says(person.id, "dm", "I am back")
            await bot.has_handled(written.id)
        profile = await run_unit(UserProfile.objects.get, pk=str(person.id))
        assert profile.unreachable_since is None

    async def test_wait_for_a_database_that_is_away_for_long(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            with running.database_away():
                written = await practice.member_says(ada(practice).id, "dm", "stop")
                with pytest.raises(TimeoutError):  # it has not given up
                    async with asyncio.timeout(0.5):
                        await bot.has_handled(written.id)
            await bot.has_handled(written.id)
        receipt = await run_unit(ConsentReceipt.objects.latest, "id")
        assert receipt.state == "withdrawn"

    async def test_may_hold_what_the_database_does_not_store(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "Hello\x00 bot")
            await bot.has_handled(written.id)
        assert [message.message_text for message in await run_unit(received)] == ["Hello bot"]

    async def test_of_one_person_at_once_make_one_conversation(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = [await practice.member_says(ada(practice).id, "dm", f"number {n}") for n in range(5)]
            await bot.has_handled(*(message.id for message in written))
        assert await run_unit(Conversation.objects.count) == 1
        assert len(await run_unit(received)) == 5


class TestStopWord:
    @pytest.mark.parametrize(
        "word",
        [
            "stop",
            "Stop!",
            " STOP. ",
            "*stop*",
            "ｓｔｏｐ",
            "please stop",
            "Unsubscribe",
            "/followup_settings off",
            "`/followup_settings off`",
            "/followup_settings action:off",
            "!Followup_Settings OFF",
        ],
    )
    async def test_withdraws_and_is_answered(self, practice: PracticeServer, word: str) -> None:
        await run_unit(running.opt_in, practice)
        person = ada(practice)
        async with checkback(practice) as bot:
            written = await practice.member_says(person.id, "dm", word)
            await bot.has_handled(written.id)
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        assert "disabled" in answer.content
        receipt = await run_unit(ConsentReceipt.objects.latest, "id")
        assert (receipt.state, receipt.source) == ("withdrawn", "dm_stop_word")
        assert str(written.id) in receipt.evidence
        assert receipt.actor == str(person.id)

    async def test_is_only_the_exact_word(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            for words in ("I can't stop smiling", "non-stop", "What does /followup_settings off do?"):
                written = await practice.member_says(ada(practice).id, "dm", words)
                await bot.has_handled(written.id)
        assert await run_unit(consent.require, str(ada(practice).id))

    async def test_is_heard_in_an_edit(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "stpo")
            await bot.has_handled(written.id)
            practice.community.edit(written, {"content": "stop"})
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
            practice.community.edit(written, {"content": "stop!"})
            again = await practice.member_says(ada(practice).id, "dm", "Thanks")
            await bot.has_handled(again.id)
        assert answer.content.startswith(texts.STOPPED)
        states = await run_unit(lambda: list(ConsentReceipt.objects.order_by("id").values_list("state", flat=True)))
        assert states == ["granted", "withdrawn"]

    async def test_withdraws_once_when_replayed(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "stop")
            practice.gateway.dispatch("MESSAGE_CREATE", payloads.message_event(practice.world, written))
            await bot.has_handled(written.id, written.id)
        states = await run_unit(lambda: list(ConsentReceipt.objects.order_by("id").values_list("state", flat=True)))
        assert states == ["granted", "withdrawn"]


class TestChannelMessages:
    async def test_are_noted_without_their_words(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, support.general(practice), "Good morning")
            await bot.has_handled(written.id)
        row = await run_unit(lambda: ChannelActivity.objects.select_related("channel", "author").get())
        assert row.message_id == written.id
        assert (row.channel.name, row.channel.guild_name) == ("general", "Lantern Works")
        assert row.author.external_id == str(ada(practice).id)
        assert await run_unit(Message.objects.count) == 0
        profile = await run_unit(UserProfile.objects.get, pk=str(ada(practice).id))
        assert profile.last_interaction == row.sent_at

    async def test_of_bots_never_count(self, practice: PracticeServer) -> None:
        robot = practice.world.add_user(User(4_242, "robot", "Robot", is_bot=True))
        practice.world.join(next(iter(practice.world.guilds)), robot.id, now=timezone.now())
        async with checkback(practice) as bot:
            first = await practice.member_says(robot.id, support.general(practice), "beep")
            second = await practice.bot_says(support.general(practice), "I am the bot itself")
            await bot.has_handled(first.id, second.id)
        assert await run_unit(ChannelActivity.objects.count) == 0
        assert await run_unit(UserProfile.objects.count) == 0


class TestReactions:
    async def test_to_a_follow_up_are_noted_and_are_no_message(self, practice: PracticeServer) -> None:  # PEERS 28
        person = ada(practice)

        def delivered() -> Message | None:
            return Message.objects.filter(is_outgoing=True, status="sent").first()

        def make_it_a_follow_up(message: Message) -> None:
            FollowUp.objects.create(
                user_id=str(person.id),
                trigger_type="custom",
                scheduled_at=message.sent_at,
                dedupe_key="k",
                message=message,
            )
            delivery.on_sent(message, now=message.sent_at)

        async with checkback(practice) as bot:
            await run_unit(running.queue, practice)
            message = await eventually(delivered, "the delivery")
            await run_unit(make_it_a_follow_up, message)
            before = await run_unit(UserProfile.objects.values().get, pk=str(person.id))
            channel = await bot.create_dm(discord.Object(person.id))
            row = practice.world.message(channel.id, int(message.external_message_id or 0))
            await practice.member_reacts(person.id, row)
            reacted = FollowUpHistory.objects.filter(reacted_at__isnull=False)
            sent = await eventually(reacted.first, "the reaction")
        assert (sent.response_received, sent.returned_at) == (False, None)
        assert await run_unit(UserProfile.objects.values().get, pk=str(person.id)) == before


class TestMembers:
    async def test_who_leave_are_marked_and_who_come_back_are_not(self, practice: PracticeServer) -> None:
        person = ada(practice)
        await run_unit(running.profile_of, practice)
        async with checkback(practice):
            await practice.member_leaves(person.id)
            await eventually(
                lambda: UserProfile.objects.filter(pk=str(person.id), left_at__isnull=False).exists(),
                "the member to have left",
            )
            await practice.member_joins(person.id)
            await eventually(
                lambda: UserProfile.objects.filter(pk=str(person.id), left_at__isnull=True).exists(),
                "the member to be back",
            )


class TestEdits:
    async def test_of_private_messages_change_what_is_stored(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "I am so happy")
            await bot.has_handled(written.id)
            practice.community.edit(written, {"content": "I am so sad"})
            changed = Message.objects.filter(message_text="I am so sad").select_related("conversation")
            message = await eventually(changed.first, "the edit")
        assert message.edited_at == written.edited_at
        assert message.conversation.last_message_preview == "I am so sad"
        assert (await run_unit(MessageEmotion.objects.get)).category == "sad"

    async def test_of_a_message_that_was_missed_bring_it_in(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            await practice.member_says(ada(practice).id, "dm", "Hello")
            missed = practice.world.add_message(
                Written(
                    practice.world.new_id(timezone.now()),
                    practice.channel_for(ada(practice).id, "dm").id,
                    ada(practice).id,
                    "Nobody heard this",
                    timezone.now(),
                )
            )
            practice.community.edit(missed, {"content": "Somebody hears this"})
            message = await eventually(
                Message.objects.filter(external_message_id=str(missed.id)).first, "the message that was missed"
            )
            assert bot.is_ready()
        assert (message.message_text, message.sent_at) == ("Somebody hears this", snowflake_time(missed.id))
        profile = await run_unit(UserProfile.objects.get, pk=str(ada(practice).id))
        assert profile.interaction_count == 2

    async def test_into_a_command_carry_nothing_out(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "I am so happy")
            await bot.has_handled(written.id)
            practice.community.edit(written, {"content": "!followup_settings on"})
            message = await eventually(Message.objects.filter(metadata__command=True).first, "the edit")
        assert message.message_text == "!followup_settings on"
        assert not await run_unit(MessageEmotion.objects.exists)
        assert not await run_unit(ConsentReceipt.objects.exists)


class TestDeletions:
    async def test_take_the_words_back(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "My secret")
            await bot.has_handled(written.id)
            practice.community.delete(written)
            await eventually(taken_back, "the deletion")
        conversation = await run_unit(Conversation.objects.get)
        assert conversation.last_message_preview == inbox.TAKEN_BACK
        profile = await run_unit(UserProfile.objects.get, pk=str(ada(practice).id))
        assert profile.interaction_count == 1

    async def test_of_our_own_messages_are_noted_alike(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            await run_unit(running.queue, practice, "Wrong window")
            sent = await eventually(Message.objects.filter(status="sent").first, "the delivery")
            channel = practice.channel_for(ada(practice).id, "dm")
            practice.community.delete(practice.world.message(channel.id, int(sent.external_message_id or 0)))
            await eventually(taken_back, "the deletion")
        assert (await run_unit(Message.objects.get)).status == "sent"

    async def test_that_overtake_the_message_leave_no_words_and_a_stop_is_a_stop(
        self, practice: PracticeServer
    ) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            before = await practice.member_says(ada(practice).id, "dm", "before")
            await bot.has_handled(before.id)
            with running.database_away():
                first = await practice.member_says(ada(practice).id, "dm", "My secret")
                second = await practice.member_says(ada(practice).id, "dm", "stop")
                practice.community.delete(first)
                practice.community.delete(second)
            await bot.has_handled(first.id, second.id)
            await eventually(lambda: taken_back() == 2, "both deletions")
        assert [message.message_text for message in await run_unit(received)] == ["before"] + [inbox.TAKEN_BACK] * 2
        receipt = await run_unit(ConsentReceipt.objects.latest, "id")
        assert receipt.state == "withdrawn"

    async def test_of_what_we_never_knew_change_nothing(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "Hello")
            await bot.has_handled(written.id)
            gone = {"id": "5", "channel_id": str(written.channel_id)}
            practice.gateway.dispatch("MESSAGE_DELETE", gone)
            practice.gateway.dispatch("MESSAGE_DELETE", gone | {"channel_id": "6"})
            after = await practice.member_says(ada(practice).id, "dm", "still here")
            await bot.has_handled(after.id)
        assert await run_unit(taken_back) == 0
        assert len(await run_unit(received)) == 2


class TestChannelTexts:
    @pytest.fixture(autouse=True)
    def _kept(self, settings: Any) -> None:
        settings.DISCORD_KEEP_CHANNEL_TEXTS = True

    async def test_are_kept_changed_and_taken_back(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            place = support.general(practice)
            rows = [await practice.member_says(ada(practice).id, place, f"number {n}") for n in range(4)]
            await bot.has_handled(*(row.id for row in rows))
            assert await run_unit(words, *(row.id for row in rows)) == [f"number {n}" for n in range(4)]
            practice.community.edit(rows[0], {"content": "changed"})
            practice.community.delete(rows[1])
            delete_many(practice, rows[2], rows[3])
            await eventually(
                lambda: words(*(row.id for row in rows)) == ["changed", "", "", ""], "the edit and the deletions"
            )
        profile = await run_unit(UserProfile.objects.get, pk=str(ada(practice).id))
        assert profile.interaction_count == 4

    async def test_go_with_an_edit_after_the_community_has_changed_its_mind(
        self, practice: PracticeServer, settings: Any
    ) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, support.general(practice), "Good morning")
            await bot.has_handled(written.id)
            settings.DISCORD_KEEP_CHANNEL_TEXTS = False
            practice.community.edit(written, {"content": "Good evening"})
            await eventually(lambda: words(written.id) == [""], "the words to go")


class TestWhoCounts:
    async def test_in_threads_and_forum_posts_too(self, practice: PracticeServer) -> None:
        guild = next(iter(practice.world.guilds.values()))
        thread_id = practice.world.new_id(timezone.now())
        thread: Json = {
            "id": str(thread_id),
            "guild_id": str(guild.id),
            "parent_id": str(support.general(practice)),
            "owner_id": str(ada(practice).id),
            "type": 11,
            "name": "plans",
            "message_count": 1,
            "member_count": 1,
            "rate_limit_per_user": 0,
            "flags": 0,
            "thread_metadata": {
                "archived": False,
                "auto_archive_duration": 1440,
                "archive_timestamp": timezone.now().isoformat(),
                "locked": False,
            },
        }
        async with checkback(practice) as bot:
            practice.gateway.dispatch("THREAD_CREATE", thread)
            written = await practice.member_says(ada(practice).id, support.general(practice), "in the channel")
            announce(practice, written, id=str(written.id + 1), channel_id=str(thread_id))
            await bot.has_handled(written.id, written.id + 1)
        rows = await run_unit(
            lambda: list(ChannelActivity.objects.order_by("pk").values_list("channel__name", flat=True))
        )
        assert rows == ["general", "plans"]

    async def test_no_webhook_and_none_of_discords_own_notices(self, practice: PracticeServer) -> None:  # PEERS 28
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, support.general(practice), "I wrote this")
            announce(practice, written, id=str(written.id + 1), webhook_id="77")
            for number, kind in enumerate((7, 18, 21), start=2):  # a new member, a thread began, its first message
                announce(practice, written, id=str(written.id + number), type=kind)
            announce(practice, written, id=str(written.id + 5), type=19)  # an answer
            await bot.has_handled(*(written.id + number for number in range(6)))
        rows = await run_unit(lambda: list(ChannelActivity.objects.order_by("pk").values_list("pk", flat=True)))
        assert rows == [written.id, written.id + 5]


class TestSignsInChannels:
    async def test_move_the_last_activity_and_count_no_message(self, practice: PracticeServer) -> None:
        person, other = support.people(practice.world)[:2]
        async with checkback(practice) as bot:
            written = await practice.member_says(other.id, support.general(practice), "What do you think?")
            await bot.has_handled(written.id)
            await run_unit(running.profile_of, practice)
            await practice.member_reacts(person.id, written)
            ours = UserProfile.objects.filter(pk=str(person.id), last_interaction__isnull=False)
            profile = await eventually(ours.first, "the sign of life")
        assert profile.interaction_count == 0
        assert profile.last_interaction is not None
        assert profile.last_interaction >= written.sent_at

    async def test_of_private_messages_may_be_taken_away_again(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "Hello")
            await bot.has_handled(written.id)
            before = await run_unit(UserProfile.objects.values().get, pk=str(ada(practice).id))
            for add in (True, False):
                practice.community.react(written, ada(practice).id, "👍", add=add)
            after = await practice.member_says(support.people(practice.world)[1].id, "dm", "And now?")
            await bot.has_handled(after.id)
        assert await run_unit(UserProfile.objects.values().get, pk=str(ada(practice).id)) == before

    def test_are_looked_at_once_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        signs = SignsOfLife()
        assert [signs.is_news(1), signs.is_news(2), signs.is_news(1)] == [True, True, False]
        monkeypatch.setattr(listening, "ONE_SIGN_SECONDS", -1.0)
        signs = SignsOfLife()
        assert [signs.is_news(1), signs.is_news(1)] == [True, True]


class TestGone:
    def test_remembers_the_latest(self) -> None:
        gone = Gone(most=3)
        gone.add([1, 2])
        gone.add([3, 4])
        assert [number in gone for number in (1, 2, 3, 4)] == [False, True, True, True]


class TestCommunities:
    async def test_who_leaves_one_of_two_is_still_here(self, practice: PracticeServer) -> None:
        person, world = ada(practice), practice.world
        second = world.add_guild(world.new_id(timezone.now()), "Second", owner_id=BOT_USER_ID, now=timezone.now())
        world.join(second.id, person.id, now=timezone.now())
        await run_unit(running.profile_of, practice)
        left = UserProfile.objects.filter(left_at__isnull=False)
        async with checkback(practice) as bot:
            await practice.member_leaves(person.id)
            written = await practice.member_says(person.id, "dm", "I am still in the other one")
            await bot.has_handled(written.id)
            assert not await run_unit(left.exists)
            await practice.member_leaves(person.id, second.id)
            await eventually(left.exists, "the member to have left")

    async def test_a_bot_that_is_thrown_out_marks_nobody(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            guild = next(iter(practice.world.guilds))
            practice.gateway.dispatch("GUILD_DELETE", {"id": str(guild)})
            written = await practice.member_says(ada(practice).id, "dm", "Where have you gone?")
            await bot.has_handled(written.id)
            assert not bot.guilds
        assert not await run_unit(UserProfile.objects.filter(left_at__isnull=False).exists)
