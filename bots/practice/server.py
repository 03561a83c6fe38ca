"""The practice server: the REST API, the gateway and the chat page on one loopback port."""

import asyncio
import ipaddress
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bots.practice import PRACTICE_TOKEN
from bots.practice.calls import Recorded
from bots.practice.chat import ChatPage
from bots.practice.community import Community
from bots.practice.faults import Faults
from bots.practice.gateway import Gateway
from bots.practice.interactions import INTERACTION_TIME, Interaction
from bots.practice.journal import Journal
from bots.practice.limits import Limits
from bots.practice.rest import RestApi
from bots.practice.uploads import Downloads
from bots.practice.world import Channel, Json, Message, User, World

Where = int | Literal["dm"]
"""A channel's id, or "dm" for the member's private channel with the bot."""
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class PracticeServer:
    """A stand-in for Discord, used as `async with PracticeServer(world) as server:`. Port 0 takes a free one."""

    def __init__(
        self,
        world: World,
        token: str = PRACTICE_TOKEN,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        journal: Journal | None = None,
    ) -> None:
        _require_loopback(host)
        self.world = world
        self.token = token
        self.host = host
        self.port = port
        self.journal = journal
        self.faults = Faults()
        self.limits = Limits()
        self.community = Community(world, journal)
        self.gateway = Gateway(world, self.faults, token)
        self.rest = RestApi(self.community, self.faults, self.limits, token)
        self.chat = ChatPage(self.community, self.gateway)
        self.downloads = Downloads(world)
        self.community.tell = self.gateway.dispatch
        self._runner: web.AppRunner | None = None

    # --- addresses ---

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def api_url(self) -> str:
        """What belongs into `discord.http.Route.BASE`."""
        return f"http://{self._authority}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What belongs into `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`."""
        return f"ws://{self._authority}/gateway"

    @property
    def chat_url(self) -> str:
        return f"http://{self._authority}/"

    # --- life ---

    async def start(self) -> None:
        """Replay the journal, then listen. Raises OSError when the port is taken."""
        if self.journal is not None:
            self.journal.open(self.world)
        app = web.Application(middlewares=[_local_only], client_max_size=32 << 20)
        self.rest.add_routes(app)
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/gateway/", self.gateway.handle)
        self.downloads.add_routes(app)
        self.chat.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]
        self.gateway.url = self.rest.gateway_url = self.gateway_url
        self.world.files_url = self.chat_url.rstrip("/")

    async def stop(self) -> None:
        """Let held requests go, close every connection, and close the journal."""
        self.faults.clear()
        await self.chat.close()
        self.gateway.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.journal is not None:
            self.journal.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- what the bot did ---

    @property
    def sent(self) -> asyncio.Queue[Message]:
        """The messages that the bot sent to channels, each once; answers to slash commands are not among them."""
        return self.rest.sent

    @property
    def requests(self) -> list[Recorded]:
        return self.rest.requests

    async def wait_connected(self, within: float = 10) -> None:
        """Wait until a bot has identified itself at the gateway."""
        async with asyncio.timeout(within):
            await self.gateway.wait_connected()

    # --- acting as a member ---

    def channel_for(self, user_id: int, where: Where) -> Channel:
        if where == "dm":
            return self.world.open_dm(self.world.bot.id, user_id)
        return self.world.channel(where)

    async def member_says(self, user_id: int, where: Where, text: str) -> Message:
        """Let a member write in a channel, or to the bot alone with `where="dm"`."""
        return self.community.post(self.channel_for(user_id, where).id, user_id, text)

    async def bot_says(self, where: int, text: str) -> Message:
        """Put a message of the bot into a channel without the bot's doing."""
        return self.community.post(where, self.world.bot.id, text)

    async def invoke_slash(
        self,
        user_id: int,
        command: str,
        options: dict[str, object] | None = None,
        *,
        where: Where = "dm",
        force: bool = False,
        answers: int = 1,
        within: float = INTERACTION_TIME.total_seconds(),
    ) -> list[Message]:
        """Let a member use a slash command and return the bot's answers, as soon as there are so many.

        `command` names subcommands with spaces ("followups pause"). Raises UnknownThing for a command that is not
        registered, NotAllowed for one that this member may not use here (unless by `force`), and TimeoutError when the
        answers do not come.
        """
        row = self.use_command(user_id, command, options, where=where, force=force)
        async with asyncio.timeout(within):
            await _answered(row, answers)
        return list(row.answers)

    async def run_slash(
        self,
        user_id: int,
        command: str,
        options: dict[str, object] | None = None,
        *,
        where: Where = "dm",
        force: bool = False,
    ) -> Interaction:
        """Let a member use a slash command; return when the bot has acknowledged it, be it with a form."""
        return await _acknowledged(self.use_command(user_id, command, options, where=where, force=force))

    async def press_button(
        self,
        user_id: int,
        message: Message,
        custom_id: str,
        values: list[str] | None = None,
        *,
        stale: bool = False,
    ) -> Interaction:
        """Let a member press a button of a message; return when the bot has acknowledged it.

        Raises NotAllowed for a button that is not there or is switched off, unless the member's page is `stale`: then
        it shows the message as it was, perhaps a year ago.
        """
        return await _acknowledged(self.community.press(user_id, message, custom_id, values, stale=stale))

    async def choose(
        self, user_id: int, message: Message, custom_id: str, values: list[str], *, stale: bool = False
    ) -> Interaction:
        """Let a member choose in a menu of a message; return when the bot has acknowledged it."""
        return await _acknowledged(self.community.press(user_id, message, custom_id, values, stale=stale))

    async def submit_form(
        self, user_id: int, interaction: Interaction, values: dict[str, str | list[str]] | dict[str, str]
    ) -> Interaction:
        """Let a member send the form that the bot answered with (`interaction.modal`); return when it is acknowledged.

        Values are given by the fields' custom_id; a field left out keeps what the form put there.
        """
        return await _acknowledged(self.community.submit(user_id, interaction, dict(values)))

    async def ask_autocomplete(
        self,
        user_id: int,
        command: str,
        focused: str,
        text: str = "",
        options: dict[str, object] | None = None,
        *,
        where: Where = "dm",
    ) -> list[Json]:
        """Let a member type `text` into the option `focused` of a command; return the choices that the bot offers."""
        values = {**(options or {}), focused: text}
        place = self.channel_for(user_id, where)
        row = await _acknowledged(self.community.ask_autocomplete(user_id, place, command, values, focused=focused))
        return row.choices or []

    def use_command(
        self,
        user_id: int,
        command: str,
        options: dict[str, object] | None = None,
        *,
        where: Where = "dm",
        force: bool = False,
    ) -> Interaction:
        """Let a member use a slash command, and do not wait. `force` passes over what Discord's app would check."""
        place = self.channel_for(user_id, where)
        return self.community.use_command(user_id, place, command, options or {}, force=force)

    async def member_joins(self, user: User | int, guild_id: int | None = None) -> None:
        """Let a user join a community, the first one unless named. A new user is given whole; the bot may join too."""
        row = self.world.user(user) if isinstance(user, int) else user
        self.community.join(guild_id or next(iter(self.world.guilds)), row)

    async def member_leaves(self, user_id: int, guild_id: int | None = None) -> None:
        self.community.leave(guild_id or next(iter(self.world.guilds)), user_id)

    async def member_reacts(self, user_id: int, message: Message, emoji: str = "👍") -> None:
        self.community.react(message, user_id, emoji)

    async def member_unreacts(self, user_id: int, message: Message, emoji: str = "👍") -> None:
        self.community.react(message, user_id, emoji, add=False)

    async def member_edits(self, user_id: int, message: Message, text: str) -> Message:
        """Let a member change their own message."""
        return self.community.rewrite(user_id, message, text)

    async def member_deletes(self, user_id: int, *messages: Message) -> None:
        """Let a member delete their own message, or a moderator anybody's, in a channel also several at once."""
        if len(messages) == 1:
            self.community.remove(user_id, messages[0])
        else:
            self.community.sweep(user_id, list(messages))

    async def member_renames(self, user_id: int, nickname: str | None, guild_id: int | None = None) -> None:
        """Let a member take another name in a community, the first one unless named."""
        self.community.rename(guild_id or next(iter(self.world.guilds)), user_id, nickname)

    def dm_texts(self, user_id: int) -> list[str]:
        """Return what the bot wrote to a user in private, oldest first."""
        channel = self.channel_for(user_id, "dm")
        rows = self.world.messages[channel.id].values()
        return [row.content for row in rows if row.author_id == self.world.bot.id]


async def _acknowledged(row: Interaction) -> Interaction:
    async with asyncio.timeout(INTERACTION_TIME.total_seconds()):
        while not row.is_acknowledged:
            await row.changed.wait()
    return row


async def _answered(row: Interaction, count: int) -> None:
    while len(row.answers) < count:
        await row.changed.wait()


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            f"The practice Discord has no passwords, so it listens on this machine only: {host!r} is not a loopback"
            " address. Use 127.0.0.1 or ::1."
        )


def _host_name(authority: str) -> str | None:
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:
        return None


@web.middleware
async def _local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a foreign page may send: a name that was made to point here, or another page's request."""
    if _host_name(request.headers.get("Host", "")) not in LOCAL_NAMES:
        return web.Response(status=403, text="The practice Discord answers to localhost only.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.headers['Host']}":
        return web.Response(status=403, text="The practice Discord takes no requests from other pages.")
    return await handler(request)
