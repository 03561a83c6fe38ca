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


def is_named(standing: Standing, settings: BotSettings) -> bool:
    """Whether an operator named this person (DISCORD_STAFF_USERS): staff everywhere, for all communities."""
    return standing.user_id in settings.staff_users


def is_staff(standing: Standing, settings: BotSettings) -> bool:
    """Whether this person may use the team's commands here.

    In private only those who are named. In a community also its administrators, and who has a role of
    DISCORD_STAFF_ROLES; where DISCORD_COMMAND_GUILDS names communities, those of no other one: anybody may invite a
    public bot to a community of their own, and is its administrator.
    """
    if is_named(standing, settings):
        return True
    if standing.guild_id is None or (settings.command_guilds and standing.guild_id not in settings.command_guilds):
        return False
    return standing.is_administrator or not standing.role_ids.isdisjoint(settings.staff_roles)
