"""The chat page: play a member of the practice community in a browser."""

import asyncio
import contextlib
import functools
import json
from collections.abc import Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from bots.practice import picture
from bots.practice.acts import Actor
from bots.practice.community import INTERACTION_LIFE, INTERACTION_TIME, Community, Interaction
from bots.practice.gateway import Gateway
from bots.practice.world import Channel, Json, Message, NotAllowed, UnknownThing

STATIC = Path(__file__).parent / "static"
PAGE = 50
MODULES = (
    "actions", "commands", "components", "compose", "dialogs", "dom", "embeds", "forms", "main", "markdown", "menus",
    "message", "places", "socket", "state", "talk",
)  # fmt: skip
SHEETS = ("base", "panes", "messages", "controls")
_FILES = (
    {"/": "chat.html"}
    | {f"/chat/{name}.js": f"chat/{name}.js" for name in MODULES}
    | {f"/chat/{name}.css": f"chat/{name}.css" for name in SHEETS}
)
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class ChatPage:
    """Serves the page and keeps every open one up to date.

    `patience` is how many seconds a page waits for the bot's first answer before it shows that there is none.
    """

    def __init__(self, community: Community, gateway: Gateway) -> None:
        self.community = community
        self.gateway = gateway
        self.patience = INTERACTION_TIME.total_seconds()
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
        socket = web.WebSocketResponse(heartbeat=30, timeout=1, max_msg_size=1 << 17)
        await socket.prepare(request)
        visitor = Visitor(self, socket, online=self.gateway.is_connected)
        self._visitors.add(visitor)
        self.community.listeners.add(visitor.hear)
        try:
            await visitor.stay()
        finally:
            self.community.listeners.discard(visitor.hear)
            self._visitors.discard(visitor)
        return socket


class Visitor:
    """One open page and the member it plays. What the page asks may bear a `ref`: the answer bears it, too."""

    def __init__(self, page: ChatPage, socket: web.WebSocketResponse, *, online: bool) -> None:
        self.page = page
        self.community = page.community
        self.world = page.community.world
        self.socket = socket
        self.actor: Actor | None = None
        self._queue: asyncio.Queue[Json] = asyncio.Queue()
        self._waiting: set[asyncio.Task[None]] = set()
        self._own: dict[int, Interaction] = {}
        self._online = online

    # --- the connection ---

    async def stay(self) -> None:
        """Serve the page until it goes."""
        self.send(self._picture("welcome"))
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
        asked: Json = {}
        try:
            asked = dict(json.loads(text))
            self._DO[asked["t"]](self, asked)
        except (NotAllowed, UnknownThing) as error:
            self._complain(asked, str(error.args[0]))
        except (KeyError, TypeError, ValueError):
            self._complain(asked, "The page sent something that this server does not understand. Reload it.")

    def _complain(self, asked: Json, text: str) -> None:
        self.send({"t": "error", "text": text, "ref": asked.get("ref")})

    # --- what the page is told ---

    def status(self, online: bool) -> None:
        self._online = online
        self.send({"t": "status", "online": online})

    def hear(self, event: str, subject: object) -> None:
        """Pass on what happened, as far as this member may see it."""
        if isinstance(subject, Message):
            self._tell_message(event, subject)
        elif isinstance(subject, Interaction):
            if subject.id in self._own:
                self.send(picture.answered(subject))
        elif event == "commands":
            self.send({"t": "commands", "commands": picture.commands(self.world)})
        elif event in ("members", "threads"):
            self.send(self._picture("people"))
        elif event == "typing" and isinstance(subject, tuple):
            self._tell_typing(*subject)

    def _tell_message(self, event: str, row: Message) -> None:
        if row.is_ephemeral:
            self._tell_aside(event, row)
        elif self._sees(self.world.channel(row.channel_id)):
            self._send_message(event, row)
        elif event == "message":
            self._tell_elsewhere(row)

    def _tell_aside(self, event: str, row: Message) -> None:
        if self.actor is None or row.ephemeral_for != self.actor.user_id:
            return
        if event == "deleted":
            self.actor.asides.pop(row.id, None)
        else:
            self.actor.asides[row.id] = row
        self._send_message(event, row)

    def _tell_elsewhere(self, row: Message) -> None:
        """Mark that the bot wrote in private to somebody whom this page does not play."""
        place = self.world.channel(row.channel_id)
        if place.is_direct and row.author_id == self.world.bot.id:
            for user_id in set(place.recipients) - {row.author_id}:
                self.send({"t": "elsewhere", "user": str(user_id), "message": str(row.id)})

    def _tell_typing(self, channel_id: int, user_id: int) -> None:
        if self._sees(self.world.channel(channel_id)) and user_id == self.world.bot.id:
            self.send({"t": "typing", "channel": str(channel_id)})

    def _picture(self, kind: str) -> Json:
        return picture.welcome(self.world, self._viewer, online=self._online) | {"t": kind}

    @property
    def _viewer(self) -> int | None:
        return None if self.actor is None else self.actor.user_id

    def _send_message(self, event: str, row: Message) -> None:
        self.send({"t": event, "message": picture.message(self.world, row, self._viewer)})

    def _sees(self, place: Channel) -> bool:
        return self.actor is not None and self.actor.sees(place)

    # --- what the page asks for ---

    def _me(self) -> Actor:
        if self.actor is None:
            raise NotAllowed("Choose first who you are.")
        return self.actor

    def _become(self, asked: Json) -> None:
        user = self.world.user(int(asked["user"]))
        if user.is_bot:
            raise NotAllowed("Bots play themselves. Choose a person.")
        self.actor = Actor(self.community, user.id)
        self._own.clear()
        place = self.world.open_dm(self.world.bot.id, user.id)
        self.send(self._picture("people"))
        self.send({"t": "you", "user": str(user.id), "dm": str(place.id)})

    def _open(self, asked: Json) -> None:
        me = self._me()
        place = me.place(int(asked["channel"]))
        before = int(asked["before"]) if asked.get("before") else None
        rows = self.world.history(place.id, limit=PAGE, before=before)
        messages = [picture.message(self.world, row, me.user_id) for row in reversed(rows)]
        more = len(rows) == PAGE
        self.send(
            {"t": "history", "channel": str(place.id), "messages": messages, "more": more, "older": before is not None}
        )

    def _say(self, asked: Json) -> None:
        reply_to = int(asked["reply_to"]) if asked.get("reply_to") else None
        self._me().say(int(asked["channel"]), str(asked["text"]), reply_to=reply_to)

    def _edit(self, asked: Json) -> None:
        self._me().edit(int(asked["channel"]), int(asked["message"]), str(asked["text"]))

    def _delete(self, asked: Json) -> None:
        self._me().delete(int(asked["channel"]), int(asked["message"]))

    def _react(self, asked: Json) -> None:
        self._me().react(int(asked["channel"]), int(asked["message"]), str(asked["emoji"]))

    def _dismiss(self, asked: Json) -> None:
        self._me().asides.pop(int(asked["message"]), None)

    def _slash(self, asked: Json) -> None:
        me = self._me_and_bot()
        self._await_answer(me.use(int(asked["channel"]), str(asked["name"]), dict(asked["options"])), asked)

    def _press(self, asked: Json) -> None:
        me = self._me_and_bot()
        values = None if asked.get("values") is None else [str(value) for value in asked["values"]]
        row = me.press(int(asked["channel"]), int(asked["message"]), str(asked["custom_id"]), values)
        self._await_answer(row, asked)

    def _complete(self, asked: Json) -> None:
        me = self._me_and_bot()
        place, options = int(asked["channel"]), dict(asked["options"])
        self._await_answer(me.complete(place, str(asked["name"]), options, str(asked["focused"])), asked)

    def _submit(self, asked: Json) -> None:
        me = self._me_and_bot()
        values = {str(name): _field(value) for name, value in dict(asked["values"]).items()}
        self._await_answer(me.submit(self._own.get(int(asked["interaction"])), values), asked)

    def _me_and_bot(self) -> Actor:
        me = self._me()
        if not self._online:
            raise NotAllowed("The bot is not connected, so nobody would answer. Start it and try again.")
        return me

    # --- waiting for the bot ---

    def _await_answer(self, row: Interaction, asked: Json) -> None:
        self._own[row.id] = row
        about = {"interaction": str(row.id), "channel": str(row.channel_id), "name": row.name}
        self.send({"t": "asked", "kind": asked["t"], "ref": asked.get("ref"), **about})
        task = asyncio.create_task(self._judge(row))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _judge(self, row: Interaction) -> None:
        """Tell the page when the bot lets the time for its first answer pass, or thinks for longer than it may."""
        if not await _within(self.page.patience, row, lambda: row.is_acknowledged):
            self.send(picture.answered(row) | {"state": "failed"})
            return
        thinks = row.is_deferred and row.original is None
        if thinks and not await _within(INTERACTION_LIFE.total_seconds(), row, lambda: row.original is not None):
            self.send(picture.answered(row) | {"state": "failed"})

    _DO: dict[str, Callable[["Visitor", Json], None]] = {
        "become": _become,
        "open": _open,
        "say": _say,
        "edit": _edit,
        "delete": _delete,
        "react": _react,
        "dismiss": _dismiss,
        "slash": _slash,
        "complete": _complete,
        "press": _press,
        "submit": _submit,
    }


def _field(value: object) -> str | list[str]:
    return [str(each) for each in value] if isinstance(value, list) else str(value)


async def _within(seconds: float, row: Interaction, happened: Callable[[], bool]) -> bool:
    """Return whether it happened to an interaction in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not happened():
                await row.changed.wait()
    return happened()


async def _file(path: Path, _request: web.Request) -> web.Response:
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=_HEADERS)


async def _no_icon(_request: web.Request) -> web.Response:
    return web.Response(status=204)
