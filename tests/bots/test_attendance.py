"""Who left while nobody listened, and who is never taken for one of them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from bots import attendance
from bots.database import run_unit
from bots.practice import payloads
from bots.practice.server import PracticeServer
from followups import planning
from followups.models import FollowUp, UserProfile
from socialmedia import activity
from socialmedia.activity import ChannelRef
from socialmedia.models import ChannelActivity
from tests.bots import running, support
from tests.bots.running import HastyBot, ada, checkback, eventually
from tests.socialmedia.factories import make_bot


def left() -> set[str]:
    """Who is known to have left."""
    return set(UserProfile.objects.filter(left_at__isnull=False).values_list("pk", flat=True))


class TestIsPlausible:
    @pytest.mark.parametrize(
        ("gone", "known", "plausible"),
        [(0, 0, True), (50, 50, True), (51, 60, False), (500, 1000, True), (501, 1000, False)],
    )
    def test_takes_half_of_all_or_a_few(self, gone: int, known: int, plausible: bool) -> None:
        assert attendance.is_plausible(gone=gone, known=known) is plausible


@pytest.mark.usefixtures("database")
class TestStart:
    async def test_notices_who_left_and_who_came_back_meanwhile(self, practice: PracticeServer) -> None:
        goes, comes, stays, stranger = (user.id for user in support.people(practice.world)[:4])
        for index in range(3):
            await run_unit(running.opt_in, practice, index)
        await run_unit(running.profile_of, practice, 3)
        async with checkback(practice):
            await practice.member_leaves(comes)
            await eventually(left, "the first to have left")
        await practice.member_leaves(goes)
        await practice.member_leaves(stranger)  # has not opted in, so nothing depends on it
        await practice.member_joins(comes)
        async with checkback(practice):
            await eventually(lambda: left() == {str(goes)}, "what happened meanwhile")
            assert str(stays) not in await run_unit(left)

    async def test_lets_the_plans_of_who_is_back_come_into_force_again(self, practice: PracticeServer) -> None:
        person = ada(practice)
        permission = await run_unit(running.opt_in, practice)
        await run_unit(running.conversation_with, practice)

        def plan() -> None:
            now = timezone.now()
            planning.plan(user_id=permission.user_id, trigger="custom", due_at=now, now=now)

        await run_unit(plan)
        async with checkback(practice):
            await practice.member_leaves(person.id)
            await eventually(left, "the member to have left")
        await practice.member_joins(person.id)
        async with checkback(practice):
            await eventually(lambda: not left(), "the member to be back")
        assert (await run_unit(FollowUp.objects.get)).status == "pending"


@pytest.mark.usefixtures("database")
class TestLook:
    """Nobody is marked unless we know."""

    async def look(self, bot: HastyBot) -> list[str]:
        """Compare, and return what was logged of it."""
        with capture_logs() as logs:
            await attendance.look(bot)
        return [entry["event"] for entry in logs]

    async def test_marks_nobody_of_a_community_that_is_down(self, practice: PracticeServer) -> None:
        guild = next(iter(practice.world.guilds))
        async with checkback(practice) as bot:
            await run_unit(running.opt_in, practice)
            practice.gateway.dispatch("GUILD_DELETE", {"id": str(guild), "unavailable": True})
            await self.settle(practice, bot)
            practice.world.leave(guild, ada(practice).id)
            assert "bot.members_not_compared" in await self.look(bot)
        assert await run_unit(left) == set()

    async def test_marks_nobody_while_the_list_of_members_is_not_whole(self, practice: PracticeServer) -> None:
        guild = next(iter(practice.world.guilds.values()))
        async with checkback(practice) as bot:
            await run_unit(running.opt_in, practice)
            practice.world.leave(guild.id, ada(practice).id)
            whole = payloads.guild_create(practice.world, guild, with_members=True)
            practice.gateway.dispatch("GUILD_CREATE", whole | {"member_count": 99})
            await self.settle(practice, bot)
            assert "bot.members_not_compared" in await self.look(bot)
        assert await run_unit(left) == set()

    async def test_marks_nobody_after_the_bot_was_thrown_out(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            await run_unit(running.opt_in, practice)
            practice.gateway.dispatch("GUILD_DELETE", {"id": str(next(iter(practice.world.guilds)))})
            await self.settle(practice, bot)
            assert "bot.members_not_compared" in await self.look(bot)
        assert await run_unit(left) == set()

    async def test_marks_nobody_where_another_bot_of_ours_may_see_them(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        await run_unit(make_bot)
        practice.world.leave(next(iter(practice.world.guilds)), ada(practice).id)
        async with checkback(practice) as bot:
            assert "bot.members_not_compared" in await self.look(bot)
        assert await run_unit(left) == set()

    async def test_marks_nobody_while_a_community_is_missing_of_which_we_have_just_heard(
        self, practice: PracticeServer
    ) -> None:
        member = await run_unit(running.profile_of, practice)
        await run_unit(running.opt_in, practice)
        practice.world.leave(next(iter(practice.world.guilds)), ada(practice).id)
        await run_unit(
            activity.record,
            message_id=1,
            channel=ChannelRef(external_id="9", name="general", guild_id="8", guild_name="Lost"),
            author=member.account,
            sent_at=timezone.now() - timedelta(days=29),
        )
        async with checkback(practice) as bot:
            assert "bot.members_not_compared" in await self.look(bot)
        assert await run_unit(left) == set()
        await run_unit(ChannelActivity.objects.update, sent_at=timezone.now() - timedelta(days=31))
        async with checkback(practice):
            await eventually(left, "the member to have left")

    async def test_marks_nobody_when_too_many_are_missing(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attendance, "FEW", 0)
        for index in range(2):
            await run_unit(running.opt_in, practice, index)
            practice.world.leave(next(iter(practice.world.guilds)), support.people(practice.world)[index].id)
        async with checkback(practice) as bot:
            assert "bot.too_many_members_missing" in await self.look(bot)
        assert await run_unit(left) == set()

    async def test_goes_through_many_in_pages(self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(attendance, "PAGE", 2)
        gone = set()
        for index, user in enumerate(support.people(practice.world)):
            await run_unit(running.opt_in, practice, index)
            if index % 2:
                practice.world.leave(next(iter(practice.world.guilds)), user.id)
                gone.add(str(user.id))
        async with checkback(practice):
            await eventually(lambda: left() == gone, "those who left")

    async def settle(self, practice: PracticeServer, bot: HastyBot) -> None:
        """Wait until the bot has dealt with what it was told before."""
        written = await practice.member_says(ada(practice).id, "dm", "Hello")
        await bot.has_handled(written.id)
