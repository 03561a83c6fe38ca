"""What happens in the practice world: each act changes it, is journaled, and is told to the bot and to the pages."""

from bots.practice import payloads
from bots.practice.interactions import INTERACTION_LIFE, INTERACTION_TIME, Interaction
from bots.practice.uses import Uses
from bots.practice.world import Json, UnknownThing, User

__all__ = ["INTERACTION_LIFE", "INTERACTION_TIME", "Community", "Interaction"]


class Community(Uses):
    """The world with its consequences: all acts, those on members here."""

    def join(self, guild_id: int, user: User, *, nickname: str | None = None) -> None:
        now = self.now()
        if user.id not in self.world.users:
            self.world.add_user(user)
        row = self.world.join(guild_id, user.id, now=now, nickname=nickname)
        account = {"username": user.username, "display_name": user.display_name, "is_bot": user.is_bot}
        entry = {"guild_id": guild_id, "user_id": user.id, "nickname": nickname, "at": now.isoformat()}
        self.record("joined", **entry, **account)
        if user.id == self.world.bot.id:
            created = payloads.guild_create(self.world, self.world.guild(guild_id), with_members=True)
            del created["unavailable"]  # with it, the bot would take it for the end of an outage
            self.tell("GUILD_CREATE", created)
        else:
            self.tell_of(guild_id, "GUILD_MEMBER_ADD", payloads.member(self.world, row))
        self.announce("members", guild_id)

    def tell_of(self, guild_id: int, event: str, data: Json) -> None:
        """Tell the bot what happened to a member of a community, if it is there."""
        if self.world.bot.id in self.world.guild(guild_id).members:
            self.tell(event, data | {"guild_id": str(guild_id)})

    def leave(self, guild_id: int, user_id: int) -> None:
        if not self.world.leave(guild_id, user_id):
            return
        self.record("left", guild_id=guild_id, user_id=user_id)
        if user_id == self.world.bot.id:
            self.tell("GUILD_DELETE", {"id": str(guild_id)})
        else:
            self.tell_of(guild_id, "GUILD_MEMBER_REMOVE", {"user": payloads.user(self.world, user_id)})
        self.announce("members", guild_id)

    def rename(self, guild_id: int, user_id: int, nickname: str | None) -> None:
        """Give a member another name in a community; None takes it away."""
        guild = self.world.guild(guild_id)
        if user_id not in guild.members:
            raise UnknownThing(f"User {user_id} is not in {guild.name}.")
        row = guild.members[user_id]
        row.nickname = nickname
        self.record("renamed", guild_id=guild_id, user_id=user_id, nickname=nickname)
        self.tell_of(guild_id, "GUILD_MEMBER_UPDATE", payloads.member(self.world, row))
        self.announce("members", guild_id)
