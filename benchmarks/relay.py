"""How fast and how soon do queued messages reach Discord, each once and in order?

Two real bots (`manage.py runbot`, one listens, both deliver) against the practice Discord, beside one process of bare
discord.py that sends the same messages without any database: with Discord's 50 requests a second, and without a limit.
`python -m benchmarks.relay [--messages N] [--conversations N] [--json]`.
"""

import asyncio
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import harness

BOTS = 2
LIMIT = 50
IN_FLIGHT = 16
WANTED_PER_SECOND = 45
IDLE_MS = 100


@dataclass(frozen=True)
class Receipt:
    """A message as the practice Discord took it."""

    channel_id: int
    text: str
    at: datetime


class Practice:
    """The practice Discord on a thread of its own, with one private channel for each of so many members."""

    def __init__(self, members: int) -> None:
        from bots.practice.server import PracticeServer
        from bots.practice.world import User, World

        world = World.example()
        guild_id, now = next(iter(world.guilds)), datetime.now(UTC)
        users = [world.add_user(User(10**17 + n, f"member{n}", f"Member {n}")) for n in range(members)]
        for user in users:
            world.join(guild_id, user.id, now=now)
        self.channels = {user.id: world.open_dm(world.bot.id, user.id).id for user in users}
        self.server = PracticeServer(world)
        self._loop = asyncio.new_event_loop()

    @contextmanager
    def running(self) -> Iterator["Practice"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            self._do(self.server.start())
            yield self
        finally:
            self._do(self.server.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def begin(self, *, limit: int | None) -> None:
        """Forget what was sent, and refuse more than `limit` requests a second from now on."""
        time.sleep(1.1)  # the second that the last requests count for
        self.server.limits.globally = limit
        self.server.limits.default = (10**6, 1.0)
        self.server.requests.clear()
        while not self.server.sent.empty():
            self.server.sent.get_nowait()

    def taken(self) -> int:
        """How many messages were taken since `begin`."""
        return self.server.sent.qsize()

    def receipts(self) -> list[Receipt]:
        """What was taken since `begin`, in its order."""
        rows = [self.server.sent.get_nowait() for _ in range(self.taken())]
        return [Receipt(row.channel_id, row.content, row.sent_at) for row in rows]

    def refused(self, taken: int) -> int:
        """How many of the requests since `begin` were answered with a 429. No other fault is made here."""
        sends = [row for row in self.server.requests if row.method == "POST" and row.path.endswith("/messages")]
        return len(sends) - taken


@contextmanager
def bots(practice: Practice, account: Any, *, pace: int) -> Iterator[list[int]]:
    """Real bots that are ready to deliver: each beats, and one has caught up. Yields their process ids."""
    from bots import presence
    from bots.models import BotHeartbeat

    BotHeartbeat.objects.all().delete()
    environment = {
        **os.environ,
        "DATABASE_URL": harness.url(),
        "PYTHONPATH": str(harness.ROOT),
        "DISCORD_BOT_TOKEN": practice.server.token,
        "DISCORD_API_URL": practice.server.api_url,
        "DISCORD_GATEWAY_URL": practice.server.gateway_url,
        "BENCHMARK_DISCORD_PACE": str(pace),
    }
    with ExitStack() as stack:
        command = [sys.executable, "manage.py", "runbot"]
        pids = [stack.enter_context(harness.process(command, environment)).pid for _ in range(BOTS)]
        harness.wait_until(
            lambda: BotHeartbeat.objects.count() == BOTS and presence.is_listened(account.pk), seconds=120
        )
        time.sleep(1.5)  # each relay has looked once more
        yield pids


def people(practice: Practice) -> tuple[Any, list[Any]]:
    """The bot's account, and a conversation with each member whose channel is open: new ones are a scarce budget."""
    from socialmedia import accounts, inbox

    now, bot = harness.now(), practice.server.world.bot
    account = accounts.remember(
        platform="discord", external_id=str(bot.id), username=bot.username, is_bot=True, is_own=True, now=now
    )
    conversations = []
    for user_id, channel_id in practice.channels.items():
        username = practice.server.world.user(user_id).username
        member = accounts.remember(platform="discord", external_id=str(user_id), username=username, now=now)
        conversations.append(
            inbox.open_conversation(account=account, participant=member, external_channel_id=str(channel_id), now=now)
        )
    return account, conversations


def idle(practice: Practice, conversations: Sequence[Any], count: int) -> list[float]:
    """Milliseconds from just before a message is queued to its receipt, one message at a time."""
    from socialmedia import outbox

    late = []
    for number in range(count):
        time.sleep(random.uniform(0.02, 0.08))
        began = datetime.now(UTC)
        outbox.queue_reply(conversation=conversations[number % len(conversations)], text="Hello.", now=began)
        harness.wait_until(lambda: practice.taken() == 1, seconds=30, every=0.001)
        (receipt,) = practice.receipts()
        late.append((receipt.at - began).total_seconds() * 1000)
    return late


def ours(practice: Practice, conversations: Sequence[Any], texts: Sequence[str]) -> None:
    """Queue every text for every conversation at once, and wait until each is recorded as sent."""
    from django.db import transaction

    from socialmedia import outbox
    from socialmedia.models import Message

    with transaction.atomic():
        for text in texts:
            for conversation in conversations:
                outbox.queue_reply(conversation=conversation, text=text, now=harness.now())
    unsent = Message.objects.filter(status__in=["queued", "sending"])
    harness.wait_until(lambda: practice.taken() >= len(texts) * len(conversations), seconds=300)
    harness.wait_until(lambda: not unsent.exists(), seconds=60)
    assert not Message.objects.exclude(status="sent").exists(), "not every message is recorded as sent"


def bare(practice: Practice, texts: Sequence[str]) -> float:
    """The same by discord.py alone, in a process of its own. Returns the seconds of processor time that it took."""
    spawn = multiprocessing.get_context("spawn")
    used = spawn.Value("d", 0.0)
    arguments = (practice.server.api_url, practice.server.token, list(practice.channels.values()), list(texts), used)
    process = spawn.Process(target=_send_bare, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0
    return float(used.value)


def cpu_seconds(pids: Sequence[int]) -> float:
    """The processor time that these processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def _send_bare(api_url: str, token: str, channels: Sequence[int], texts: Sequence[str], used: Any) -> None:
    import discord
    from discord.http import Route

    Route.BASE = api_url

    async def send_all() -> None:
        places = asyncio.Semaphore(IN_FLIGHT)
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(token)

            async def send(channel_id: int) -> None:
                channel = client.get_partial_messageable(channel_id, type=discord.ChannelType.private)
                for text in texts:
                    async with places:
                        with suppress(discord.HTTPException):  # refused five times: a lost message
                            await channel.send(text)

            began = time.process_time()
            await asyncio.gather(*(send(channel_id) for channel_id in channels))
            used.value = time.process_time() - began

    asyncio.run(send_all())


def judge(practice: Practice, texts: Sequence[str], *, cpu: float) -> dict[str, float]:
    """What the practice Discord's own record says: rate, lost, doubled, out of order, refused. `cpu` is in seconds."""
    receipts = practice.receipts()
    by_channel: dict[int, list[str]] = {channel_id: [] for channel_id in practice.channels.values()}
    for receipt in receipts:
        by_channel[receipt.channel_id].append(receipt.text)
    got = by_channel.values()
    seconds = (receipts[-1].at - receipts[0].at).total_seconds()
    return {
        "rate": (len(receipts) - 1) / seconds,
        "delivered": sum(len(set(each)) for each in got),
        "doubled": sum(len(each) - len(set(each)) for each in got),
        "disordered": sum(list(dict.fromkeys(each)) != list(texts) for each in got),
        "refused": practice.refused(len(receipts)),
        "cpu_ms": cpu * 1000 / len(receipts),
    }


def main() -> None:
    """Ask all, and compare."""
    parser = harness.parser(__doc__)
    parser.add_argument("--messages", type=int, help="so many in all (1,000), rounded to as many for each")
    parser.add_argument("--conversations", type=int, help="over so many conversations (200)")
    options = parser.parse_args()
    count = options.messages or (60 if options.quick else 1000)
    spread = options.conversations or (20 if options.quick else 200)
    practice = Practice(spread)
    texts = [f"message {number}" for number in range(max(1, round(count / spread)))]
    harness.prepare()
    try:
        with practice.running():
            results, late = _ask(practice, texts, probes=10 if options.quick else 200)
    finally:
        harness.clean_up()
    if options.json:
        harness.dump({**results, "idle": late})
    else:
        _print(results, late, len(texts) * spread)


def _ask(practice: Practice, texts: Sequence[str], *, probes: int) -> tuple[dict[str, Any], list[float]]:
    account, conversations = people(practice)
    results: dict[str, Any] = {}
    for limit, pace, name in ((None, 10**6, "no limit"), (LIMIT, WANTED_PER_SECOND, f"{LIMIT} a second")):
        practice.begin(limit=limit)
        cpu = bare(practice, texts)
        results[f"bare discord.py, {name}"] = judge(practice, texts, cpu=cpu)
        practice.begin(limit=None)
        with bots(practice, account, pace=pace) as pids:
            if limit is None:
                late = idle(practice, conversations, probes)
            practice.begin(limit=limit)
            before = cpu_seconds(pids)
            ours(practice, conversations, texts)
            cpu = cpu_seconds(pids) - before
        results[f"Checkback, {BOTS} bots, {name}"] = judge(practice, texts, cpu=cpu)
    return results, late


def _print(results: dict[str, Any], late: Sequence[float], count: int) -> None:
    rows: list[Sequence[object]] = []
    for name, row in results.items():
        beside = row["rate"] / results[f"bare discord.py, {name.rsplit(', ', 1)[1]}"]["rate"]
        wrong = (count - row["delivered"], row["doubled"], row["disordered"])
        rows.append((name, row["rate"], beside, *wrong, row["refused"], row["cpu_ms"]))
    wrongs = ("lost", "doubled", "threads out of order", "answers 429")
    harness.show(["", "messages/s", "x bare", *wrongs, "ms of processor for each"], rows)
    print()
    p50, p99 = harness.quantile(late, 0.5), harness.quantile(late, 0.99)
    verdict = f"<= {IDLE_MS}: {'met' if p50 < IDLE_MS else 'MISSED'}"
    headers = ["milliseconds from queued to receipt, idle", "p50", "p99", "max", "target for p50"]
    harness.show(headers, [(f"Checkback, {BOTS} bots", p50, p99, max(late), verdict)])


if __name__ == "__main__":
    main()
