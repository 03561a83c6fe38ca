"""What was written while nobody listened: heard once, in time, and nobody's silence."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from bots import catching_up, inbound, presence, texts
from bots.database import run_unit
from bots.governor import refusals
from bots.models import BotHeartbeat, InvalidRequests
from bots.people import Letter, Person
from bots.practice import payloads
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.practice.world import Message as Written
from followups import conf, consent, silence
from followups.models import ConsentReceipt, UserProfile
from followups.privacy.forgetting import forget
from socialmedia.models import Account, ChannelActivity, Conversation, ListeningGap, Message
from tests.bots import running, support
from tests.bots.running import HastyBot, ada, checkback, eventually, received

pytestmark = pytest.mark.usefixtures("database")

DOWN = timedelta(minutes=10)
HISTORY = "/channels/*/messages"
NUMBER = 30


@pytest.fixture
def _quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)


async def was_heard_before(practice: PracticeServer, *, number: int) -> None:
    """Let the bot meet some members, a while ago, and stop it ten minutes ago."""
    people = support.people(practice.world)
    practice.community.clock = lambda: timezone.now() - 2 * DOWN
    async with checkback(practice) as bot:
        for user in people[:number]:
            written = await practice.member_says(user.id, "dm", "before")
            await bot.has_handled(written.id)
    await run_unit(Account.objects.filter(is_own=True).update, heard_until=timezone.now() - DOWN)
    for index in range(len(people)):
        await run_unit(running.opt_in, practice, index)
    practice.community.clock = timezone.now


async def write_meanwhile(practice: PracticeServer, *, people: int) -> list[Written]:
    """Thirty private messages of some members, over the ten minutes."""
    written = []
    for index in range(NUMBER):
        at = timezone.now() - DOWN + (index + 1) * DOWN / (NUMBER + 1)
        practice.community.clock = lambda at=at: at  # type: ignore[misc]
        user = support.people(practice.world)[index % people]
        written.append(await practice.member_says(user.id, "dm", f"number {index}"))
    practice.community.clock = timezone.now
    return written


async def missed_stop(practice: PracticeServer) -> None:
    """A member for whom something is queued wrote `stop` while nobody listened."""
    async with checkback(practice) as bot:
        before = await practice.member_says(ada(practice).id, "dm", "before")
        await bot.has_handled(before.id)
    await run_unit(running.queue_automated, practice)
    await practice.member_says(ada(practice).id, "dm", "stop")


def recorded(written: list[Written]) -> bool:
    """Whether these are stored, each once."""
    keys = [str(row.id) for row in written]
    return sorted(Message.objects.values_list("external_message_id", flat=True)) == sorted(keys)


def counts() -> list[int]:
    """How many messages each member wrote, as their profiles say and as their conversations do."""
    profiles = UserProfile.objects.filter(interaction_count__gt=0).values_list("interaction_count", flat=True)
    unread = Conversation.objects.filter(unread_count__gt=0).values_list("unread_count", flat=True)
    return sorted(profiles) + sorted(unread)


def quiet(**changes: Any) -> int:
    """How many members a sweep plans a check-in for now."""
    return silence.plan_quiet_members(now=timezone.now(), **changes)


def make_almost_quiet(user_id: int) -> None:
    """A member who is quiet for long enough only if the last minutes count."""
    last = timezone.now() - conf.current().default_delay - timedelta(minutes=5)
    UserProfile.objects.filter(pk=str(user_id)).update(last_interaction=last)


@pytest.mark.usefixtures("_quick_beats")
class TestDownForTenMinutes:
    """PEERS 39."""

    async def test_thirty_private_messages_are_recorded_once_and_nobody_counts_as_quiet(
        self, practice: PracticeServer
    ) -> None:
        await was_heard_before(practice, number=5)
        before = await run_unit(received)
        missed = await write_meanwhile(practice, people=5)
        silent = support.people(practice.world)[5].id
        await run_unit(make_almost_quiet, silent)
        everything = [*(practice.world.message(row.channel_id, row.id) for row in missed)]

        for _ in range(2):  # and once more
            async with checkback(practice) as bot:
                await bot.has_handled(*(row.id for row in missed[-5:]))  # with the newest of each thread it is through
                await eventually(ListeningGap.objects.first, "the gap")
                await run_unit(running.queue, practice, "All is read.", 5)
                async with asyncio.timeout(10):
                    await practice.sent.get()
            stored = [message for message in await run_unit(received) if message.pk not in {row.pk for row in before}]
            assert {message.external_message_id for message in stored} == {str(row.id) for row in everything}
            assert len(stored) == NUMBER
            assert await run_unit(counts) == [7] * 5 + [7] * 5

        gap = await run_unit(ListeningGap.objects.get)
        assert timedelta(minutes=9) < gap.ended_at - gap.began_at < timedelta(minutes=11)
        assert await run_unit(quiet) == 0
        await run_unit(ListeningGap.objects.all().delete)
        assert await run_unit(quiet) == 1  # but for the gap this member would be asked

    async def test_a_stop_among_them_is_obeyed_before_anything_is_sent(self, practice: PracticeServer) -> None:
        await was_heard_before(practice, number=3)
        stopper = ada(practice)
        automated = await run_unit(running.queue_automated, practice, "How are you, Ada?", 0)
        await run_unit(running.queue_automated, practice, "How are you, Bruno?", 1)
        missed = await write_meanwhile(practice, people=3)
        missed[15].content = "stop"
        assert missed[15].author_id == stopper.id

        async with checkback(practice), asyncio.timeout(20):
            sent = [(await practice.sent.get()).content for _ in range(2)]
            await run_unit(running.queue, practice, "The last one.", 0)
            while sent[-1] != "The last one.":
                sent.append((await practice.sent.get()).content)

        assert "How are you, Ada?" not in sent
        assert "How are you, Bruno?" in sent
        assert any(text.startswith(texts.STOPPED) for text in sent)
        assert (await run_unit(Message.objects.get, pk=automated.pk)).status == "suppressed"

    async def test_what_was_written_in_channels_is_noted_too(self, practice: PracticeServer) -> None:
        person, other = support.people(practice.world)[:2]
        await was_heard_before(practice, number=0)
        await run_unit(make_almost_quiet, person.id)
        place = support.general(practice)
        practice.community.clock = lambda: timezone.now() - DOWN / 2
        written = await practice.member_says(person.id, place, "Is anybody here?")
        await practice.member_says(other.id, place, "!followup_settings off")
        practice.community.clock = timezone.now

        for _ in range(2):
            async with checkback(practice):
                await eventually(ChannelActivity.objects.first, "the message in the channel")
                await eventually(ListeningGap.objects.first, "the gap")

        await run_unit(ListeningGap.objects.all().delete)
        assert await run_unit(quiet) == 0
        assert (await run_unit(ChannelActivity.objects.get)).message_id == written.id
        profile = await run_unit(UserProfile.objects.get, pk=str(person.id))
        assert profile.interaction_count == 1
        assert await run_unit(consent.require, str(other.id))  # a command of then is nobody's wish now

    async def test_where_channels_cannot_be_read_the_gap_protects(self, practice: PracticeServer) -> None:
        person = ada(practice)
        await was_heard_before(practice, number=0)
        await run_unit(make_almost_quiet, person.id)
        refusal = practice.faults.add(
            Fault(Kind.REFUSED, method="GET", path="/channels/*/messages", times=None, code=50001)
        )
        await practice.member_says(person.id, support.general(practice), "Is anybody here?")

        async with checkback(practice):
            await asyncio.wait_for(refusal.struck.wait(), 10)
            await eventually(ListeningGap.objects.first, "the gap")

        assert not await run_unit(ChannelActivity.objects.exists)
        assert await run_unit(quiet) == 0


class TestResumed:
    async def test_thirty_private_messages_are_recorded_once(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            practice.gateway.ask_to_reconnect()
            missed = await write_meanwhile(practice, people=5)
            await practice.gateway.wait("RESUMED")
            await bot.has_handled(*(row.id for row in missed))
            for row in missed:  # and once more
                practice.gateway.dispatch("MESSAGE_CREATE", payloads.message_event(practice.world, row))
            await bot.has_handled(*(row.id for row in missed))
        assert await run_unit(recorded, missed)
        assert await run_unit(counts) == [6] * 5 + [6] * 5
        assert practice.gateway.moments.count("IDENTIFY") == 1

    async def test_edits_and_deletions_are_not_undone_by_what_came_before_them(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            first = await practice.member_says(ada(practice).id, "dm", "first")
            second = await practice.member_says(ada(practice).id, "dm", "second")
            old = [payloads.message_event(practice.world, row) for row in (first, second)]
            practice.community.edit(second, {"content": "second, once changed"})
            old.append(payloads.message_event(practice.world, second))
            practice.community.edit(second, {"content": "second, twice changed"})
            practice.community.delete(first)
            await eventually(Message.objects.exclude(deleted_at=None).first, "the deletion")
            for event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
                for data in old:
                    practice.gateway.dispatch(event, data)
            last = await practice.member_says(ada(practice).id, "dm", "last")
            await bot.has_handled(last.id)
        stored = [message.message_text for message in await run_unit(received)]
        assert stored == ["[deleted]", "second, twice changed", "last"]


class TestPrivateMessages:
    async def test_are_all_read_even_if_there_are_many(self, practice: PracticeServer) -> None:
        person = ada(practice)
        async with checkback(practice) as bot:
            before = await practice.member_says(person.id, "dm", "before")
            await bot.has_handled(before.id)
        for number in range(205):  # ours, for they are passed over at once
            await practice.bot_says(before.channel_id, f"number {number}")
        last = await practice.member_says(person.id, "dm", "last")
        async with checkback(practice) as bot:
            await bot.has_handled(last.id)
        assert await run_unit(recorded, [before, last])

    async def test_beyond_the_limit_are_told_of(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catching_up, "THREAD_MESSAGES", 2)
        monkeypatch.setattr(catching_up, "THREADS", 1)
        people = support.people(practice.world)[:2]
        async with checkback(practice) as bot:
            for user in people:
                before = await practice.member_says(user.id, "dm", "before")
                await bot.has_handled(before.id)
        for number in range(3):
            await practice.member_says(people[1].id, "dm", f"number {number}")
        with capture_logs() as logs:
            async with checkback(practice):
                await eventually(lambda: Message.objects.filter(message_text="number 0").exists(), "the first")
        events = [entry["event"] for entry in logs]
        assert "bot.thread_not_read_to_its_end" in events
        assert "bot.threads_not_read" in events

    async def test_that_were_edited_meanwhile_have_their_new_words(self, practice: PracticeServer) -> None:
        person = ada(practice)
        async with checkback(practice) as bot:
            known = await practice.member_says(person.id, "dm", "known")
            await bot.has_handled(known.id)
        await run_unit(running.opt_in, practice)
        missed = await practice.member_says(person.id, "dm", "missed")
        practice.community.edit(missed, {"content": "missed, changed"})
        practice.community.edit(known, {"content": "stop"})
        async with checkback(practice) as bot:
            await bot.has_handled(missed.id)
        stored = await run_unit(received)
        assert [message.message_text for message in stored] == ["stop", "missed, changed"]
        assert [message.edited_at for message in stored] == [known.edited_at, missed.edited_at]
        assert (await run_unit(ConsentReceipt.objects.latest, "id")).state == "withdrawn"


class TestChannels:
    async def test_are_read_up_to_the_limits(self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(catching_up, "CHANNELS", 1)
        monkeypatch.setattr(catching_up, "CHANNEL_MESSAGES", 2)
        await was_heard_before(practice, number=0)
        welcome = next(place.id for place in practice.world.channels() if place.name == "welcome")
        await practice.member_says(ada(practice).id, welcome, "in the channel that is not read")
        rows = [await practice.member_says(ada(practice).id, support.general(practice), f"{n}") for n in range(3)]
        with capture_logs() as logs:
            async with checkback(practice):
                await eventually(lambda: ChannelActivity.objects.count() == 2, "the newest two")
        kept = await run_unit(lambda: list(ChannelActivity.objects.order_by("pk").values_list("pk", flat=True)))
        assert kept == [rows[1].id, rows[2].id]
        assert [entry["channels"] for entry in logs if entry["event"] == "bot.channels_not_read"] == [1]

    async def test_without_anything_new_are_not_asked_for(self, practice: PracticeServer) -> None:
        practice.community.clock = lambda: timezone.now() - 3 * DOWN
        await practice.member_says(ada(practice).id, support.general(practice), "long ago")
        await was_heard_before(practice, number=0)
        async with checkback(practice):
            pass
        asked = [request.path for request in practice.requests if request.method == "GET"]
        assert not [path for path in asked if path.endswith("/messages")]


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
        assert [message.message_text for message in await run_unit(received)] == ["before", "meanwhile", "after"]
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

    async def test_hears_a_missed_stop_though_something_newer_is_known(self, practice: PracticeServer) -> None:
        """What was heard at once while the older was still to be read, by a process that died then."""
        person = ada(practice)
        async with checkback(practice) as bot:
            before = await practice.member_says(person.id, "dm", "before")
            await bot.has_handled(before.id)
            own = bot.account
        await run_unit(running.opt_in, practice)
        await practice.member_says(person.id, "dm", "stop")
        practice.community.clock = lambda: timezone.now() + timedelta(seconds=10)
        newer = await practice.member_says(person.id, "dm", "Are you still there?")
        await run_unit(
            inbound.receive_private,
            own=own,
            author=Person(external_id=str(person.id), username=person.username),
            channel_id=str(newer.channel_id),
            letter=Letter(str(newer.id), newer.content, sent_at=timezone.now() + timedelta(seconds=10), metadata={}),
            now=timezone.now(),
        )
        async with checkback(practice):
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        assert answer.content.startswith(texts.STOPPED)

    async def test_does_not_read_what_was_before_a_conversation(self, practice: PracticeServer) -> None:
        """It may be what a member wanted to be forgotten."""
        person = ada(practice)
        practice.community.clock = lambda: timezone.now() - timedelta(seconds=30)
        async with checkback(practice) as bot:
            await eventually(BotHeartbeat.objects.filter(is_ready=True).exists, "nothing is left to read")
            for text in ("my secret", "!mydata forget"):
                written = await practice.member_says(person.id, "dm", text)
                await bot.has_handled(written.id)
            await run_unit(forget, user_id=str(person.id), source="console", evidence="", actor="", now=timezone.now())
            practice.community.clock = timezone.now
            written = await practice.member_says(person.id, "dm", "Hello again")
            await bot.has_handled(written.id)
        missed = await practice.member_says(person.id, "dm", "meanwhile")
        async with checkback(practice) as bot:
            await bot.has_handled(missed.id)
        assert [message.message_text for message in await run_unit(received)] == ["Hello again", "meanwhile"]

    @pytest.mark.parametrize("patience", [0.05, 60.0])
    async def test_is_not_over_while_discord_cannot_be_asked(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch, patience: float
    ) -> None:
        monkeypatch.setattr(catching_up, "PATIENCE_SECONDS", patience)
        monkeypatch.setattr(catching_up, "AGAIN_SECONDS", (0.1,) * 4)
        await missed_stop(practice)
        refusal = practice.faults.add(Fault(Kind.REFUSED, method="GET", path=HISTORY, status=503, times=3))
        async with checkback(practice):
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        assert refusal.count == 3
        assert answer.content.startswith(texts.STOPPED)

    async def test_is_not_over_while_our_own_governor_holds_it_up(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Barred(HastyBot):
            async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
                await run_unit(refusals.record, {403: refusals.NOTHING_FROM})
                self.calls._slots.clear()  # taken before

        for name in ("PATIENCE_SECONDS", "HELD_UP_SECONDS"):
            monkeypatch.setattr(catching_up, name, 0.05)
        await missed_stop(practice)
        async with checkback(practice, Barred()) as bot:
            await eventually(lambda: bot.catching_up.private.is_held_up, "it is held up")
            assert not await run_unit(presence.is_listened, bot.account.pk)
            await run_unit(InvalidRequests.objects.all().delete)
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        assert answer.content.startswith(texts.STOPPED)

    async def test_comes_before_a_session_that_is_resumed_before_it_was_ready(self, practice: PracticeServer) -> None:
        begun, stop = asyncio.Event(), asyncio.Event()

        class Slow(HastyBot):
            async def on_shard_connect(self, shard_id: int) -> None:
                await super().on_shard_connect(shard_id)
                begun.set()

        await missed_stop(practice)
        async with Slow() as bot:
            bot._connection.guild_ready_timeout = 600
            run = asyncio.create_task(bot.run_until(stop, practice.token))
            await begun.wait()
            practice.gateway.drop()
            await practice.gateway.wait("RESUMED")
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
            stop.set()
            await run
        assert answer.content.startswith(texts.STOPPED)

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
