"""What happens in the practice world: each act changes it, is journaled, and is told to the bot and to the pages."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bots.practice import payloads
from bots.practice.journal import Journal
from bots.practice.world import Channel, Json, Message, UnknownThing, User, World

INTERACTION_TIME = timedelta(seconds=3)
"""How long a bot has for the first answer to a command."""
INTERACTION_LIFE = timedelta(minutes=15)

Tell = Callable[[str, Json], None]
Listener = Callable[[str, Any], None]


@dataclass
class Interaction:
    """A member's use of a slash command or a button, and what the bot answered."""

    id: int
    token: str
    user_id: int
    channel_id: int
    name: str
    asked_at: datetime
    on_message: Message | None = None
    answers: list[Message] = field(default_factory=list)
    original: Message | None = None
    is_deferred: bool = False
    is_ephemeral: bool = False
    is_acknowledged: bool = False
    modal: Json | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def touch(self) -> None:
        """Wake whoever waits for an answer."""
        self.changed.set()
        self.changed = asyncio.Event()


class Community:
    """The world with its consequences.

    `tell` reaches the bot's gateway, listeners are the chat pages; a test may set another `clock`.
    """

    def __init__(self, world: World, journal: Journal | None = None) -> None:
        self.world = world
        self.journal = journal
        self.interactions: dict[str, Interaction] = {}
        self.listeners: set[Listener] = set()
        self.tell: Tell = lambda _event, _data: None
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def now(self) -> datetime:
        return self.clock()

    def announce(self, event: str, subject: Any) -> None:
        for listener in tuple(self.listeners):
            listener(event, subject)

    # --- messages ---

    def post(self, channel_id: int, author_id: int, content: str, **extra: Any) -> Message:
        """Add a message to a channel and announce it. `extra` are further fields of a message."""
        now = self.now()
        place = self.world.channel(channel_id)
        row = Message(self.world.new_id(now), place.id, self.world.user(author_id).id, content, now, **extra)
        self.world.add_message(row)
        if self.journal is not None:
            self.journal.message(self.world, row)
        self.tell("MESSAGE_CREATE", payloads.message_event(self.world, row))
        self.announce("message", row)
        return row

    def edit(self, row: Message, changes: Json) -> Message:
        """Change a message's content, embeds or components."""
        if "content" in changes:
            row.content = changes["content"] or ""
        for name in ("embeds", "components"):
            if name in changes:
                setattr(row, name, changes[name] or [])
        row.edited_at = self.now()
        if not row.is_ephemeral:
            self._changed(row)
            self.tell("MESSAGE_UPDATE", payloads.message_event(self.world, row))
        self.announce("edited", row)
        return row

    def delete(self, row: Message) -> None:
        if not row.is_ephemeral:
            self.world.delete_message(row.channel_id, row.id)
            if self.journal is not None:
                self.journal.write("deleted", channel_id=row.channel_id, message_id=row.id)
            data = {"id": str(row.id), "channel_id": str(row.channel_id)}
            self.tell("MESSAGE_DELETE", data | self._guild_key(row.channel_id))
        self.announce("deleted", row)

    def react(self, row: Message, user_id: int, emoji: str, *, add: bool = True) -> None:
        users = row.reactions.setdefault(emoji, set())
        if (user_id in users) == add:
            return
        users.symmetric_difference_update({user_id})
        if not users:
            del row.reactions[emoji]
        self._changed(row)
        data: Json = {"user_id": str(user_id), "channel_id": str(row.channel_id), "message_id": str(row.id)}
        data |= {"emoji": {"id": None, "name": emoji}, "burst": False, "type": 0} | self._guild_key(row.channel_id)
        if add:
            data["message_author_id"] = str(row.author_id)
            data |= self._member_key(row.channel_id, user_id)
        self.tell("MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE", data)
        self.announce("edited", row)

    def type_in(self, channel_id: int, user_id: int) -> None:
        self.announce("typing", (channel_id, user_id))

    def _changed(self, row: Message) -> None:
        if self.journal is not None:
            self.journal.message(self.world, row)

    def _guild_key(self, channel_id: int) -> Json:
        guild_id = self.world.channel(channel_id).guild_id
        return {} if guild_id is None else {"guild_id": str(guild_id)}

    def _member_key(self, channel_id: int, user_id: int) -> Json:
        guild_id = self.world.channel(channel_id).guild_id
        row = self.world.guild(guild_id).members.get(user_id) if guild_id is not None else None
        return {} if row is None else {"member": payloads.member(self.world, row)}

    # --- members ---

    def join(self, guild_id: int, user: User, *, nickname: str | None = None) -> None:
        now = self.now()
        if user.id not in self.world.users:
            self.world.add_user(user)
        row = self.world.join(guild_id, user.id, now=now, nickname=nickname)
        if self.journal is not None:
            account = {"username": user.username, "display_name": user.display_name, "is_bot": user.is_bot}
            entry = {"guild_id": guild_id, "user_id": user.id, "nickname": nickname, "at": now.isoformat()}
            self.journal.write("joined", **entry, **account)
        self.tell("GUILD_MEMBER_ADD", payloads.member(self.world, row) | {"guild_id": str(guild_id)})
        self.announce("members", guild_id)

    def leave(self, guild_id: int, user_id: int) -> None:
        if not self.world.leave(guild_id, user_id):
            return
        if self.journal is not None:
            self.journal.write("left", guild_id=guild_id, user_id=user_id)
        data = {"guild_id": str(guild_id), "user": payloads.user(self.world, user_id)}
        self.tell("GUILD_MEMBER_REMOVE", data)
        self.announce("members", guild_id)

    # --- commands and interactions ---

    def register(self, commands: list[Json], *, guild_id: int | None) -> list[Json]:
        rows = self.world.set_commands(commands, guild_id=guild_id, now=self.now())
        if self.journal is not None:
            self.journal.write("commands", guild_id=guild_id, commands=rows)
        self.announce("commands", rows)
        return rows

    def use_command(self, user_id: int, channel: Channel, command: str, values: dict[str, object]) -> Interaction:
        """Let a member use a slash command; `command` names subcommands with spaces ("followups pause")."""
        name, *inner = command.removeprefix("/").split()
        registered = self.world.find_command(name, channel.guild_id)
        options = nested_options(registered, inner, values)
        data: Json = {"id": registered["id"], "name": name, "type": 1, "options": options}
        data |= {"resolved": self._resolved(channel, options)} | self._guild_key(channel.id)
        return self._interact(2, user_id, channel, data, name=_full_name(name, options))

    def press(self, user_id: int, row: Message, custom_id: str, values: list[str] | None = None) -> Interaction:
        """Let a member press a button, or choose in a menu, of a message."""
        data: Json = {"custom_id": custom_id, "component_type": 2 if values is None else 3, "id": 1}
        data |= {} if values is None else {"values": values}
        channel = self.world.channel(row.channel_id)
        return self._interact(3, user_id, channel, data, name=row.interaction_name, on_message=row)

    def submit(self, user_id: int, interaction: Interaction, values: dict[str, str]) -> Interaction:
        """Let a member send the form that the bot opened in answer to `interaction`. A stand-in, to be replaced."""
        modal = interaction.modal or {}
        rows = [_filled(row, values) for row in modal.get("components", [])]
        data: Json = {"custom_id": modal.get("custom_id", ""), "components": rows}
        channel = self.world.channel(interaction.channel_id)
        return self._interact(5, user_id, channel, data, name=interaction.name, on_message=interaction.on_message)

    def _interact(
        self, kind: int, user_id: int, channel: Channel, data: Json, *, name: str, on_message: Message | None = None
    ) -> Interaction:
        now = self.now()
        row = Interaction(
            self.world.new_id(now), secrets.token_urlsafe(60), user_id, channel.id, name, now, on_message=on_message
        )
        self._forget_old(now)
        self.interactions[row.token] = row
        payload = self._interaction_payload(row, kind, channel, data)
        if on_message is not None:
            payload["message"] = payloads.message(self.world, on_message)
        self.tell("INTERACTION_CREATE", payload)
        return row

    def _forget_old(self, now: datetime) -> None:
        for token, row in tuple(self.interactions.items()):
            if now - row.asked_at <= INTERACTION_LIFE:
                return
            del self.interactions[token]

    def _interaction_payload(self, row: Interaction, kind: int, channel: Channel, data: Json) -> Json:
        payload: Json = {
            "id": str(row.id),
            "application_id": str(self.world.bot.id),
            "type": kind,
            "token": row.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "channel": payloads.channel(self.world, channel),
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": 10_485_760,
            "app_permissions": payloads.ALL_PERMISSIONS,
            "context": 1,
        }
        if channel.guild_id is None:
            return payload | {"user": payloads.user(self.world, row.user_id)}
        guild = self.world.guild(channel.guild_id)
        member = payloads.member(self.world, guild.members[row.user_id])
        return payload | {
            "context": 0,
            "guild_id": str(guild.id),
            "guild_locale": "en-US",
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "member": member | {"permissions": payloads.ALL_PERMISSIONS},
        }

    def _resolved(self, channel: Channel, options: list[Json]) -> Json:
        resolved: Json = {}
        for option in _leaves(options):
            if option["type"] == 6:
                number = int(option["value"])
                resolved.setdefault("users", {})[str(number)] = payloads.user(self.world, number)
                member = self._member_key(channel.id, number).get("member")
                if member is not None:
                    short = {key: value for key, value in member.items() if key != "user"}
                    resolved.setdefault("members", {})[str(number)] = short | {"permissions": payloads.ALL_PERMISSIONS}
            elif option["type"] == 7:
                place = payloads.channel(self.world, self.world.channel(int(option["value"])))
                place["permissions"] = payloads.ALL_PERMISSIONS
                resolved.setdefault("channels", {})[str(place["id"])] = place
        return resolved

    def answer(self, interaction: Interaction, data: Json, *, ephemeral: bool, original: bool) -> Message:
        """Post the bot's answer to an interaction, to the channel or to the asker alone."""
        fields: Json = {
            "embeds": data.get("embeds") or [],
            "components": data.get("components") or [],
            "interaction_id": interaction.id,
            "interaction_name": interaction.name,
            "interaction_user_id": interaction.user_id,
        }
        content = data.get("content") or ""
        if ephemeral:
            now = self.now()
            row = Message(
                self.world.new_id(now), interaction.channel_id, self.world.bot.id, content, now,
                ephemeral_for=interaction.user_id, **fields,
            )  # fmt: skip
            self.announce("message", row)
        else:
            row = self.post(interaction.channel_id, self.world.bot.id, content, **fields)
        interaction.answers.append(row)
        if original:
            interaction.original = row
            interaction.is_deferred = False
        interaction.touch()
        self.announce("answered", interaction)
        return row


def nested_options(command: Json, inner: list[str], values: dict[str, object]) -> list[Json]:
    """Return option values in Discord's form, with their types from the command's registration."""
    known = {option["name"]: option for option in command.get("options", [])}
    strange = [name for name in (inner[:1] or values) if name not in known]
    if strange:
        raise UnknownThing(f"/{command['name']} has no option {strange[0]}.")
    if inner:
        step = known[inner[0]]
        return [{"name": inner[0], "type": step["type"], "options": nested_options(step, inner[1:], values)}]
    return [
        {"name": name, "type": known[name]["type"], "value": str(value) if known[name]["type"] in (6, 7) else value}
        for name, value in values.items()
    ]


def _filled(row: Json, values: dict[str, str]) -> Json:
    inner = row["component"] if row["type"] == 18 else row["components"][0]
    field = {"type": inner["type"], "id": 1, "custom_id": inner["custom_id"], "value": values[inner["custom_id"]]}
    return {"type": 18, "id": 1, "component": field} if row["type"] == 18 else {"type": 1, "components": [field]}


def _leaves(options: list[Json]) -> list[Json]:
    leaves: list[Json] = []
    for option in options:
        leaves += _leaves(option.get("options", [])) if option["type"] in (1, 2) else [option]
    return leaves


def _full_name(name: str, options: list[Json]) -> str:
    while options and options[0]["type"] in (1, 2):
        name = f"{name} {options[0]['name']}"
        options = options[0].get("options", [])
    return name
