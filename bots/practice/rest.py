"""Discord's REST API, version 10, as far as a bot of private messages and slash commands uses it."""

import asyncio
import contextlib
import heapq
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from bots.practice import drafts, payloads, uploads
from bots.practice.callbacks import Callbacks
from bots.practice.calls import Call, Handler, Recorded, read_call
from bots.practice.community import Community
from bots.practice.faults import Fault, Faults, Kind
from bots.practice.limits import Limits
from bots.practice.places import Places
from bots.practice.refusals import Refusal, invalid_form, unknown
from bots.practice.thread_routes import ThreadRoutes, archived_refusal
from bots.practice.world import Attachment, Channel, Json, Message, UnknownThing

PREFIX = "/api/v10"
MOST_MEMBERS = 1_000


class RestApi:
    """The endpoints. `sent` gets every message that the bot sends to a channel, once."""

    def __init__(self, community: Community, faults: Faults, limits: Limits, token: str) -> None:
        self.community = community
        self.world = community.world
        self.faults = faults
        self.limits = limits
        self.token = token
        self.places = Places(self.world)
        self.base_url = ""
        self.gateway_url = ""
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.requests: list[Recorded] = []

    def add_routes(self, app: web.Application) -> None:
        bot, me = "/applications/{application_id}", "@me"
        message = "/channels/{channel_id}/messages/{message_id}"
        for method, path, handler in (
            ("GET", f"/users/{me}", self.current_user),
            ("GET", "/users/{user_id}", self.user),
            ("POST", f"/users/{me}/channels", self.open_dm),
            ("GET", f"/users/{me}/guilds", self.guilds),
            ("GET", f"/oauth2/applications/{me}", self.application),
            ("GET", f"/applications/{me}", self.application),
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", "/guilds/{guild_id}", self.guild),
            ("GET", "/guilds/{guild_id}/channels", self.guild_channels),
            ("GET", "/guilds/{guild_id}/roles", self.roles),
            ("GET", "/guilds/{guild_id}/members", self.members),
            ("GET", "/guilds/{guild_id}/members/{user_id}", self.member),
            ("GET", "/channels/{channel_id}", self.channel),
            ("POST", "/channels/{channel_id}/typing", self.typing),
            ("GET", "/channels/{channel_id}/messages", self.history),
            ("POST", "/channels/{channel_id}/messages", self.send),
            ("GET", message, self.message),
            ("PATCH", message, self.edit),
            ("DELETE", message, self.delete),
            ("PUT", message + "/reactions/{emoji}/@me", self.react),
            ("DELETE", message + "/reactions/{emoji}/@me", self.unreact),
            ("GET", bot + "/commands", self.commands),
            ("PUT", bot + "/commands", self.register),
            ("GET", bot + "/guilds/{guild_id}/commands", self.commands),
            ("PUT", bot + "/guilds/{guild_id}/commands", self.register),
            *ThreadRoutes(self.community, self.places).routes(),
            *Callbacks(self.community).routes(),
        ):
            app.router.add_route(method, PREFIX + path, self._endpoint(method, path, handler))
        app.router.add_route("*", PREFIX + "/{rest:.*}", self._endpoint("*", "/{rest}", self.nothing))

    # --- the frame round every endpoint ---

    def _endpoint(self, method: str, path: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        open_to_all = path.startswith(("/interactions/", "/webhooks/")) or path == "/gateway"
        route = f"{method} {path}"

        async def endpoint(request: web.Request) -> web.Response:
            if self.limits.is_banned:
                return banned()
            response = await self._served(request, route, handler, open_to_all=open_to_all)
            self.limits.note(response.status, response.headers.get("X-RateLimit-Scope"))
            return response

        return endpoint

    async def _served(self, request: web.Request, route: str, handler: Handler, *, open_to_all: bool) -> web.Response:
        asked = request.path.removeprefix(PREFIX)
        try:
            call = await read_call(request)
        except Refusal as refusal:
            return refused(refusal)
        self.requests.append(Recorded(request.method, asked, call.body, self.community.now()))
        fault = self.faults.strike(request.method, asked, self._concerned(call))
        early = await self._before(request, fault)
        if early is not None:
            return early
        response = self._authorized(call, route, handler, open_to_all=open_to_all)
        return await self._after(request, fault, response)

    def _authorized(self, call: Call, route: str, handler: Handler, *, open_to_all: bool) -> web.Response:
        if not open_to_all:
            if call.request.headers.get("Authorization") != f"Bot {self.token}":
                return reply({"message": "401: Unauthorized", "code": 0}, 401)
            wait = self.limits.take_global()
            if wait is not None:
                return too_many(wait, scope="global")
        major = call.request.match_info.get("channel_id") or call.request.match_info.get("token", "")
        headers, wait = self.limits.take(route, major)
        response = self._answer(call, handler) if wait is None else too_many(wait, scope="user")
        response.headers.update(headers)
        return response

    def _answer(self, call: Call, handler: Handler) -> web.Response:
        try:
            return reply(handler(call))
        except Refusal as refusal:
            return refused(refusal)
        except UnknownThing as error:
            return reply({"message": str(error), "code": 0}, 404)
        except (KeyError, ValueError) as error:
            return reply({"message": "Invalid Form Body", "code": 50035, "errors": {"_errors": [repr(error)]}}, 400)

    async def _before(self, request: web.Request, fault: Fault | None) -> web.Response | None:
        """Make the faults that strike before anything is accepted."""
        if fault is None:
            return None
        if fault.kind is Kind.HELD_BEFORE:
            await fault.release.wait()
        elif fault.kind is Kind.DROPPED:
            _reset(request)
            return reply(None)
        elif fault.kind is Kind.CLOUDFLARE_BANNED:
            return banned()
        elif fault.kind in (Kind.RATE_LIMITED, Kind.GLOBAL_RATE_LIMITED):
            return too_many(fault.retry_after, scope="user" if fault.kind is Kind.RATE_LIMITED else "global")
        elif fault.kind is Kind.REFUSED:
            return reply({"message": fault.message, "code": fault.code}, fault.status)
        return None

    async def _after(self, request: web.Request, fault: Fault | None, response: web.Response) -> web.Response:
        """Make the faults that strike when the request has been carried out."""
        if fault is None:
            return response
        if fault.kind is Kind.BAD_GATEWAY_AFTER:
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        if fault.kind is Kind.ANSWER_LOST and request.transport is not None:
            request.transport.close()
        if fault.kind is Kind.HELD_AFTER:
            await fault.release.wait()
        if fault.kind is Kind.SLOW:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(fault.release.wait(), fault.delay)
        return response

    def _concerned(self, call: Call) -> int | None:
        """Return the user whom a request is about: the other one of a private channel, or of one to be opened."""
        if isinstance(call.body, dict) and "recipient_id" in call.body:
            return int(call.body["recipient_id"])
        channel_id = call.request.match_info.get("channel_id", "")
        place = self.world.direct.get(int(channel_id)) if channel_id.isdecimal() else None
        return None if place is None else self._other(place)

    def _other(self, place: Channel) -> int | None:
        return next((number for number in place.recipients if number != self.world.bot.id), None)

    # --- users, communities, channels ---

    def current_user(self, _call: Call) -> Json:
        return payloads.current_user(self.world)

    def user(self, call: Call) -> Json:
        number = call.number("user_id")
        if number not in self.world.users:
            raise unknown(10013, "User")
        return payloads.user(self.world, number)

    def application(self, _call: Call) -> Json:
        return payloads.application(self.world)

    def gateway(self, _call: Call) -> Json:
        return {"url": self.gateway_url}

    def gateway_bot(self, _call: Call) -> Json:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}

    def guilds(self, _call: Call) -> list[Json]:
        return [payloads.guild(self.world, row) for row in self.world.guilds_of(self.world.bot.id)]

    def guild(self, call: Call) -> Json:
        return payloads.guild(self.world, self.places.guild(call))

    def guild_channels(self, call: Call) -> list[Json]:
        rows = self.places.guild(call).channels.values()
        return [payloads.channel(self.world, each) for each in rows if not each.is_thread]

    def roles(self, call: Call) -> list[Json]:
        return [payloads.role(each) for each in self.places.guild(call).roles.values()]

    def member(self, call: Call) -> Json:
        row = self.places.guild(call).members.get(call.number("user_id"))
        if row is None:
            raise unknown(10007, "Member")
        return payloads.member(self.world, row)

    def members(self, call: Call) -> list[Json]:
        limit, after = call.asked_number("limit") or 1, call.asked_number("after") or 0
        if limit > MOST_MEMBERS:
            raise invalid_form("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 1000.")
        rows = self.places.guild(call).members.values()
        page = heapq.nsmallest(limit, (row for row in rows if row.user_id > after), key=lambda row: row.user_id)
        return [payloads.member(self.world, row) for row in page]

    def open_dm(self, call: Call) -> Json:
        number = int(call.body["recipient_id"])
        if number not in self.world.users:
            raise unknown(10013, "User")
        if self.world.user(number).is_bot:
            raise Refusal(400, 50007, "Cannot send messages to this user")
        return payloads.channel(self.world, self.world.open_dm(self.world.bot.id, number))

    def channel(self, call: Call) -> Json:
        return payloads.channel(self.world, self.places.channel(call))

    def typing(self, call: Call) -> None:
        self.community.type_in(self.places.channel(call).id, self.world.bot.id)

    # --- messages ---

    def history(self, call: Call) -> list[Json]:
        place = self.places.channel(call)
        limit = call.asked_number("limit")
        if limit is not None and not 1 <= limit <= 100:
            raise invalid_form("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
        edges = {name: call.asked_number(name) for name in ("before", "after", "around")}
        rows = self.world.history(place.id, limit=limit or 50, **edges)
        return [payloads.message(self.world, row) for row in rows]

    def send(self, call: Call) -> Json:
        place = self.places.channel(call)
        data = drafts.checked(call.body, files=call.files)
        nonce = data.get("nonce")
        bot_id = self.world.bot.id
        if nonce is not None and str(data.get("enforce_nonce", "")).lower() == "true":
            earlier = self.world.with_nonce(bot_id, str(nonce), now=self.community.now())
            if earlier is not None:
                if earlier.id not in self.world.messages.get(earlier.channel_id, {}):
                    raise unknown(10008, "Message")  # somebody has deleted it meanwhile
                return payloads.message(self.world, earlier) | {"nonce": nonce}
        self._check_reachable(place)
        reference = data.get("message_reference") or {}
        row = self.community.post(
            place.id,
            bot_id,
            data.get("content") or "",
            nonce=None if nonce is None else str(nonce),
            embeds=data.get("embeds") or [],
            components=data.get("components") or [],
            reply_to=int(reference["message_id"]) if "message_id" in reference else None,
            attachments=self._attached(call),
            flags=drafts.flags_of(data),
        )
        self.sent.put_nowait(row)
        return payloads.message(self.world, row) | ({} if nonce is None else {"nonce": nonce})

    def _attached(self, call: Call) -> list[Attachment]:
        return uploads.attached(self.world, call.files, now=self.community.now())

    def _check_reachable(self, place: Channel) -> None:
        if place.is_direct and not any(
            self._other(place) in guild.members for guild in self.world.guilds_of(self.world.bot.id)
        ):
            text = "Cannot send messages to this user due to having no mutual guilds"
            raise Refusal(403, 50278, text)

    def message(self, call: Call) -> Json:
        return payloads.message(self.world, self.places.message(call))

    def edit(self, call: Call) -> Json:
        row = self.places.message(call)
        if row.author_id != self.world.bot.id:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        self._require_open(row)
        data = drafts.checked(call.body, files=call.files, edited=True)
        return payloads.message(self.world, self.community.edit(row, data, files=self._attached(call)))

    def _require_open(self, row: Message) -> None:
        if self.world.channel(row.channel_id).is_archived:
            raise archived_refusal()

    def delete(self, call: Call) -> None:
        row = self.places.message(call)
        if row.author_id != self.world.bot.id and self.world.channel(row.channel_id).is_direct:
            raise Refusal(403, 50003, "Cannot execute action on a DM channel")
        self.community.delete(row)

    def react(self, call: Call) -> None:
        row = self.places.message(call)
        self._require_open(row)
        self.community.react(row, self.world.bot.id, unquote(call.text("emoji")))

    def unreact(self, call: Call) -> None:
        self.community.react(self.places.message(call), self.world.bot.id, unquote(call.text("emoji")), add=False)

    # --- commands and interactions ---

    def _scope(self, call: Call) -> int | None:
        return call.number("guild_id") if "guild_id" in call.request.match_info else None

    def commands(self, call: Call) -> list[Json]:
        return self.world.commands.get(self._scope(call), [])

    def register(self, call: Call) -> list[Json]:
        return self.community.register(call.body, guild_id=self._scope(call))

    def nothing(self, call: Call) -> None:
        raise Refusal(404, 0, f"404: Not Found: the practice Discord has no {call.request.method} {call.request.path}")


def reply(data: Any, status: int = 200) -> web.Response:
    """Return a JSON answer. The content type has no charset: discord.py decodes only the bare one."""
    if data is None:
        return web.Response(status=204)
    return web.Response(status=status, body=json.dumps(data).encode(), headers={"Content-Type": "application/json"})


def refused(refusal: Refusal) -> web.Response:
    return reply({"message": refusal.message, "code": refusal.code, **refusal.extra}, refusal.status)


def banned() -> web.Response:
    """Return the 429 of Cloudflare, which stands before Discord: no `Via`, no JSON."""
    return web.Response(status=429, text="error code: 1015", content_type="text/plain")


def too_many(retry_after: float, *, scope: str) -> web.Response:
    """Return a 429 as Discord's own: without `Via` clients take it for a ban by Cloudflare."""
    is_global = scope == "global"
    body = {"message": "You are being rate limited.", "retry_after": round(retry_after, 3), "global": is_global}
    response = reply(body, 429)
    response.headers.update({"Via": "1.1 google", "Retry-After": f"{retry_after:.3f}", "X-RateLimit-Scope": scope})
    if is_global:
        response.headers["X-RateLimit-Global"] = "true"
    return response


def _reset(request: web.Request) -> None:
    """Cut the connection with a TCP reset."""
    transport = request.transport
    if transport is None:
        return
    endpoint = transport.get_extra_info("socket")
    if endpoint is not None:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
