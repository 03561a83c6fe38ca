"""Registering the slash commands, only when Discord has others: it allows 200 new ones a day."""

from typing import Any

import discord
import structlog
from discord import app_commands

log = structlog.get_logger(__name__)


async def sync_if_changed(tree: "app_commands.CommandTree[Any]") -> bool:
    """Compare our global commands with Discord's; replace those when they differ. Answers whether they did.

    Raises:
        discord.HTTPException: Discord refused the list.
    """
    registered = [_shape(command.to_dict()) for command in await tree.fetch_commands()]
    ours = [_shape(command.to_dict(tree)) for command in tree.get_commands()]
    if _sorted(registered) == _sorted(ours):
        return False
    await tree.sync()
    log.info("bot.commands_registered", count=len(ours))
    return True


def _shape(command: Any) -> dict[str, Any]:
    """What a member would notice, without what Discord adds by itself."""
    return {
        "name": command["name"],
        "type": int(command.get("type", discord.AppCommandType.chat_input.value)),
        "description": command.get("description", ""),
        "options": [_option_shape(option) for option in command.get("options", [])],
    }


def _option_shape(option: Any) -> dict[str, Any]:
    return {
        "name": option["name"],
        "type": int(option["type"]),
        "description": option.get("description", ""),
        "required": bool(option.get("required", False)),
        "choices": [(choice["name"], choice["value"]) for choice in option.get("choices") or []],
        "options": [_option_shape(inner) for inner in option.get("options") or []],
    }


def _sorted(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(commands, key=lambda command: (command["type"], command["name"]))
