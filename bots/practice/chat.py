"""The chat page: play a member of the practice community in a browser."""

import asyncio
import contextlib
import functools
import json
from collections.abc import Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from bots.practice.community import INTERACTION_TIME, Community, Interaction
from bots.practice.gateway import Gateway
from bots.practice.world import Channel, Json, Message, NotAllowed, UnknownThing, dm_channel_id

STATIC = Path(__file__).parent / "static"
PAGE = 50
_FILES = {"/": "chat.html", "/chat/chat.css": "chat.css", "/chat/chat.js": "chat.js"}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class ChatPage:
    """Serves the page and keeps every open one up to date."""

    def __init__(self, community: Community, gateway: Gateway) -> None:
        self.community = community
        self.gateway = gateway
        self._visitors: set[Visitor] = set()
        self._online = False
        gateway.listeners.append(self._status)

    def add_routes(self, app: web.Application) -> None:
        for path, name in _FILES.items():
            app.router.add_get(path, functools.partial(_file, STATIC / name))
        app.router.add_get("/favicon.ico", _no_icon)
        app.router.add_get("/chat/ws", self._visit)

    async def close(self) -> None:
        for visitor in tuple(self._visitors):
            await visitor.close()

    def _status(self, online: bool) -> None:
        if online != self._online:
            self._online = online
            for visitor in self._visitors:
                visitor.status(online)

    async def _visit(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=30, timeout=1, max_msg_size=1 << 16)
        await socket.prepare(request)
        visitor = Visitor(self.community, socket, online=self.gateway.is_connected)
        self._visitors.add(visitor)
        self.community.listeners.add(visitor.hear)
        try:
            await visitor.stay()
        finally:
            self.community.listeners.discard(visitor.hear)
            self._visitors.discard(visitor)
        return socket


class Visitor:
    """One open page and the member it plays."""

    def __init__(self, community: Community, socket: web.WebSocketResponse, *, online: bool) -> None:
        self.community = community
        self.world = community.world
        self.socket = socket
        self.user_id: int | None = None
        self._queue: asyncio.Queue[Json] = asyncio.Queue()
        self._waiting: set[asyncio.Task[None]] = set()
        self._own: set[int] = set()
        self._online = online

    # --- the connection ---

    async def stay(self) -> None:
        """Serve the page until it goes."""
        self.send(self._welcome())
        writer = asyncio.create_task(self._write())
        try:
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data)
        finally:
            writer.cancel()
            for task in self._waiting:
                task.cancel()

    async def close(self) -> None:
        await self.socket.close(code=1001)

    def send(self, payload: Json) -> None:
        self._queue.put_nowait(payload)

    async def _write(self) -> None:
        while True:
            payload = await self._queue.get()
            with contextlib.suppress(ConnectionError):
                await self.socket.send_str(json.dumps(payload))

    def _receive(self, text: str) -> None:
        try:
            asked = json.loads(text)
            self._DO[asked["t"]](self, asked)
        except (NotAllowed, UnknownThing) as error:
            self.send({"t": "error", "text": str(error.args[0])})
        except (KeyError, TypeError, ValueError):
            self.send(
                {"t": "error", "text": "The page sent something that this server does not understand. Reload it."}
            )

    # --- what the page is told ---

    def status(self, online: bool) -> None:
        self._online = online
        self.send({"t": "status", "online": online})

    def hear(self, event: str, subject: object) -> None:
        """Pass on what happened, as far as this member may see it."""
        if isinstance(subject, Message):
            self._tell_message(event, subject)
        elif isinstance(subject, Interaction):
            self._tell_answered(subject)
        elif event == "commands":
            self.send({"t": "commands", "commands": self._commands()})
        elif event == "members":
            self.send(self._welcome() | {"t": "people"})
        elif event == "typing" and isinstance(subject, tuple):
            place = self.world.channel(subject[0])
            if self._may_see(place):
                self.send({"t": "typing", "channel": str(place.id)})

    def _tell_message(self, event: str, row: Message) -> None:
        place = self.world.channel(row.channel_id)
        if row.ephemeral_for not in (None, self.user_id):
            return
        if self._may_see(place):
            self.send({"t": event, "message": self._message(row)})
        elif event == "message" and place.is_direct and row.author_id == self.world.bot.id:
            for user_id in set(place.recipients) - {row.author_id}:
                self.send({"t": "elsewhere", "user": str(user_id), "message": str(row.id)})

    def _tell_answered(self, row: Interaction) -> None:
        if row.id in self._own:
            state = "thinking" if row.is_deferred and row.original is None else "done"
            channel, modal = str(row.channel_id), row.modal is not None
            self.send({"t": "answered", "interaction": str(row.id), "channel": channel, "state": state, "modal": modal})

    def _may_see(self, place: Channel) -> bool:
        if self.user_id is None:
            return False
        if place.guild_id is None:
            return self.user_id in place.recipients
        return self.user_id in self.world.guild(place.guild_id).members

    def _welcome(self) -> Json:
        bot = self.world.bot
        people = [
            {
                "id": str(user.id),
                "name": user.display_name,
                "username": user.username,
                "guilds": [str(guild.id) for guild in self.world.guilds_of(user.id)],
                "channel": str(dm_channel_id(bot.id, user.id)),
                "dm": str(self.world.last_message_id(dm_channel_id(bot.id, user.id)) or 0),
            }
            for user in self.world.users.values()
            if not user.is_bot
        ]
        guilds = [
            {
                "id": str(guild.id),
                "name": guild.name,
                "channels": [
                    {
                        "id": str(row.id),
                        "name": row.name,
                        "topic": row.topic or "",
                        "last": str(self.world.last_message_id(row.id) or 0),
                    }
                    for row in guild.channels.values()
                ],
            }
            for guild in self.world.guilds.values()
        ]
        return {
            "t": "welcome",
            "bot": {"id": str(bot.id), "name": bot.display_name},
            "online": self._online,
            "people": people,
            "guilds": guilds,
            "commands": self._commands(),
        }

    def _commands(self) -> list[Json]:
        return [
            {**command, "guild": None if scope is None else str(scope)}
            for scope, commands in self.world.commands.items()
            for command in commands
            if command.get("type", 1) == 1
        ]

    def _author(self, user_id: int) -> Json:
        user = self.world.user(user_id)
        return {"id": str(user.id), "name": user.display_name, "bot": user.is_bot}

    def _message(self, row: Message) -> Json:
        used = None
        if row.interaction_user_id is not None:
            used = {"by": self._author(row.interaction_user_id)["name"], "command": row.interaction_name}
        return {
            "id": str(row.id),
            "channel": str(row.channel_id),
            "author": self._author(row.author_id),
            "text": row.content,
            "at": row.sent_at.isoformat(),
            "edited": row.edited_at is not None,
            "embeds": row.embeds,
            "components": row.components,
            "reactions": [
                {"emoji": emoji, "count": len(users), "me": self.user_id in users}
                for emoji, users in row.reactions.items()
            ],
            "ephemeral": row.is_ephemeral,
            "used": used,
        }

    # --- what the page asks for ---

    def _me(self) -> int:
        if self.user_id is None:
            raise NotAllowed("Choose first who you are.")
        return self.user_id

    def _place(self, asked: Json) -> Channel:
        self._me()
        place = self.world.channel(int(asked["channel"]))
        if not self._may_see(place):
            raise NotAllowed("This member is not in that channel.")
        return place

    def _become(self, asked: Json) -> None:
        user = self.world.user(int(asked["user"]))
        if user.is_bot:
            raise NotAllowed("Bots play themselves. Choose a person.")
        self.user_id = user.id
        place = self.world.open_dm(self.world.bot.id, user.id)
        self.send({"t": "you", "user": str(user.id), "dm": str(place.id)})

    def _open(self, asked: Json) -> None:
        place = self._place(asked)
        before = int(asked["before"]) if asked.get("before") else None
        rows = self.world.history(place.id, limit=PAGE, before=before)
        messages = [self._message(row) for row in reversed(rows)]
        more = len(rows) == PAGE
        self.send(
            {"t": "history", "channel": str(place.id), "messages": messages, "more": more, "older": before is not None}
        )

    def _say(self, asked: Json) -> None:
        text = str(asked["text"]).strip()
        if not 0 < len(text) <= 2_000:
            raise NotAllowed("A message has between 1 and 2,000 characters.")
        self.community.post(self._place(asked).id, self._me(), text)

    def _slash(self, asked: Json) -> None:
        self._need_bot()
        place = self._place(asked)
        row = self.community.use_command(self._me(), place, str(asked["name"]), dict(asked["options"]))
        self._await_answer(row)

    def _press(self, asked: Json) -> None:
        self._need_bot()
        place = self._place(asked)
        wanted = int(asked["message"])
        rows = [self.world.messages[place.id].get(wanted)]
        rows += [each for item in self.community.interactions.values() for each in item.answers if each.id == wanted]
        row = next((each for each in rows if each is not None and each.ephemeral_for in (None, self.user_id)), None)
        if row is None:
            raise NotAllowed("That message is gone.")
        values = [str(value) for value in asked["values"]] if asked.get("values") is not None else None
        self._await_answer(self.community.press(self._me(), row, str(asked["custom_id"]), values))

    def _react(self, asked: Json) -> None:
        row = self.world.message(self._place(asked).id, int(asked["message"]))
        emoji = str(asked["emoji"])[:32]
        add = self._me() not in row.reactions.get(emoji, set())
        self.community.react(row, self._me(), emoji, add=add)

    def _need_bot(self) -> None:
        if not self._online:
            raise NotAllowed("The bot is not connected, so nobody would answer. Start it and try again.")

    def _await_answer(self, row: Interaction) -> None:
        self._own.add(row.id)
        self.send({"t": "asked", "interaction": str(row.id), "channel": str(row.channel_id), "name": row.name})
        task = asyncio.create_task(self._judge(row))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _judge(self, row: Interaction) -> None:
        """Tell the page when the bot lets the time for its first answer pass."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTERACTION_TIME.total_seconds()):
                while not row.is_acknowledged:
                    await row.changed.wait()
        if not row.is_acknowledged:
            channel = str(row.channel_id)
            self.send({"t": "answered", "interaction": str(row.id), "channel": channel, "state": "failed"})

    _DO: dict[str, Callable[["Visitor", Json], None]] = {
        "become": _become,
        "open": _open,
        "say": _say,
        "slash": _slash,
        "press": _press,
        "react": _react,
    }


async def _file(path: Path, _request: web.Request) -> web.Response:
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=_HEADERS)


async def _no_icon(_request: web.Request) -> web.Response:
    return web.Response(status=204)
