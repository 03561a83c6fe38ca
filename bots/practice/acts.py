"""What a person does on the chat page as a member: found, checked, and refused with one clear sentence."""

from bots.practice.community import Community, Interaction
from bots.practice.world import Channel, Message, NotAllowed

LONGEST = 2_000
LONGEST_EMOJI = 32


class Actor:
    """A member, played from a page. `asides` are the messages that only this page's member can see."""

    def __init__(self, community: Community, user_id: int) -> None:
        self.community = community
        self.world = community.world
        self.user_id = user_id
        self.asides: dict[int, Message] = {}

    # --- what is there for them ---

    def sees(self, place: Channel) -> bool:
        return self.world.may_see(self.user_id, place)

    def place(self, channel_id: int) -> Channel:
        place = self.world.channel(channel_id)
        if not self.sees(place):
            raise NotAllowed("This member is not in that channel.")
        return place

    def message(self, channel_id: int, message_id: int) -> Message:
        """Return a message that this member can see, one for their eyes only included."""
        place = self.place(channel_id)
        row = self.world.messages[place.id].get(message_id) or self.asides.get(message_id)
        if row is None or row.channel_id != place.id:
            raise NotAllowed("That message is gone.")
        return row

    def _shared(self, channel_id: int, message_id: int) -> Message:
        row = self.message(channel_id, message_id)
        if row.is_ephemeral:
            raise NotAllowed("That message is for your eyes only: use it or dismiss it, no more.")
        return row

    # --- messages ---

    def say(self, channel_id: int, text: str, *, reply_to: int | None = None) -> Message:
        place = self.place(channel_id)
        if reply_to is not None and reply_to not in self.world.messages[place.id]:
            raise NotAllowed("The message that you reply to is gone. Send yours without replying.")
        return self.community.post(place.id, self.user_id, _written(text), reply_to=reply_to)

    def edit(self, channel_id: int, message_id: int, text: str) -> None:
        row = self._shared(channel_id, message_id)
        if _written(text) != row.content:
            self.community.rewrite(self.user_id, row, _written(text))

    def delete(self, channel_id: int, message_id: int) -> None:
        self.community.remove(self.user_id, self._shared(channel_id, message_id))

    def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Add a reaction, or take it back."""
        row = self._shared(channel_id, message_id)
        if not 0 < len(emoji) <= LONGEST_EMOJI:
            raise NotAllowed("A reaction is one emoji.")
        self.community.react(row, self.user_id, emoji, add=self.user_id not in row.reactions.get(emoji, set()))

    # --- the bot's commands, buttons, menus and forms ---

    def use(self, channel_id: int, command: str, options: dict[str, object]) -> Interaction:
        return self.community.use_command(self.user_id, self.place(channel_id), command, options)

    def complete(self, channel_id: int, command: str, options: dict[str, object], focused: str) -> Interaction:
        """Ask the bot to complete an option that is being written."""
        return self.community.ask_autocomplete(self.user_id, self.place(channel_id), command, options, focused=focused)

    def press(self, channel_id: int, message_id: int, custom_id: str, values: list[str] | None) -> Interaction:
        return self.community.press(self.user_id, self.message(channel_id, message_id), custom_id, values)

    def submit(self, opener: Interaction | None, values: dict[str, str | list[str]]) -> Interaction:
        """Send the form that the bot opened in answer to an interaction."""
        if opener is None or opener.modal is None:
            raise NotAllowed("That form is not open any more. Open it again.")
        return self.community.submit(self.user_id, opener, values)


def _written(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= LONGEST:
        raise NotAllowed("A message has between 1 and 2,000 characters.")
    return text
