"""What a request's address names, as far as the bot may see it."""

from bots.practice.calls import Call
from bots.practice.refusals import Refusal, unknown
from bots.practice.world import Channel, Guild, Message, UnknownThing, World


class Places:
    """Looks communities, channels and messages up, and raises what Discord says of those that are not for the bot."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guild(self, call: Call) -> Guild:
        row = self.world.guilds.get(call.number("guild_id"))
        if row is None or self.world.bot.id not in row.members:
            raise unknown(10004, "Guild")
        return row

    def channel(self, call: Call) -> Channel:
        try:
            row = self.world.channel(call.number("channel_id"))
        except UnknownThing:
            raise unknown(10003, "Channel") from None
        if row.guild_id is None and self.world.bot.id not in row.recipients:
            raise unknown(10003, "Channel")
        if not self.world.may_see(self.world.bot.id, row):
            raise Refusal(403, 50001, "Missing Access")
        return row

    def message(self, call: Call) -> Message:
        place = self.channel(call)
        try:
            return self.world.message(place.id, call.number("message_id"))
        except UnknownThing:
            raise unknown(10008, "Message") from None
