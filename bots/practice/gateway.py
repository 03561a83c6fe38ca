"""The gateway: Discord's WebSocket with its opcodes, sequence numbers, compression and resumption."""

import asyncio
import contextlib
import json
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bots.practice import payloads
from bots.practice.faults import GATEWAY, Fault, Faults, Kind
from bots.practice.world import Guild, Json, UnknownThing, World

GUILDS, MEMBERS, GUILD_MESSAGES, GUILD_REACTIONS = 1 << 0, 1 << 1, 1 << 9, 1 << 10
DIRECT_MESSAGES, DIRECT_REACTIONS, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 15
KEPT_EVENTS = 2_000
CHUNK = 1_000
RESUMABLE_SECONDS = 300
ACK_SECONDS = 0.02


@dataclass
class Session:
    """A bot's session: it outlives a connection, so that missed events can be replayed."""

    id: str
    intents: int
    sequence: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    connection: "Connection | None" = None
    left_at: float = 0.0

    def dispatch(self, event: str, data: Json) -> None:
        self.sequence += 1
        payload = {"op": 0, "t": event, "s": self.sequence, "d": data}
        self.events.append(payload)
        if self.connection is not None:
            self.connection.send(payload)


class Connection:
    """One WebSocket. Sending is a queue with one writer, which keeps the order and the zlib stream whole."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, *, compressed: bool) -> None:
        self.socket = socket
        self.transport = transport
        self.is_deaf = False
        self.is_closed_by_us = False
        self._deflate = zlib.compressobj() if compressed else None
        self._queue: asyncio.Queue[Json | int] = asyncio.Queue()

    def send(self, payload: Json) -> None:
        if not (self.is_deaf and payload["op"] == 0):
            self._queue.put_nowait(payload)

    def close(self, code: int) -> None:
        """Close with a code, after everything sent so far."""
        self.is_closed_by_us = True
        self._queue.put_nowait(code)

    async def write(self) -> None:
        """Send what is queued until told to close."""
        while True:
            item = await self._queue.get()
            with contextlib.suppress(ConnectionError):
                if isinstance(item, int):
                    await self.socket.close(code=item)
                    return
                await self._send(json.dumps(item, separators=(",", ":")))

    async def _send(self, text: str) -> None:
        if self._deflate is None:
            await self.socket.send_str(text)
        else:
            packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            await self.socket.send_bytes(packed)


class Gateway:
    """All sessions of the bot. `moments` lists IDENTIFY, RESUMED and INVALIDATED as they happen."""

    def __init__(self, world: World, faults: Faults, token: str) -> None:
        self.world = world
        self.faults = faults
        self.token = token
        self.url = ""
        self.heartbeat_interval = 41_250
        self.sessions: dict[str, Session] = {}
        self.moments: list[str] = []
        self.listeners: list[Callable[[bool], None]] = []
        self._connections: set[Connection] = set()
        self._changed = asyncio.Event()

    # --- state ---

    @property
    def is_connected(self) -> bool:
        return any(session.connection is not None for session in self.sessions.values())

    async def wait(self, moment: str, count: int = 1) -> None:
        """Wait until a moment (IDENTIFY, RESUMED, INVALIDATED) has happened so many times since the start."""
        while self.moments.count(moment) < count:
            await self._changed.wait()

    async def wait_connected(self) -> None:
        while not self.is_connected:
            await self._changed.wait()

    def _note(self, moment: str | None = None) -> None:
        if moment is not None:
            self.moments.append(moment)
        for listener in self.listeners:
            listener(self.is_connected)
        self._changed.set()
        self._changed = asyncio.Event()

    # --- to the bot ---

    def dispatch(self, event: str, data: Json) -> None:
        """Send an event to every session that asked for its kind, connected or to be resumed."""
        fault = self.faults.strike(GATEWAY, event)
        for session in self.sessions.values():
            seen = _seen_with(session.intents, event, data, self.world)
            if seen is not None:
                self._spoil(fault, session)
                session.dispatch(event, seen)
                if fault is not None and fault.kind is Kind.TWICE and session.connection is not None:
                    session.connection.send(session.events[-1])

    def _spoil(self, fault: Fault | None, session: Session) -> None:
        """Make the faults that strike as an event is sent."""
        if fault is None or session.connection is None or fault.kind is Kind.TWICE:
            return
        if fault.kind is Kind.WITHHELD:
            session.connection.is_deaf = True
        else:
            _make(fault, session.connection)

    def ask_to_reconnect(self) -> None:
        """Send opcode 7."""
        for connection in self._connections:
            connection.send({"op": 7, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Send opcode 9; a session that cannot be resumed is forgotten."""
        if not resumable:
            self.sessions.clear()
        for connection in self._connections:
            connection.send({"op": 9, "d": resumable})
        self._note("INVALIDATED")

    def close_all(self, code: int) -> None:
        for connection in self._connections:
            connection.close(code)

    def drop(self) -> None:
        """Cut every connection without a word, as a broken network does. Sessions stay."""
        for connection in tuple(self._connections):
            self._detach(connection)
            if connection.transport is not None:
                connection.transport.abort()

    # --- from the bot ---

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        compressed = request.query.get("compress") == "zlib-stream"
        connection = Connection(socket, request.transport, compressed=compressed)
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if not self._strike("CONNECT", connection):
                connection.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_interval}})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, message.data)
        finally:
            self._ended(connection, socket.close_code)
            writer.cancel()
        return socket

    def _ended(self, connection: Connection, code: int | None) -> None:
        ended = [each for each in self.sessions.values() if each.connection is connection]
        self._detach(connection)
        if code in (1000, 1001) and not connection.is_closed_by_us:
            # The bot said goodbye: Discord does not resume such a session.
            for session in ended:
                self.sessions.pop(session.id, None)

    def _detach(self, connection: Connection) -> None:
        self._connections.discard(connection)
        for session in self.sessions.values():
            if session.connection is connection:
                session.connection = None
                session.left_at = time.monotonic()
        self._note()

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            self._handle(connection, json.loads(text))
        except (UnknownThing, KeyError, TypeError, ValueError):
            connection.close(4002)

    def _handle(self, connection: Connection, payload: Json) -> None:
        handler = {1: self._heartbeat, 2: self._identify, 6: self._resume, 8: self._members}.get(payload.get("op", -1))
        if handler is not None:
            handler(connection, payload["d"] if isinstance(payload.get("d"), dict) else {})

    def _heartbeat(self, connection: Connection, _data: Json) -> None:
        # As late as over a network. Sooner, discord.py has not noted yet when it asked, and warns of a slow gateway.
        asyncio.get_running_loop().call_later(ACK_SECONDS, connection.send, {"op": 11, "d": None})

    def _identify(self, connection: Connection, data: Json) -> None:
        if data["token"].removeprefix("Bot ") != self.token:
            connection.close(4004)
            return
        if self._strike("IDENTIFY", connection):
            return
        self._forget_abandoned()
        session = Session(secrets.token_hex(16), int(data.get("intents", 0)), connection=connection)
        self.sessions[session.id] = session
        ready: Json = {
            "v": 10,
            "user": payloads.current_user(self.world),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in self._guilds()],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": str(self.world.bot.id), "flags": payloads.application(self.world)["flags"]},
            "private_channels": [],
            "relationships": [],
        }
        session.dispatch("READY", ready | ({"shard": data["shard"]} if "shard" in data else {}))
        if session.intents & GUILDS:
            for guild in self._guilds():
                members = bool(session.intents & MEMBERS)
                session.dispatch("GUILD_CREATE", payloads.guild_create(self.world, guild, with_members=members))
        self._note("IDENTIFY")

    def _forget_abandoned(self) -> None:
        limit = time.monotonic() - RESUMABLE_SECONDS
        for session in tuple(self.sessions.values()):
            if session.connection is None and session.left_at < limit:
                del self.sessions[session.id]

    def _guilds(self) -> list[Guild]:
        return self.world.guilds_of(self.world.bot.id)

    def _resume(self, connection: Connection, data: Json) -> None:
        if data["token"].removeprefix("Bot ") != self.token:
            connection.close(4004)
            return
        if self._strike("RESUME", connection):
            return
        session = self.sessions.get(data["session_id"])
        seen = data["seq"] or 0
        if session is None or (session.events and seen < session.events[0]["s"] - 1):
            connection.send({"op": 9, "d": False})
            self._note("INVALIDATED")
            return
        session.connection = connection
        for event in session.events:
            if event["s"] > seen:
                connection.send(event)
        session.dispatch("RESUMED", {})
        self._note("RESUMED")

    def _members(self, connection: Connection, data: Json) -> None:
        session = next((each for each in self.sessions.values() if each.connection is connection), None)
        if session is None:
            return
        guild = self.world.guild(int(data["guild_id"]))
        wanted = {int(number) for number in data.get("user_ids") or ()}
        rows = [row for row in guild.members.values() if not wanted or row.user_id in wanted]
        if data.get("query"):
            begin = str(data["query"]).lower()
            rows = [row for row in rows if self.world.user(row.user_id).username.lower().startswith(begin)]
        rows = rows[: data.get("limit") or None]
        chunks = [rows[n : n + CHUNK] for n in range(0, len(rows), CHUNK)] or [[]]
        for index, chunk in enumerate(chunks):
            answer: Json = {
                "guild_id": str(guild.id),
                "members": [payloads.member(self.world, row) for row in chunk],
                "chunk_index": index,
                "chunk_count": len(chunks),
                "not_found": [],
            }
            session.dispatch("GUILD_MEMBERS_CHUNK", answer | ({"nonce": data["nonce"]} if "nonce" in data else {}))

    def _strike(self, moment: str, connection: Connection) -> bool:
        fault = self.faults.strike(GATEWAY, moment)
        if fault is None:
            return False
        _make(fault, connection)
        return True


def _make(fault: Fault, connection: Connection) -> None:
    if fault.kind is Kind.RECONNECT:
        connection.send({"op": 7, "d": None})
    elif fault.kind is Kind.INVALID_SESSION:
        connection.send({"op": 9, "d": fault.resumable})
    else:
        connection.close(fault.code or 4000)


_NEEDS = {
    "MESSAGE_CREATE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_UPDATE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_DELETE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_DELETE_BULK": (GUILD_MESSAGES, GUILD_MESSAGES),
    "MESSAGE_REACTION_ADD": (GUILD_REACTIONS, DIRECT_REACTIONS),
    "MESSAGE_REACTION_REMOVE": (GUILD_REACTIONS, DIRECT_REACTIONS),
    "GUILD_MEMBER_ADD": (MEMBERS, MEMBERS),
    "GUILD_MEMBER_REMOVE": (MEMBERS, MEMBERS),
    "GUILD_MEMBER_UPDATE": (MEMBERS, MEMBERS),
    "THREAD_CREATE": (GUILDS, GUILDS),
    "THREAD_UPDATE": (GUILDS, GUILDS),
    "THREAD_DELETE": (GUILDS, GUILDS),
    "THREAD_MEMBERS_UPDATE": (GUILDS, GUILDS),
}


def _seen_with(intents: int, event: str, data: Json, world: World) -> Json | None:
    """Return the event as a session with these intents sees it, None if it does not."""
    needs = _NEEDS.get(event)
    if needs is None:
        return data
    in_guild, in_private = needs
    if not intents & (in_guild if "guild_id" in data else in_private):
        return None
    hidden = event in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and "guild_id" in data and not intents & MESSAGE_CONTENT
    mine = hidden and (data["author"]["id"] == str(world.bot.id) or _mentions_bot(data, world))
    return data | {"content": "", "embeds": [], "components": []} if hidden and not mine else data


def _mentions_bot(data: Json, world: World) -> bool:
    return any(each["id"] == str(world.bot.id) for each in data["mentions"])
