"""`help`, `bot_status`, and what looks like a command and is none."""

import asyncio

import pytest

from bots import texts
from bots.database import run_unit
from bots.practice import payloads
from bots.practice.server import PracticeServer
from bots.practice.world import User
from followups.models import UserProfile
from socialmedia.models import Message
from tests.bots import support
from tests.bots.running import checkback

OWNER, MEMBER = 0, 2


def person(server: PracticeServer, index: int = MEMBER) -> int:
    """One of the community's people; the first is its administrator."""
    return support.people(server.world)[index].id


@pytest.mark.usefixtures("database")
class TestHelp:
    async def test_shows_what_the_asker_may_use(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            general = support.general(practice)
            (mine,) = await practice.invoke_slash(person(practice), "help", where=general)
            (of_staff,) = await practice.invoke_slash(person(practice, OWNER), "help", where=general)
        for name in ("followup_settings", "followups", "mydata", "goal", "birthday", "bot_status", "help"):
            assert f"- `/{name}`" in mine.content
        assert "`/mydata` `show`, `export`, `forget`: " in mine.content
        assert "stop_all" not in mine.content
        assert "reply" not in mine.content
        assert "- `/stop_all`: For the team" in of_staff.content
        assert "- `/reply`: Staff: answer" in of_staff.content
        assert len(of_staff.content) < 2000


@pytest.mark.usefixtures("database")
class TestBots:
    async def test_are_not_heard(self, practice: PracticeServer) -> None:
        other = User(1_100_000_000_000_000_001, "otherbot", "Other Bot", is_bot=True)
        async with checkback(practice) as bot:
            await practice.member_joins(other)
            keys = [
                (await practice.member_says(other.id, support.general(practice), text)).id
                for text in ("!help", "!followup_settings on", "!stop_all")
            ]
            await bot.has_handled(*keys)
        assert await run_unit(Message.objects.count) == 0
        assert not await run_unit(UserProfile.objects.filter(pk=str(other.id)).exists)


@pytest.mark.usefixtures("database")
class TestUnknown:
    async def test_is_kept_and_answered_with_a_hint_in_private(self, practice: PracticeServer) -> None:
        """It may be a message to us that only begins like a command."""
        async with checkback(practice) as bot, asyncio.timeout(20):
            wrote = await practice.member_says(person(practice), "dm", "!important I feel terrible")
            shown = await practice.sent.get()
            await bot.has_handled(wrote.id)
            practice.gateway.dispatch("MESSAGE_CREATE", payloads.message_event(practice.world, wrote))
            await bot.has_handled(wrote.id)
        assert shown.content.startswith(f"{texts.UNKNOWN_COMMAND}\n\n")
        assert "`/followup_settings`" in shown.content
        assert practice.sent.empty()
        kept = await run_unit(Message.objects.get, is_outgoing=False)
        assert (kept.message_text, kept.is_read) == ("!important I feel terrible", False)

    async def test_is_not_said_of_a_stop(self, practice: PracticeServer) -> None:
        async with checkback(practice), asyncio.timeout(20):
            await practice.member_says(person(practice), "dm", "!stop")
            assert texts.STOPPED in (await practice.sent.get()).content
            await practice.member_says(person(practice), "dm", "!help")
            assert "You can ask of me" in (await practice.sent.get()).content

    async def test_is_passed_over_in_silence_in_public_and_where_no_word_follows(
        self, practice: PracticeServer
    ) -> None:
        async with checkback(practice) as bot:
            keys = [
                (await practice.member_says(person(practice), where, text)).id
                for where, text in ((support.general(practice), "!important"), ("dm", "!!! 3 days"), ("dm", "! hey"))
            ]
            await bot.has_handled(*keys)
            await practice.member_says(person(practice), "dm", "!help")
            async with asyncio.timeout(20):
                assert "You can ask of me" in (await practice.sent.get()).content
        assert await run_unit(Message.objects.filter(is_outgoing=True).count) == 1


@pytest.mark.usefixtures("database")
class TestBotStatus:
    async def test_tells_the_team_more(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            general = support.general(practice)
            (mine,) = await practice.invoke_slash(person(practice), "bot_status", where=general)
            (of_staff,) = await practice.invoke_slash(person(practice, OWNER), "bot_status", where=general)
        assert "Connected to Discord, in 1 community." in mine.content
        assert "Queue" not in mine.content
        assert "Queue: 0 messages wait." in of_staff.content

    async def test_answers_a_command_that_is_gone(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            gone = {**practice.world.commands[None][0], "name": "long_gone", "options": []}
            practice.world.commands[None].append(gone)
            (shown,) = await practice.invoke_slash(person(practice), "long_gone")
        assert "changed lately" in shown.content
        assert shown.ephemeral_for == person(practice)
