"""`followup_settings`, in both forms, over the real gateway."""

import asyncio
from datetime import UTC, datetime

import pytest
from django.db import connection

from bots import texts
from bots.choices import Choice
from bots.database import run_unit
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from followups import consent
from followups.models import ConsentReceipt, UserProfile
from socialmedia.models import ChannelActivity, Message
from tests.bots import running, support
from tests.bots.running import checkback


def ada_id(server: PracticeServer) -> int:
    """One of the community's people."""
    return support.people(server.world)[0].id


async def eventually_struck(fault: Fault, times: int) -> None:
    """Wait until the fault has struck so often."""
    async with asyncio.timeout(10):
        while fault.count < times:
            await asyncio.sleep(0.01)


def newest_receipt() -> ConsentReceipt:
    """What a member said last."""
    return ConsentReceipt.objects.latest("id")


@pytest.mark.usefixtures("database")
class TestSlash:
    async def ask(self, server: PracticeServer, action: str | None, where: int | str = "dm") -> str:
        options: dict[str, object] = {"action": action} if action else {}
        (answer,) = await server.invoke_slash(ada_id(server), "followup_settings", options, where=where)  # type: ignore[arg-type]
        assert answer.ephemeral_for == ada_id(server)
        return answer.content

    async def test_shows_that_nothing_is_sent_unasked(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            answer = await self.ask(practice, None)
        assert "**disabled**" in answer
        assert "opt-in" in answer
        assert "`/followups`" in answer
        assert await run_unit(ConsentReceipt.objects.count) == 0

    async def test_opts_in_with_the_wording_and_a_receipt(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            answer = await self.ask(practice, "on", where=support.general(practice))
            status = await self.ask(practice, "status")
        assert "**enabled** for you: check-ins, after events, after a long silence." in status
        assert "At most once every 2 days." in status
        assert consent.WORDING in answer
        receipt = await run_unit(newest_receipt)
        assert (receipt.state, receipt.source) == ("granted", "slash_command")
        assert receipt.evidence.startswith("interaction ")
        assert (receipt.actor, receipt.wording_version) == (str(ada_id(practice)), consent.WORDING_VERSION)
        assert practice.sent.empty()

    @pytest.mark.parametrize("kind", [Kind.DROPPED, Kind.ANSWER_LOST])
    async def test_shows_what_was_done_when_the_first_answer_is_lost(
        self, practice: PracticeServer, kind: Kind
    ) -> None:
        practice.faults.add(Fault(kind, path="/webhooks/*"))
        async with checkback(practice) as bot:
            row = practice.use_command(ada_id(practice), "followup_settings", {"action": "on"})
            async with asyncio.timeout(10):
                while not (row.answers and practice.requests[-1].method == "PATCH"):
                    await asyncio.sleep(0.01)
            await bot.calls.finish()
        (shown,) = row.answers
        assert "**enabled**" in shown.content
        assert shown.ephemeral_for == ada_id(practice)

    async def test_says_so_when_discord_takes_no_answer_at_all(self, practice: PracticeServer) -> None:
        for method in ("POST", "PATCH"):
            practice.faults.add(Fault(Kind.REFUSED, method=method, path="/webhooks/*", status=400, code=50035))
        async with checkback(practice):
            assert await self.ask(practice, "on") == texts.NOT_SHOWN
        assert (await run_unit(newest_receipt)).state == "granted"

    async def test_takes_a_no_that_discord_takes_no_answer_to(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        late = Fault(Kind.REFUSED, path="/interactions/*", times=None, status=404, code=10062)
        practice.faults.add(late)
        async with checkback(practice):
            for action in ("off", "on"):
                practice.use_command(ada_id(practice), "followup_settings", {"action": action})
            await running.eventually(lambda: newest_receipt().state == "withdrawn", "the no")
            await eventually_struck(late, 4)
        assert (await run_unit(newest_receipt)).state == "withdrawn"

    async def test_says_what_is_paused_and_left_out(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        until = datetime(2099, 1, 2, 10, 0, tzinfo=UTC)
        await run_unit(UserProfile.objects.update, paused_until=until, topics=["events"], follow_up_frequency_hours=96)
        async with checkback(practice):
            status = await self.ask(practice, "status")
        assert "for you: after events. At most once every 4 days. They are paused until 2099-01-02 10:00 UTC." in (
            status
        )

    async def test_opts_out_and_says_what_was_stopped(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            answer = await self.ask(practice, "off")
        assert "**disabled**" in answer
        assert "planned" not in answer.partition("Use ")[0]
        assert (await run_unit(newest_receipt)).state == "withdrawn"

    async def test_apologises_when_the_database_says_no(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            await run_unit(execute, "ALTER TABLE consent_receipts RENAME TO away")
            try:
                answer = await self.ask(practice, "on")
            finally:
                await run_unit(execute, "ALTER TABLE away RENAME TO consent_receipts")
        assert answer == texts.TRY_AGAIN
        profile = await run_unit(UserProfile.objects.filter(pk=str(ada_id(practice))).first)
        assert profile is None or not profile.follow_ups_enabled


def execute(statement: str) -> None:
    """Run one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.usefixtures("database")
class TestText:
    async def say(self, server: PracticeServer, text: str, where: int | str = "dm") -> str:
        """Write a command and return the private answer."""
        async with asyncio.timeout(10):
            await server.member_says(ada_id(server), where, text)  # type: ignore[arg-type]
            answer = await server.sent.get()
        assert server.world.channel(answer.channel_id).is_direct
        return answer.content

    async def test_opts_in_from_a_channel_and_answers_in_private(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            answer = await self.say(practice, "!followup_settings on", where=support.general(practice))
        assert consent.WORDING in answer
        receipt = await run_unit(newest_receipt)
        assert (receipt.state, receipt.source) == ("granted", "text_command")
        assert receipt.evidence.startswith("message ")

    async def test_waits_for_a_database_that_is_away(self, practice: PracticeServer) -> None:
        """Discord tells it only once, and somebody wants no more messages."""
        await run_unit(running.opt_in, practice)
        async with checkback(practice) as bot:
            with running.database_away():
                wrote = await practice.member_says(ada_id(practice), "dm", "!followup_settings off")
                with pytest.raises(TimeoutError):  # it has not given up
                    async with asyncio.timeout(0.5):
                        await bot.has_handled(wrote.id)
            await bot.has_handled(wrote.id)
        assert (await run_unit(newest_receipt)).state == "withdrawn"

    async def test_understands_the_seed_words(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            assert "**enabled**" in await self.say(practice, "!followup_settings enable")
            assert "**disabled**" in await self.say(practice, "!followup_settings DISABLE")

    async def test_shows_the_status_for_anything_else(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            assert "**disabled**" in await self.say(practice, "!followup_settings whatever")
        assert await run_unit(ConsentReceipt.objects.count) == 0

    async def test_does_not_count_as_activity(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            await self.say(practice, "!followup_settings", where=support.general(practice))
            await self.say(practice, "!followup_settings")
        profile = await run_unit(UserProfile.objects.get, pk=str(ada_id(practice)))
        assert profile.interaction_count == 0
        assert await run_unit(ChannelActivity.objects.count) == 0
        (kept,) = await run_unit(lambda: list(Message.objects.filter(is_outgoing=False).select_related("conversation")))
        assert (kept.message_text, kept.is_read, kept.conversation.unread_count) == ("!followup_settings", True, 0)


class TestChoice:
    @pytest.mark.parametrize(
        ("word", "choice"),
        [
            ("on", Choice.ON),
            (" ENABLE ", Choice.ON),
            ("Off", Choice.OFF),
            ("disable", Choice.OFF),
            ("Stop!", Choice.OFF),
            ("", Choice.STATUS),
        ],
    )
    def test_reads_a_word(self, word: str, choice: Choice) -> None:
        assert Choice.of(word) is choice
