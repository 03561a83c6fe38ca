"""What a chat page is shown of the practice world, as plain JSON for one member's eyes."""

from bots.practice import payloads, permissions
from bots.practice.interactions import Interaction
from bots.practice.world import Channel, Guild, Json, Message, UnknownThing, User, World, dm_channel_id

EXCERPT = 120
"""How many characters of a message stand above a reply to it."""


def welcome(world: World, viewer: int | None, *, online: bool) -> Json:
    """Return all that a page shows beside messages. Before its person has chosen who to be, `viewer` is None."""
    return {
        "t": "welcome",
        "bot": {"id": str(world.bot.id), "name": world.bot.display_name},
        "online": online,
        "people": [_person(world, user) for user in world.users.values() if not user.is_bot],
        "guilds": [_guild(world, row, viewer) for row in world.guilds.values()],
        "commands": commands(world),
    }


def _person(world: World, user: User) -> Json:
    conversation = dm_channel_id(world.bot.id, user.id)
    return {
        "id": str(user.id),
        "name": user.display_name,
        "username": user.username,
        "guilds": [str(guild.id) for guild in world.guilds_of(user.id)],
        "channel": str(conversation),
        "dm": str(world.last_message_id(conversation) or 0),
    }


def _guild(world: World, row: Guild, viewer: int | None) -> Json:
    seen = [each for each in row.channels.values() if viewer is not None and world.may_see(viewer, each)]
    return {
        "id": str(row.id),
        "name": row.name,
        "channels": [_channel(world, each) for each in seen],
        "roles": {str(each.id): each.name for each in row.roles.values()},
        "permissions": "0" if viewer is None else str(permissions.within(row, viewer)),
    }


def _channel(world: World, row: Channel) -> Json:
    return {
        "id": str(row.id),
        "name": row.name,
        "topic": row.topic or "",
        "parent": None if row.parent_id is None else str(row.parent_id),
        "archived": row.is_archived,
        "last": str(world.last_message_id(row.id) or 0),
    }


def commands(world: World) -> list[Json]:
    """Return the slash commands of every community; those for all have no `guild`."""
    return [
        {**command, "guild": None if scope is None else str(scope)}
        for scope, rows in world.commands.items()
        for command in rows
        if command.get("type", 1) == 1
    ]


def author(world: World, user_id: int, guild_id: int | None) -> Json:
    """Return somebody as they are called in a community, or in private."""
    user = world.user(user_id)
    member = world.guild(guild_id).members.get(user_id) if guild_id is not None else None
    name = (member.nickname if member is not None else None) or user.display_name
    return {"id": str(user.id), "name": name, "bot": user.is_bot}


def message(world: World, row: Message, viewer: int | None) -> Json:
    """Return a message as `viewer` sees it: their own reactions are marked."""
    guild_id = world.channel(row.channel_id).guild_id
    files = [payloads.attachment(world, row, each) for each in row.attachments]
    return {
        "id": str(row.id),
        "channel": str(row.channel_id),
        "author": author(world, row.author_id, guild_id),
        "text": row.content,
        "at": row.sent_at.isoformat(),
        "edited": row.edited_at is not None,
        "embeds": row.embeds,
        "components": row.components,
        "attachments": [{"name": each["filename"], "size": each["size"], "url": each["url"]} for each in files],
        "reactions": [
            {"emoji": emoji, "count": len(users), "me": viewer in users} for emoji, users in row.reactions.items()
        ],
        "ephemeral": row.is_ephemeral,
        "used": _used(world, row, guild_id),
        "reply": None if row.reply_to is None else _replied(world, row, guild_id),
    }


def _used(world: World, row: Message, guild_id: int | None) -> Json | None:
    if row.interaction_user_id is None or not row.interaction_name:
        return None
    return {"by": author(world, row.interaction_user_id, guild_id)["name"], "command": row.interaction_name}


def _replied(world: World, row: Message, guild_id: int | None) -> Json:
    try:
        original = world.message(row.channel_id, row.reply_to or 0)
    except UnknownThing:
        return {"id": str(row.reply_to), "name": None, "text": "The original message was deleted"}
    name = author(world, original.author_id, guild_id)["name"]
    return {"id": str(original.id), "name": name, "text": original.content[:EXCERPT] or "No text"}


def answered(row: Interaction) -> Json:
    """Return where an interaction stands: the bot is thinking, wants a form filled, or is done."""
    state = "thinking" if row.is_deferred and row.original is None else "done"
    return {
        "t": "answered",
        "interaction": str(row.id),
        "channel": str(row.channel_id),
        "state": state if row.modal is None else "form",
        "ephemeral": row.is_ephemeral,
        "form": row.modal,
        "choices": row.choices,
    }
