"""Who belongs to the team: decided from what Discord says of somebody, and from the settings."""

from dataclasses import dataclass

from bots.conf import BotSettings


@dataclass(frozen=True)
class Standing:
    """What Discord says of who asks, at the place where they ask."""

    user_id: int
    guild_id: int | None = None
    """None: in private."""
    is_administrator: bool = False
    """By Discord's permission in that community; its owner is one too."""
    role_ids: frozenset[int] = frozenset()
    communities: int = 1
    """How many communities the bot is in."""


def is_named(standing: Standing, settings: BotSettings) -> bool:
    """Whether an operator named this person (DISCORD_STAFF_USERS): staff everywhere, for all communities."""
    return standing.user_id in settings.staff_users


def is_staff(standing: Standing, settings: BotSettings) -> bool:
    """Whether this person may use the team's commands here.

    In private only those who are named. In a community also who has a role of DISCORD_STAFF_ROLES, and its
    administrators if DISCORD_COMMAND_GUILDS names it. While that names none, those of the only community that the bot
    is in: anybody may invite a public bot to a community of their own, and is its administrator.
    """
    if is_named(standing, settings):
        return True
    if standing.guild_id is None or (settings.command_guilds and standing.guild_id not in settings.command_guilds):
        return False
    if not standing.role_ids.isdisjoint(settings.staff_roles):
        return True
    return standing.is_administrator and bool(settings.command_guilds or standing.communities == 1)
