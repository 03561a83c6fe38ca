"""What the bot takes in, over the real gateway."""

import asyncio
from datetime import timedelta

import discord
import pytest
from django.db import connection
from django.utils import timezone

from bots import texts
from bots.database import run_unit
from bots.practice import faults, payloads
from bots.practice.server import PracticeServer
from bots.practice.world import User
from followups import consent, delivery
from followups.models import ConsentReceipt, FollowUp, FollowUpHistory, MessageEmotion, UserProfile
from socialmedia.models import Account, ChannelActivity, Conversation, Message
from tests.bots import running, support
from tests.bots.running import checkback, eventually

pytestmark = pytest.mark.usefixtures("database")


def ada(server: PracticeServer) -> User:
    """One of the community's people."""
    return support.people(server.world)[0]


def inbound() -> list[Message]:
    """What members wrote to the bot."""
    return list(Message.objects.filter(is_outgoing=False).select_related("conversation").order_by("pk"))


class TestStart:
    async def test_remembers_the_bot_as_one_of_ours(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            account = await run_unit(Account.objects.get, pk=bot.account.pk)
        assert (account.is_own, account.account_type) == (True, "bot")
        assert account.external_id == str(practice.world.bot.id)

    async def test_registers_commands_only_when_they_differ(self, practice: PracticeServer) -> None:
        for _ in range(2):
            async with checkback(practice):
                pass
        puts = [request for request in practice.requests if request.method == "PUT"]
        assert len(puts) == 1
        assert practice.world.find_command("followup_settings")


class TestPrivateMessages:
    async def test_are_stored_with_their_channel(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = await practice.member_says(ada(practice).id, "dm", "Hello bot")
            await bot.has_handled(written.id)
        (message,) = await run_unit(inbound)
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
        assert len(await run_unit(inbound)) == 1
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
        assert [message.message_text for message in await run_unit(inbound)] == ["Hello bot"]

    async def test_of_one_person_at_once_make_one_conversation(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            written = [await practice.member_says(ada(practice).id, "dm", f"number {n}") for n in range(5)]
            await bot.has_handled(*(message.id for message in written))
        assert await run_unit(Conversation.objects.count) == 1
        assert len(await run_unit(inbound)) == 5


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


class TestCatchUp:
    async def test_reads_what_was_written_while_nobody_listened(self, practice: PracticeServer) -> None:
        person = ada(practice)
        async with checkback(practice) as bot:
            before = await practice.member_says(person.id, "dm", "before")
            await bot.has_handled(before.id)
        missed = await practice.member_says(person.id, "dm", "meanwhile")
        async with checkback(practice) as bot:
            await bot.has_handled(missed.id)
            after = await practice.member_says(person.id, "dm", "after")
            await bot.has_handled(after.id)
        assert [message.message_text for message in await run_unit(inbound)] == ["before", "meanwhile", "after"]
        profile = await run_unit(UserProfile.objects.get, pk=str(person.id))
        assert profile.interaction_count == 3

    async def test_hears_a_missed_stop_before_anything_is_sent(self, practice: PracticeServer) -> None:
        person = ada(practice)
        async with checkback(practice) as bot:
            before = await practice.member_says(person.id, "dm", "before")
            await bot.has_handled(before.id)
        message = await run_unit(running.queue_automated, practice)
        await practice.member_says(person.id, "dm", "stop")
        async with checkback(practice):
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        assert answer.content.startswith(texts.STOPPED)
        assert practice.sent.empty()
        stored = await run_unit(Message.objects.get, pk=message.pk)
        assert stored.status == "suppressed"

    async def test_goes_on_after_a_message_that_cannot_be_taken_in(self, practice: PracticeServer) -> None:
        odd, person = support.people(practice.world)[:2]
        async with checkback(practice) as bot:
            for user in (person, odd):  # the newest conversation is read first
                before = await practice.member_says(user.id, "dm", "before")
                await bot.has_handled(before.id)
        await run_unit(running.opt_in, practice, 0)
        await run_unit(running.opt_in, practice, 1)
        odd.display_name = "x" * 300  # the database refuses it
        await practice.member_says(odd.id, "dm", "meanwhile")
        await practice.member_says(person.id, "dm", "stop")
        async with checkback(practice):
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        assert answer.content.startswith(texts.STOPPED)
        receipt = await run_unit(ConsentReceipt.objects.latest, "id")
        assert (receipt.user_id, receipt.state) == (str(person.id), "withdrawn")

    async def test_does_not_repeat_commands(self, practice: PracticeServer) -> None:
        person = ada(practice)
        async with checkback(practice) as bot:
            written = await practice.member_says(person.id, "dm", "!followup_settings on")
            await bot.has_handled(written.id)
            async with asyncio.timeout(10):
                await practice.sent.get()
            await practice.invoke_slash(person.id, "followup_settings", {"action": "off"})
        async with checkback(practice) as bot:
            await bot.has_handled(written.id)
        states = await run_unit(lambda: list(ConsentReceipt.objects.order_by("id").values_list("state", flat=True)))
        assert states == ["granted", "withdrawn"]
        assert practice.sent.empty()

    async def test_does_not_let_a_late_yes_undo_a_newer_no(self, practice: PracticeServer) -> None:
        person = ada(practice)
        async with checkback(practice) as bot:
            before = await practice.member_says(person.id, "dm", "before")
            await bot.has_handled(before.id)
        missed = await practice.member_says(person.id, "dm", "!followup_settings on")
        await run_unit(
            consent.withdraw, user_id=str(person.id), source="api", evidence="x", actor="x", now=timezone.now()
        )
        async with checkback(practice) as bot:
            await bot.has_handled(missed.id)
        receipt = await run_unit(ConsentReceipt.objects.latest, "id")
        assert receipt.state == "refused"


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


class TestDeliveryWhileRunning:
    async def test_starts_at_the_notification(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            message = await run_unit(running.queue, practice, "Quick.")
            async with asyncio.timeout(10):
                delivered = await practice.sent.get()
            await eventually(lambda: Message.objects.filter(pk=message.pk, status="sent").exists(), "the outcome")
        assert delivered.content == "Quick."
        assert delivered.sent_at - message.sent_at < timedelta(seconds=5)

    async def test_survives_the_loss_of_every_database_connection(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            await asyncio.to_thread(end_other_connections)
            written = await practice.member_says(ada(practice).id, "dm", "Still there?")
            await bot.has_handled(written.id)
            await run_unit(running.queue, practice, "Yes.")
            async with asyncio.timeout(20):
                delivered = await practice.sent.get()
        assert delivered.content == "Yes."
        assert [message.message_text for message in await run_unit(inbound)] == ["Still there?"]


def end_other_connections() -> None:
    """Let the database server drop everybody else, as it does when it restarts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()
