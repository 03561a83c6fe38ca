"""The team's commands over the wire: planning, looking, switching. ORIGINS 1.9, T-A5; PEERS 34."""

import asyncio
import logging
from typing import Any

import pytest
from django.utils import timezone

from bots import misuse
from bots.answers import NOT_KEPT
from bots.database import run_unit
from bots.governor import controls
from bots.practice import payloads
from bots.practice.server import PracticeServer
from bots.practice.things import Message as Shown
from bots.practice.uses import Interaction
from followups.models import FollowUp
from jobs.models import JobPause
from socialmedia.models import Message
from tests.bots import running, support
from tests.bots.running import checkback

OWNER, MODERATOR, MEMBER = 0, 1, 2


def person(server: PracticeServer, index: int = OWNER) -> int:
    """One of the community's people; the first is its administrator."""
    return support.people(server.world)[index].id


async def say(server: PracticeServer, text: str, *, index: int = OWNER, where: Any = None) -> Shown:
    """Type a command in the community, and return the answer, which is private."""
    async with asyncio.timeout(20):
        await server.member_says(person(server, index), where or support.general(server), text)
        shown = await server.sent.get()
    assert shown.channel_id == server.channel_for(person(server, index), "dm").id
    return shown


async def use(server: PracticeServer, command: str, **options: object) -> str:
    """Use a slash command in the community as its administrator."""
    (shown,) = await server.invoke_slash(person(server), command, options, where=support.general(server))
    assert shown.ephemeral_for == person(server)
    return shown.content


async def press(server: PracticeServer, shown: Shown, index: int = OWNER) -> Interaction:
    """Press the only button of a message."""
    ((button,),) = [row["components"] for row in shown.components]
    return await server.press_button(person(server, index), shown, button["custom_id"])


async def becomes(shown: Shown, words: str) -> None:
    """Wait until a message says this."""
    async with asyncio.timeout(10):
        while words not in shown.content:
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("database")
class TestScheduling:
    async def test_plans_in_both_forms_and_never_posts_in_public(self, practice: PracticeServer) -> None:
        for index in (MODERATOR, MEMBER):
            await run_unit(running.opt_in, practice, index)
        async with checkback(practice) as bot:
            slash = await use(practice, "schedule_followup", user=person(practice, MEMBER), hours=24.5)
            again = await say(practice, f"!schedule_followup <@!{person(practice, MEMBER)}> 24.5")
            typed = await say(practice, f"!schedule_followup {person(practice, MODERATOR)}")
            why = await use(practice, "followups_why", user=person(practice, MEMBER))
            wrote = await practice.member_says(person(practice), support.general(practice), "!job_status")
            await bot.has_handled(wrote.id)
        assert slash.startswith("Planned for Chiyo Mori: follow-up `")
        assert "has one already" in again.content
        assert typed.content.startswith("Planned for Bruno Vega: follow-up `")
        assert "said **yes**" in why
        planned = await run_unit(lambda: list(FollowUp.objects.order_by("created_at")))
        assert [row.trigger_data["planned_by"] for row in planned] == [f"ada ({person(practice)}, on Discord)"] * 2
        in_public = practice.world.messages[support.general(practice)].values()
        assert all(row.author_id != practice.world.bot.id for row in in_public)

    async def test_keeps_no_words_about_other_people(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice, MEMBER)
        async with checkback(practice):
            shown = await say(practice, f"!followups_why <@{person(practice, MEMBER)}>")
        assert "Chiyo Mori" in shown.content
        assert await run_unit(lambda: set(Message.objects.values_list("message_text", flat=True))) == {NOT_KEPT}

    async def test_hides_from_others_and_refuses_those_who_get_there(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            (shown,) = await practice.invoke_slash(
                person(practice, MODERATOR), "stop_all", where=support.general(practice), force=True
            )
            in_private = await practice.invoke_slash(person(practice), "stop_all")
            registered = {row["name"]: row["default_member_permissions"] for row in practice.world.commands[None]}
            reach = {(tuple(row["integration_types"]), tuple(row["contexts"])) for row in practice.world.commands[None]}
            bot_id = (await run_unit(running.bot_account, practice)).pk
        assert shown.content == in_private[0].content == misuse.NOT_STAFF
        assert shown.ephemeral_for == person(practice, MODERATOR)
        assert not (await run_unit(controls.of_account, bot_id)).is_stopped
        for name in ("schedule_followup", "followups_why", "job_status", "pause_followups", "stop_all", "resume_all"):
            assert int(registered[name]) == 8  # administrators
        assert registered["bot_status"] is registered["mydata"] is None
        assert reach == {((0,), (0, 1)), ((0,), (0,))}  # installed by communities alone; in them and in private

    async def test_is_for_administrators_of_named_communities_if_the_bot_is_in_several(
        self, practice: PracticeServer, settings: Any
    ) -> None:
        """Anybody can invite a public bot to a community of their own."""
        world, home = practice.world, next(iter(practice.world.guilds))
        world.add_guild(world.new_id(timezone.now()), "Elsewhere", owner_id=person(practice), now=timezone.now())
        async with checkback(practice):
            assert await use(practice, "stop_all") == misuse.NOT_STAFF
            settings.DISCORD_COMMAND_GUILDS = [home]
            assert (await use(practice, "stop_all")).startswith("**Stopped.**")

    async def test_is_for_nobody_where_the_bot_is_no_member(self, practice: PracticeServer) -> None:
        """Discord lets people use an app in a community of their own that it was never invited to."""
        async with checkback(practice):
            await practice.member_leaves(practice.world.bot.id)
            assert await use(practice, "stop_all") == misuse.NOT_STAFF
            assert "stop_all" not in await use(practice, "help")
            bot_id = (await run_unit(running.bot_account, practice)).pk
        assert not (await run_unit(controls.of_account, bot_id)).is_stopped


@pytest.mark.usefixtures("database")
class TestSwitches:
    async def test_stop_and_go_on_in_both_forms(self, practice: PracticeServer) -> None:
        """Their own answers arrive while nothing else does."""
        async with checkback(practice):
            stopped = await say(practice, "!stop_all a flood of mail")
            await run_unit(running.queue, practice, "Held.", MEMBER)
            status = await use(practice, "bot_status")
            shown = await say(practice, "!resume_all")
            assert practice.sent.empty()
            assert "(a flood of mail); 1 message waits" in shown.content
            row = await press(practice, shown)
            await becomes(shown, "**Going on**")
            async with asyncio.timeout(20):
                held = await practice.sent.get()
        assert stopped.content.startswith("**Stopped.**")
        assert f"Stopped by ada ({person(practice)}, on Discord)" in status.replace("\\", "")
        assert held.content == "Held."
        assert row.answers == []

    async def test_going_on_is_for_the_team_still(self, practice: PracticeServer, settings: Any) -> None:
        """Somebody may have left the team between the question and the press."""
        settings.DISCORD_STAFF_USERS = [person(practice, MEMBER)]
        async with checkback(practice):
            await say(practice, "!stop_all fire", index=MEMBER, where="dm")
            shown = await say(practice, "!resume_all", index=MEMBER, where="dm")
            settings.DISCORD_STAFF_USERS = []
            await press(practice, shown, MEMBER)
            await becomes(shown, misuse.NOT_STAFF)
            bot_id = (await run_unit(running.bot_account, practice)).pk
        assert (await run_unit(controls.of_account, bot_id)).is_stopped

    async def test_a_replayed_command_is_not_carried_out_again(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            wrote = await practice.member_says(person(practice), support.general(practice), "!pause_followups on flood")
            async with asyncio.timeout(20):
                assert "**paused**" in (await practice.sent.get()).content
            assert "go on" in await use(practice, "pause_followups", action="off")
            await bot.has_handled(wrote.id)
            practice.gateway.dispatch("MESSAGE_CREATE", payloads.message_event(practice.world, wrote))
            await bot.has_handled(wrote.id)
        assert practice.sent.empty()
        assert not await run_unit(JobPause.objects.exists)

    async def test_debug_is_switched_and_ends_with_the_bot(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            assert "until" in await use(practice, "debug", action="on")
            assert logging.getLogger("bots.client").isEnabledFor(logging.DEBUG)
            assert not logging.getLogger("discord.http").isEnabledFor(logging.DEBUG)
            assert "until" in await use(practice, "debug")
            assert "as usual again" in await use(practice, "debug", action="off")
            await use(practice, "debug", action="on")
        assert not logging.getLogger("bots.client").isEnabledFor(logging.DEBUG)
