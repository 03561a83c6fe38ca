"""Posting for staff over the wire: the staff channel, a thread for each member, answers, and what goes wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from bots import conf, inbound
from bots.conf import BotSettings
from bots.database import run_unit
from bots.models import StaffPost, StaffThread
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.staff import health, posts
from bots.staff import poster as poster_module
from bots.staff.poster import Poster
from bots.staff.posts import Post
from followups import flags, privacy
from socialmedia.models import Message
from tests.bots import support
from tests.bots.running import HastyBot, checkback, eventually
from tests.followups.privacy.factories import places_with

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def staff_channel(practice: PracticeServer, settings: Settings) -> int:
    """One of the community's channels is the staff's."""
    channel_id = next(channel.id for channel in practice.world.channels() if channel.name == "welcome")
    settings.DISCORD_STAFF_CHANNEL = channel_id
    settings.DISCORD_STAFF_THREADS = True
    settings.CONSOLE_URL = "https://checkback.example.org"
    return channel_id


@contextlib.asynccontextmanager
async def posting(practice: PracticeServer) -> AsyncIterator[tuple[HastyBot, Poster]]:
    """A bot, and a poster that only does what it is told. The bot's own one looks once, when nothing is there yet: on a
    busy machine it would otherwise take what a test has queued for its own poster.
    """
    has_looked, look = asyncio.Event(), Poster.run_once

    async def look_and_say_so(poster: Poster, settings: BotSettings) -> int:
        try:
            return await look(poster, settings)
        finally:
            has_looked.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poster_module, "EVERY_SECONDS", 3600.0)
        patch.setattr(Poster, "run_once", look_and_say_so)
        async with checkback(practice) as bot:
            await asyncio.wait_for(has_looked.wait(), 20)
            yield bot, Poster(bot, bot.account)


async def post(poster: Poster) -> int:
    """Post once what may go now."""
    return await poster.run_once(conf.current())


def queue(bot: HastyBot, key: str, text: str = "Look!") -> None:
    """Queue a post for the staff channel."""
    posts.queue([Post(key, text)], account_id=bot.account.pk)


def texts(practice: PracticeServer, channel_id: int) -> list[str]:
    """What stands in a channel, oldest first."""
    return [row.content for row in practice.world.messages[channel_id].values()]


def forget(user_id: str) -> None:
    """Forget a member at their own wish."""
    privacy.forget(user_id=user_id, source="test", evidence="1", actor=user_id, now=timezone.now())


def call_a_person(user_id: str) -> None:
    """Raise a flag about a member."""
    flags.raise_flag(kind="escalation", detail="Sounds sad.", user_id=user_id, now=timezone.now())


def release_all() -> None:
    """Let what waits for another try be due."""
    StaffPost.objects.filter(status="queued").update(next_attempt_at=timezone.now())


class TestStaffChannel:
    async def test_gets_each_post_once(self, practice: PracticeServer, staff_channel: int) -> None:
        async with posting(practice) as (bot, poster):
            await run_unit(queue, bot, "flag:1", "@everyone look!")
            assert await post(poster) == 1
            await run_unit(queue, bot, "flag:1")
            assert await post(poster) == 0
        assert texts(practice, staff_channel) == ["@everyone look!"]
        request = next(row for row in practice.requests if "look!" in str(row.body))
        assert request.body["allowed_mentions"] == {"parse": []}

    @pytest.mark.parametrize("kind", [Kind.BAD_GATEWAY_AFTER, Kind.ANSWER_LOST, Kind.DROPPED])
    async def test_gets_it_once_when_the_answer_is_lost(
        self, practice: PracticeServer, staff_channel: int, kind: Kind
    ) -> None:
        practice.faults.add(Fault(kind))
        async with posting(practice) as (bot, poster):
            await run_unit(queue, bot, "flag:1")
            await post(poster)
            await run_unit(release_all)
            practice.world._nonces.clear()  # Discord has forgotten: only the history tells
            await post(poster)
        assert texts(practice, staff_channel) == ["Look!"]
        assert (await run_unit(StaffPost.objects.get)).status == "sent"

    async def test_gets_a_second_post_of_the_same_words(self, practice: PracticeServer, staff_channel: int) -> None:
        async with posting(practice) as (bot, poster):
            await run_unit(queue, bot, "flag:1")
            await post(poster)
            practice.faults.add(Fault(Kind.DROPPED))
            await run_unit(queue, bot, "flag:2")
            await post(poster)
            await run_unit(release_all)
            await post(poster)
        assert texts(practice, staff_channel) == ["Look!", "Look!"]

    @pytest.mark.parametrize(
        ("status", "code", "message"), [(403, 50001, "Missing Access"), (400, 50008, "Not in a forum")]
    )
    async def test_that_does_not_take_posts_is_tried_until_somebody_mends_it(
        self, practice: PracticeServer, staff_channel: int, status: int, code: int, message: str
    ) -> None:
        refusal = Fault(Kind.REFUSED, status=status, code=code, message=message)
        practice.faults.add(refusal)
        async with posting(practice) as (bot, poster):
            await run_unit(queue, bot, "flag:1")
            await post(poster)
            waiting = await run_unit(StaffPost.objects.get)
            assert (waiting.status, waiting.error) == ("queued", f"Discord says {status} (code {code}): {message}")
            await run_unit(release_all)
            await post(poster)
        assert texts(practice, staff_channel) == ["Look!"]

    async def test_keeps_nothing_of_who_is_forgotten(self, practice: PracticeServer, staff_channel: int) -> None:
        ada = support.people(practice.world)[1].id
        async with posting(practice) as (_, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(Message.objects.exists, "the message")
            await run_unit(call_a_person, str(ada))
            await post(poster)
            assert "Bruno Vega" in texts(practice, staff_channel)[0]
            await run_unit(forget, str(ada))
            assert not await run_unit(StaffPost.objects.exclude(text="", user_id="").exists)
            await post(poster)
        assert texts(practice, staff_channel) == []
        assert not await run_unit(StaffPost.objects.exists)


class TestMembersThread:
    async def test_shows_both_sides_in_order_and_carries_the_answer(
        self, practice: PracticeServer, staff_channel: int
    ) -> None:
        ada, owner = support.people(practice.world)[1].id, support.people(practice.world)[0].id
        async with posting(practice) as (bot, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            thread = await run_unit(StaffThread.objects.get)
            place = practice.world.channel(int(thread.thread_id))
            assert (place.parent_id, place.name.split(" · ")[-1]) == (staff_channel, str(ada))
            question = await practice.member_says(owner, place.id, "!reply We are here, **Ada**.")
            async with asyncio.timeout(10):
                while practice.dm_texts(ada) != ["We are here, **Ada**."]:
                    await practice.sent.get()
            await eventually(lambda: StaffPost.objects.count() == 2, "the answer's post")
            await post(poster)
            assert practice.world.message(place.id, question.id).reactions.keys() == {"📨"}
            (answer,) = await practice.invoke_slash(owner, "reply", {"text": "And once more."}, where=place.id)
            assert answer.ephemeral_for == owner
            # Nobody is told that it failed, and would write it again, when only the mark below it did.
            practice.faults.add(Fault(Kind.REFUSED, method="PUT", path="/channels/*/reactions/*", code=90001))
            third = await practice.member_says(owner, place.id, "!reply And a last time.")
            await bot.has_handled(third.id)
            assert practice.dm_texts(owner) == []
        shown = texts(practice, place.id)
        assert shown[0].startswith("Here you see what")
        assert shown[1] == "💬 Hello?"
        assert shown[3] == "↩️ **Ada Quill** (staff): We are here, **Ada**."

    async def test_is_found_again_when_its_opening_was_not_noted(
        self, practice: PracticeServer, staff_channel: int
    ) -> None:
        ada = support.people(practice.world)[1].id
        async with posting(practice) as (_, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            await run_unit(lambda: StaffThread.objects.all().delete())  # as if the process had died before
            await practice.member_says(ada, "dm", "Are you there?")
            await eventually(lambda: StaffPost.objects.count() == 2, "the second message")
            await post(poster)
        threads = [row for row in practice.world.channels() if row.parent_id == staff_channel]
        assert len(threads) == 1
        assert texts(practice, threads[0].id)[1:] == ["💬 Hello?", "💬 Are you there?"]

    async def test_is_opened_anew_after_somebody_deleted_it(self, practice: PracticeServer, staff_channel: int) -> None:
        ada = support.people(practice.world)[1].id
        async with posting(practice) as (bot, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            thread = await run_unit(StaffThread.objects.get)
            await bot.http.delete_channel(int(thread.thread_id))
            await practice.member_says(ada, "dm", "Are you there?")
            await eventually(lambda: StaffPost.objects.count() == 2, "the second message")
            await post(poster)
            await run_unit(release_all)
            await post(poster)
        (new,) = [row for row in practice.world.channels() if row.parent_id == staff_channel]
        assert texts(practice, new.id)[-1] == "💬 Are you there?"

    async def test_goes_when_the_member_is_forgotten_and_nothing_of_it_stays(
        self, practice: PracticeServer, staff_channel: int, settings: Settings
    ) -> None:
        settings.DISCORD_KEEP_CHANNEL_TEXTS = True
        owner, ada = (row.id for row in support.people(practice.world)[:2])
        async with posting(practice) as (bot, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            thread = await run_unit(StaffThread.objects.get)
            remark = await practice.member_says(owner, int(thread.thread_id), f"{ada} is difficult.")
            await bot.has_handled(remark.id)
            await run_unit(forget, str(ada))
            assert await run_unit(places_with, str(ada), "Bruno", "difficult") == []
            assert not await run_unit(StaffPost.objects.exists)
            await post(poster)
        assert not [row for row in practice.world.channels() if row.parent_id == staff_channel]
        assert not await run_unit(StaffThread.objects.exists)

    async def test_goes_when_the_member_is_forgotten_while_it_is_opened(
        self, practice: PracticeServer, staff_channel: int
    ) -> None:
        ada = support.people(practice.world)[1].id
        opening = practice.faults.add(Fault(Kind.HELD_AFTER, path="/channels/*/threads"))
        async with posting(practice) as (_, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            async with asyncio.TaskGroup() as group:
                group.create_task(post(poster))
                await opening.struck.wait()
                await run_unit(forget, str(ada))
                opening.release.set()
            await post(poster)
        assert not [row for row in practice.world.channels() if row.parent_id == staff_channel]

    async def test_that_cannot_be_deleted_holds_up_nothing(self, practice: PracticeServer, staff_channel: int) -> None:
        ada = support.people(practice.world)[1].id
        refusal = Fault(Kind.REFUSED, method="DELETE", path="/channels/*", code=50013, times=None)
        async with posting(practice) as (bot, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            await run_unit(forget, str(ada))
            practice.faults.add(refusal)
            await run_unit(queue, bot, "flag:1")
            await post(poster)
            await post(poster)
            finding = await run_unit(health.staff_channel, now=timezone.now())
        assert texts(practice, staff_channel) == ["Look!"]
        assert refusal.count == 1
        assert "Manage Threads" in finding.detail

    async def test_is_opened_anew_below_another_staff_channel(
        self, practice: PracticeServer, staff_channel: int, settings: Settings
    ) -> None:
        ada = support.people(practice.world)[1].id
        other = next(row.id for row in practice.world.channels() if row.name == "general")
        async with posting(practice) as (_, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            settings.DISCORD_STAFF_CHANNEL = other
            await practice.member_says(ada, "dm", "Are you there?")
            await eventually(lambda: StaffPost.objects.count() == 2, "the second message")
            await post(poster)
            shown = {row.parent_id: texts(practice, row.id)[1:] for row in practice.world.channels() if row.parent_id}
            assert shown[staff_channel] == ["💬 Hello?"]
            assert shown[other] == ["💬 Are you there?"]
            await run_unit(forget, str(ada))
            await post(poster)
        assert not {staff_channel, other} & {row.parent_id for row in practice.world.channels()}

    async def test_shows_no_more_of_what_the_member_takes_back(
        self, practice: PracticeServer, staff_channel: int
    ) -> None:
        ada = support.people(practice.world)[1].id
        async with posting(practice) as (bot, poster):
            await practice.member_says(ada, "dm", "A secret.")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            thread = await run_unit(StaffThread.objects.get)
            stored = await run_unit(Message.objects.select_related("conversation").get)
            await run_unit(
                inbound.receive_deletion,
                own=bot.account,
                channel_id=stored.conversation.external_channel_id,
                message_ids=[stored.external_message_id],
                now=timezone.now(),
            )
            await post(poster)
        assert texts(practice, int(thread.thread_id))[1:] == ["🗑️ The member took a message back."]

    async def test_is_not_there_unless_the_community_wants_it(
        self, practice: PracticeServer, staff_channel: int, settings: Settings
    ) -> None:
        settings.DISCORD_STAFF_THREADS = False
        async with posting(practice):
            await practice.member_says(support.people(practice.world)[1].id, "dm", "Hello?")
            await eventually(Message.objects.exists, "the message")
        assert not await run_unit(StaffPost.objects.exists)


class TestReply:
    async def test_goes_once_where_the_bot_may_not_react(self, practice: PracticeServer, staff_channel: int) -> None:
        ada, owner = support.people(practice.world)[1].id, support.people(practice.world)[0].id
        refusal = practice.faults.add(Fault(Kind.REFUSED, method="PUT", path="*/reactions/*", code=50013))
        async with posting(practice) as (_, poster):
            await practice.member_says(ada, "dm", "Hello?")
            await eventually(StaffPost.objects.exists, "the first message")
            await post(poster)
            thread = await run_unit(StaffThread.objects.get)
            await practice.member_says(owner, int(thread.thread_id), "!reply We are here.")
            await asyncio.wait_for(refusal.struck.wait(), 10)
            async with asyncio.timeout(10):
                while practice.dm_texts(ada) != ["We are here."]:
                    await practice.sent.get()
        assert practice.dm_texts(owner) == []

    async def test_that_is_typed_elsewhere_is_refused_in_private(
        self, practice: PracticeServer, staff_channel: int
    ) -> None:
        owner = support.people(practice.world)[0].id
        async with posting(practice):
            await practice.member_says(owner, staff_channel, "!reply Hi!")
            async with asyncio.timeout(10):
                while not practice.dm_texts(owner):
                    await practice.sent.get()
        assert practice.dm_texts(owner) == ["Answer in the thread of the member, below the staff channel."]
        assert texts(practice, staff_channel) == ["!reply Hi!"]


ELSEWHERE = "Answer in the thread of the member, below the staff channel."


class TestReplyElsewhere:
    async def test_is_refused_in_one_sentence(self, practice: PracticeServer, staff_channel: int) -> None:
        owner = support.people(practice.world)[0].id
        async with posting(practice):
            (answer,) = await practice.invoke_slash(owner, "reply", {"text": "Hi!"}, where=staff_channel)
        assert answer.content == ELSEWHERE

    async def test_is_refused_in_private_where_anybody_types_it(
        self, practice: PracticeServer, staff_channel: int
    ) -> None:
        member = support.people(practice.world)[2].id
        async with posting(practice), asyncio.timeout(10):
            await practice.member_says(member, support.general(practice), "!reply Hi!")
            answer = await practice.sent.get()
        assert (answer.content, answer.channel_id) == (ELSEWHERE, practice.channel_for(member, "dm").id)
