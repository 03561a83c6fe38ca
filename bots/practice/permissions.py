"""Who may do what: permissions from roles, as Discord computes them."""

from bots.practice.things import Guild, Json

ADD_REACTIONS, VIEW_CHANNEL, SEND_MESSAGES, MANAGE_MESSAGES = 1 << 6, 1 << 10, 1 << 11, 1 << 13
EMBED_LINKS, ATTACH_FILES, READ_HISTORY, CHANGE_NICKNAME = 1 << 14, 1 << 15, 1 << 16, 1 << 26
ADMINISTRATOR, MANAGE_GUILD, USE_COMMANDS = 1 << 3, 1 << 5, 1 << 31
MANAGE_THREADS, PUBLIC_THREADS, PRIVATE_THREADS, SEND_IN_THREADS = 1 << 34, 1 << 35, 1 << 36, 1 << 38
ALL = (1 << 50) - 1
EVERYONE = (
    ADD_REACTIONS | VIEW_CHANNEL | SEND_MESSAGES | EMBED_LINKS | ATTACH_FILES | READ_HISTORY | CHANGE_NICKNAME
    | USE_COMMANDS | PUBLIC_THREADS | SEND_IN_THREADS
)  # fmt: skip
MODERATOR = MANAGE_GUILD | MANAGE_MESSAGES | MANAGE_THREADS | PRIVATE_THREADS
BOT = MANAGE_MESSAGES | MANAGE_THREADS | PRIVATE_THREADS
"""What the bot may do beyond everybody."""

IN_GUILD, IN_BOT_DM = 0, 1
"""Places where a command may be used, as a registered command names them."""


def within(guild: Guild, user_id: int) -> int:
    """Return what a member may do in a community: all that one of their roles allows, and everything to its owner."""
    member = guild.members.get(user_id)
    if member is None:
        return 0
    if user_id == guild.owner_id:
        return ALL
    allowed = 0
    for role_id in (guild.id, *member.roles):
        allowed |= guild.roles[role_id].permissions if role_id in guild.roles else 0
    return ALL if allowed & ADMINISTRATOR else allowed


def refusal_of(command: Json, guild: Guild | None, user_id: int) -> str | None:
    """Return why a member may not use a registered command here, None if they may.

    In private the permissions do not matter, only whether the command may be used there at all.
    """
    places = command.get("contexts")
    if guild is None:
        allowed_here = IN_BOT_DM in places if places is not None else command.get("dm_permission", True) is not False
        return None if allowed_here else "This command can only be used in a server."
    if places is not None and IN_GUILD not in places:
        return "This command can only be used in private messages."
    needed = command.get("default_member_permissions")
    if needed is None or _has(within(guild, user_id), int(needed)):
        return None
    return "You do not have permission to use this command."


def _has(allowed: int, needed: int) -> bool:
    # "0" is for administrators alone.
    return allowed == ALL or (needed != 0 and allowed & needed == needed)
