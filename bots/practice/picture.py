"""What a chat page is shown of the practice world, as plain JSON for one member's eyes."""

from bots.practice import payloads
from bots.practice.community import Interaction
from bots.practice.world import Channel, Guild, Json, Message, UnknownThing, User, World, dm_channel_id

EXCERPT = 120
"""How many characters of a message stand above a reply to it."""


def welcome(world: World, *, online: bool) -> Json:
    """Return everything that a page knows before its person has chosen who to be."""
    return {
        "t": "welcome",
        "bot": {"id": str(world.bot.id), "name": world.bot.display_name},
        "online": online,
        "people": [_person(world, user) for user in world.users.values() if not user.is_bot],
        "guilds": [_guild(world, row) for row in world.guilds.values()],
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


def _guild(world: World, row: Guild) -> Json:
    return {"id": str(row.id), "name": row.name, "channels": [_channel(world, each) for each in row.channels.values()]}


def _channel(world: World, row: Channel) -> Json:
    parent = getattr(row, "parent_id", None)
    return {
        "id": str(row.id),
        "name": row.name,
        "topic": row.topic or "",
        "parent": None if parent is None else str(parent),
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
    used = None
    if row.interaction_user_id is not None and row.interaction_name:
        used = {"by": author(world, row.interaction_user_id, guild_id)["name"], "command": row.interaction_name}
    return {
        "id": str(row.id),
        "channel": str(row.channel_id),
        "author": author(world, row.author_id, guild_id),
        "text": row.content,
        "at": row.sent_at.isoformat(),
        "edited": row.edited_at is not None,
        "embeds": row.embeds,
        "components": row.components,
        "attachments": [_attachment(each) for each in row.attachments],
        "reactions": [
            {"emoji": emoji, "count": len(users), "me": viewer in users} for emoji, users in row.reactions.items()
        ],
        "ephemeral": row.is_ephemeral,
        "used": used,
        "reply": None if row.reply_to is None else _replied(world, row, guild_id),
    }


def _attachment(each: Json) -> Json:
    return {"name": str(each["filename"]), "size": int(each.get("size") or 0), "url": str(each["url"])}


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
    }


def permissions(world: World, user_id: int) -> dict[str, str]:
    """Return what a member may do in each of their communities, as Discord's bits."""
    return {str(guild.id): str(permission_bits(world, guild.id, user_id)) for guild in world.guilds_of(user_id)}


def permission_bits(_world: World, _guild_id: int, _user_id: int) -> int:
    """Return what a member may do in a community: everything, as long as nobody has roles."""
    return int(payloads.ALL_PERMISSIONS)
