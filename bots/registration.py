"""Registering the slash commands, only where Discord has others: it allows 200 new ones a day.

What Discord has is read at each start of the one that listens, and compared. A stored fingerprint of our own list would
save that request, and would not notice that somebody else has deleted or changed a command.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

import aiohttp
import discord
import structlog
from discord.ext import commands

from bots import failures

log = structlog.get_logger(__name__)

Command = dict[str, Any]
MOST_COMMUNITIES: Final = 100
"""So many are looked through for commands of their own that are ours no more."""
MISSING_ACCESS: Final = 50001
UNKNOWN_COMMUNITY: Final = 10004


async def keep_up_to_date(bot: commands.AutoShardedBot, *, guilds: Collection[int]) -> None:
    """Do what `sync_if_changed` does; when Discord refuses, say so and go on: hearing members comes before commands."""
    try:
        await sync_if_changed(bot, guilds=guilds)
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        log.error("bot.commands_not_registered", **failures.describe(error))  # noqa: TRY400 - without a traceback


async def sync_if_changed(bot: commands.AutoShardedBot, *, guilds: Collection[int] = ()) -> int:
    """Let Discord have our commands in these communities, or everywhere when none is named; and in no place twice.
    Answers how many lists were replaced.

    Lists are emptied before others are filled, and the global one comes last: whatever ends the process in between, the
    next start sees a difference and goes on.

    Raises:
        discord.HTTPException: Discord refused a list.
    """
    ours = [command.to_dict(bot.tree) for command in bot.tree.get_commands()]
    everywhere = await _global_commands(bot)
    changed = 0
    if guilds or not everywhere:  # after a change of the setting: Discord's global list is empty while it names some
        for guild_id in await _other_communities(bot, guilds):
            changed += await _replace_for(bot, guild_id, [])
    if guilds:
        changed += await _replace(everywhere, [], lambda: _put_global(bot, []))
        for guild_id in guilds:
            changed += await _replace_for(bot, guild_id, ours)
    else:
        changed += await _replace(everywhere, ours, lambda: _put_global(bot, ours))
    return changed


# --- Discord's lists ---


async def _global_commands(bot: commands.AutoShardedBot) -> list[Any]:
    return await bot.http.get_global_commands(_application(bot))


async def _put_global(bot: commands.AutoShardedBot, wanted: list[Command]) -> None:
    await bot.http.bulk_upsert_global_commands(_application(bot), wanted)


async def _other_communities(bot: commands.AutoShardedBot, guilds: Collection[int]) -> list[int]:
    found = [guild.id async for guild in bot.fetch_guilds(limit=MOST_COMMUNITIES, with_counts=False)]
    return [guild_id for guild_id in found if guild_id not in guilds]


async def _replace_for(bot: commands.AutoShardedBot, guild_id: int, wanted: list[Command]) -> bool:
    """Replace a community's list; a community that the bot is not in is left out."""
    application = _application(bot)
    try:
        known = await bot.http.get_guild_commands(application, guild_id)
        put = bot.http.bulk_upsert_guild_commands
        return await _replace(known, wanted, lambda: put(application, guild_id, wanted), guild_id=guild_id)
    except discord.HTTPException as error:
        if error.code not in {MISSING_ACCESS, UNKNOWN_COMMUNITY}:
            raise
        hint = "The bot is not in this community: invite it, or take the number out of DISCORD_COMMAND_GUILDS."
        log.warning("bot.commands_without_community", guild_id=guild_id, hint=hint)
        return False


async def _replace(
    known: Collection[Any], wanted: list[Command], put: Callable[[], Awaitable[Any]], *, guild_id: int | None = None
) -> bool:
    is_global = guild_id is None
    if _shapes(known, is_global=is_global) == _shapes(wanted, is_global=is_global):
        return False
    await put()
    log.info("bot.commands_registered", guild_id=guild_id, count=len(wanted))
    return True


def _application(bot: commands.AutoShardedBot) -> int:
    assert bot.application_id is not None  # noqa: S101 - the login has filled it
    return bot.application_id


# --- comparing ---


def _shapes(found: Collection[Any], *, is_global: bool) -> list[Command]:
    shapes = [_shape(command) for command in found]
    if is_global:  # a community's own commands have neither
        shapes = [shape | _reach(command) for shape, command in zip(shapes, found, strict=True)]
    return sorted(shapes, key=lambda shape: (shape["type"], shape["name"]))


def _shape(command: Any) -> Command:
    """What can be noticed of a command, with Discord's defaults for what one side leaves out."""
    permissions = command.get("default_member_permissions")
    return {
        "name": command["name"],
        "type": int(command.get("type") or discord.AppCommandType.chat_input.value),
        "description": command.get("description") or "",
        "default_member_permissions": None if permissions is None else int(permissions),
        "nsfw": bool(command.get("nsfw")),
        "options": [_option_shape(option) for option in command.get("options") or []],
    }


def _reach(command: Any) -> Command:
    """Where it can be used, and who can install it: 0 communities, 1 people."""
    return {"contexts": _contexts(command), "integration_types": sorted(command.get("integration_types") or [0])}


def _contexts(command: Any) -> list[int]:
    """Where it can be used: 0 in communities, 1 in private with the bot, 2 in other private channels."""
    if command.get("contexts") is not None:
        return sorted(command["contexts"])
    return [0] if command.get("dm_permission") is False else [0, 1, 2]


def _option_shape(option: Any) -> Command:
    """The order of options is theirs too: members see them so."""
    limits = {name: option.get(name) for name in ("min_value", "max_value", "min_length", "max_length")}
    return limits | {
        "name": option["name"],
        "type": int(option["type"]),
        "description": option.get("description") or "",
        "required": bool(option.get("required")),
        "autocomplete": bool(option.get("autocomplete")),
        "channel_types": sorted(int(kind) for kind in option.get("channel_types") or []),
        "choices": [(choice["name"], choice["value"]) for choice in option.get("choices") or []],
        "options": [_option_shape(inner) for inner in option.get("options") or []],
    }
