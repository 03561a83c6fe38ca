"""How the practice world looks on Discord's wire: ids as strings, exactly the keys that clients rely on."""

import re
from datetime import datetime
from urllib.parse import quote

from bots.practice import permissions
from bots.practice.drafts import EPHEMERAL
from bots.practice.things import DIRECT, Attachment, Channel, Guild, Json, Member, Message, Role
from bots.practice.world import World

HAS_THREAD = 1 << 5
PICKERS = {5: 6, 6: 8, 7: 9, 8: 7}
"""Menus of users, roles, both and channels, each with the type of an option that is resolved in the same way."""
_MENTION = re.compile(r"<@!?(\d{1,20})>")


def timestamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def user(world: World, user_id: int) -> Json:
    row = world.user(user_id)
    payload: Json = {
        "id": str(row.id),
        "username": row.username,
        "global_name": None if row.is_bot else row.display_name,
        "discriminator": "0001" if row.is_bot else "0",
        "avatar": None,
        "public_flags": 0,
    }
    return payload | ({"bot": True} if row.is_bot else {})


def current_user(world: World) -> Json:
    extra = {"verified": True, "mfa_enabled": True, "locale": "en-US", "email": None, "flags": 0}
    return user(world, world.bot.id) | extra


def member(world: World, row: Member, *, with_user: bool = True) -> Json:
    payload: Json = {
        "nick": row.nickname,
        "roles": [str(number) for number in sorted(row.roles)],
        "joined_at": timestamp(row.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "avatar": None,
        "communication_disabled_until": None,
    }
    return payload | ({"user": user(world, row.user_id)} if with_user else {})


def channel(world: World, row: Channel, *, viewer: int | None = None) -> Json:
    """Return a channel; a private one lists its recipients without the viewer."""
    last = world.last_message_id(row.id)
    payload: Json = {"id": str(row.id), "last_message_id": None if last is None else str(last)}
    if row.guild_id is None:
        others = [user(world, user_id) for user_id in row.recipients if user_id != (viewer or world.bot.id)]
        return payload | {"type": DIRECT, "recipients": others, "flags": 0}
    payload |= {"type": row.kind, "guild_id": str(row.guild_id), "name": row.name, "rate_limit_per_user": 0, "flags": 0}
    if row.is_thread:
        return payload | _thread(world, row, viewer or world.bot.id)
    return payload | {
        "topic": row.topic,
        "position": row.position,
        "permission_overwrites": [_hiding(world.guild(row.guild_id))] if row.hidden_from_bot else [],
        "nsfw": False,
        "parent_id": None,
    }


def _hiding(guild: Guild) -> Json:
    return {"id": str(guild.bot_role_id), "type": 0, "allow": "0", "deny": str(permissions.VIEW_CHANNEL)}


def _thread(world: World, row: Channel, viewer: int) -> Json:
    count = len(world.messages.get(row.id, {}))
    payload: Json = {
        "parent_id": str(row.parent_id),
        "owner_id": str(row.owner_id),
        "message_count": count,
        "total_message_sent": count,
        "member_count": min(50, len(row.members)),
        "thread_metadata": {
            "archived": row.is_archived,
            "auto_archive_duration": row.auto_archive_minutes,
            "archive_timestamp": timestamp(row.archived_at or row.created_at),
            "create_timestamp": timestamp(row.created_at),
            "locked": row.is_locked,
        },
    }
    return payload | ({"member": thread_member(row, viewer)} if viewer in row.members else {})


def thread_member(row: Channel, user_id: int) -> Json:
    joined = timestamp(row.members[user_id])
    return {"id": str(row.id), "user_id": str(user_id), "join_timestamp": joined, "flags": 0}


def role(row: Role) -> Json:
    payload: Json = {
        "id": str(row.id),
        "name": row.name,
        "color": row.color,
        "colors": {"primary_color": row.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": row.position,
        "permissions": str(row.permissions),
        "managed": row.bot_id is not None,
        "mentionable": False,
        "flags": 0,
        "icon": None,
        "unicode_emoji": None,
    }
    return payload | ({} if row.bot_id is None else {"tags": {"bot_id": str(row.bot_id)}})


def guild(world: World, row: Guild) -> Json:
    """Return a community without its members, as REST does."""
    return {
        "id": str(row.id),
        "name": row.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": str(row.owner_id),
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role(each) for each in row.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "max_members": 500_000,
    }


def guild_create(world: World, row: Guild, *, with_members: bool) -> Json:
    """Return a community as the gateway announces it; many members are left for the client to ask for."""
    whole = with_members and len(row.members) <= 250
    members = row.members.values() if whole else [row.members[world.bot.id]]
    return guild(world, row) | {
        "joined_at": timestamp(row.members[world.bot.id].joined_at),
        "large": len(row.members) > 250,
        "unavailable": False,
        "member_count": len(row.members),
        "members": [member(world, each) for each in members],
        "channels": [channel(world, each) for each in row.channels.values() if not each.is_thread],
        "threads": [
            channel(world, each)
            for each in world.threads(row.id)
            if not each.is_archived and world.may_see(world.bot.id, each)
        ],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def mentions(world: World, text: str) -> list[int]:
    found = (int(number) for number in _MENTION.findall(text))
    return [number for number in dict.fromkeys(found) if number in world.users]


def message(world: World, row: Message) -> Json:
    """Return a message as REST does: no nonce, and neither `member` nor `guild_id`."""
    payload: Json = {
        "id": str(row.id),
        "type": _message_type(row),
        "channel_id": str(row.channel_id),
        "author": user(world, row.author_id),
        "content": row.content,
        "timestamp": timestamp(row.sent_at),
        "edited_timestamp": timestamp(row.edited_at),
        "tts": False,
        "mention_everyone": False,
        "mentions": [user(world, number) for number in mentions(world, row.content)],
        "mention_roles": [],
        "attachments": [attachment(world, row, each) for each in row.attachments],
        "embeds": row.embeds,
        "components": row.components,
        "pinned": False,
        "flags": row.flags | (EPHEMERAL if row.is_ephemeral else 0),
    }
    thread = world.thread_on(row)
    if thread is not None:
        payload |= {"thread": channel(world, thread), "flags": payload["flags"] | HAS_THREAD}
    if row.reactions:
        payload["reactions"] = [_reaction(world, emoji, users) for emoji, users in row.reactions.items()]
    if row.reply_to is not None:
        payload["message_reference"] = {"type": 0, "message_id": str(row.reply_to), "channel_id": str(row.channel_id)}
    if row.interaction_id is not None and row.interaction_user_id is not None:
        asker = user(world, row.interaction_user_id)
        payload["interaction_metadata"] = {
            "id": str(row.interaction_id),
            "type": 2,
            "name": row.interaction_name,
            "user": asker,
            "authorizing_integration_owners": {},
        }
    return payload


def attachment(world: World, row: Message, file: Attachment) -> Json:
    """Return a file of a message; its address is on this server."""
    url = f"{world.files_url}/attachments/{row.channel_id}/{file.id}/{quote(file.filename)}"
    payload: Json = {"id": str(file.id), "filename": file.filename, "size": file.size, "url": url, "proxy_url": url}
    return payload | {"content_type": file.content_type}


def _message_type(row: Message) -> int:
    if row.interaction_id is not None:
        return 20
    return 19 if row.reply_to is not None else 0


def _reaction(world: World, emoji: str, users: set[int]) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "burst_colors": [],
        "me": world.bot.id in users,
        "me_burst": False,
    }


def message_event(world: World, row: Message) -> Json:
    """Return a message as the gateway announces it: a private one has no `guild_id` key at all."""
    payload = message(world, row) | ({} if row.nonce is None else {"nonce": row.nonce})
    place = world.channel(row.channel_id)
    if place.guild_id is None:
        return payload
    payload["guild_id"] = str(place.guild_id)
    author = world.guild(place.guild_id).members.get(row.author_id)
    return payload | ({} if author is None else {"member": member(world, author, with_user=False)})


def application(world: World) -> Json:
    owner = next((number for number, row in world.users.items() if not row.is_bot), world.bot.id)
    return {
        "id": str(world.bot.id),
        "name": world.bot.display_name,
        "description": "The bot of the practice Discord.",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        # Message content and members, for bots in fewer than the number of servers that asks for a review.
        "flags": (1 << 15) | (1 << 19),
        "owner": user(world, owner),
        "team": None,
        "interactions_endpoint_url": None,
    }
