"""Where acts happen: the world, its clock, its journal, and those who hear of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bots.practice import payloads
from bots.practice.interactions import Interaction
from bots.practice.journal import Journal
from bots.practice.world import Json, World

Tell = Callable[[str, Json], None]
Listener = Callable[[str, Any], None]


class Scene:
    """`tell` reaches the bot's gateway, listeners are the chat pages; a test may set another `clock`."""

    def __init__(self, world: World, journal: Journal | None = None) -> None:
        self.world = world
        self.journal = journal
        self.interactions: dict[str, Interaction] = {}
        self.listeners: set[Listener] = set()
        self.tell: Tell = lambda _event, _data: None
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def now(self) -> datetime:
        return self.clock()

    def at(self, moment: datetime) -> None:
        """Go on from another moment: a year later, for a test of an old message."""
        ahead = moment - datetime.now(UTC)
        self.clock = lambda: datetime.now(UTC) + ahead

    def announce(self, event: str, subject: Any) -> None:
        for listener in tuple(self.listeners):
            listener(event, subject)

    def record(self, event: str, **fields: Any) -> None:
        if self.journal is not None:
            self.journal.write(event, **fields)

    def tell_in(self, channel_id: int, event: str, data: Json) -> None:
        """Tell the bot what happened in a channel, if it can see that channel."""
        if self.world.may_see(self.world.bot.id, self.world.channel(channel_id)):
            self.tell(event, data)

    def guild_key(self, channel_id: int) -> Json:
        guild_id = self.world.channel(channel_id).guild_id
        return {} if guild_id is None else {"guild_id": str(guild_id)}

    def member_key(self, channel_id: int, user_id: int) -> Json:
        guild_id = self.world.channel(channel_id).guild_id
        row = self.world.guild(guild_id).members.get(user_id) if guild_id is not None else None
        return {} if row is None else {"member": payloads.member(self.world, row)}
