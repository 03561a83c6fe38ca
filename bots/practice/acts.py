"""What a person may do on the chat page as a member: each act is checked, and refused with one clear sentence."""

from collections.abc import Iterator

from bots.practice import picture
from bots.practice.community import Community, Interaction
from bots.practice.world import Channel, Json, Message

LONGEST = 2_000
LONGEST_EMOJI = 32
ADMINISTRATOR = 1 << 3
BUTTON, STRING_SELECT, TEXT_INPUT, LABEL = 2, 3, 4, 18
LINK_STYLE = 5


class NotAllowed(ValueError):
    """What a person asked for and the member they play may not do; the text is shown to them."""


class Actor:
    """A member, played from a page. `asides` are the messages that only this page's member can see."""

    def __init__(self, community: Community, user_id: int) -> None:
        self.community = community
        self.world = community.world
        self.user_id = user_id
        self.asides: dict[int, Message] = {}

    # --- what is there for them ---

    def sees(self, place: Channel) -> bool:
        if place.guild_id is None:
            return self.user_id in place.recipients
        return self.user_id in self.world.guild(place.guild_id).members

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

    def _own(self, channel_id: int, message_id: int) -> Message:
        row = self.message(channel_id, message_id)
        if row.author_id != self.user_id:
            raise NotAllowed("Only its author may change or delete a message.")
        return row

    # --- messages ---

    def say(self, channel_id: int, text: str, *, reply_to: int | None = None) -> Message:
        place = self.place(channel_id)
        if reply_to is not None and reply_to not in self.world.messages[place.id]:
            raise NotAllowed("The message that you reply to is gone. Send yours without replying.")
        return self.community.post(place.id, self.user_id, _written(text), reply_to=reply_to)

    def edit(self, channel_id: int, message_id: int, text: str) -> None:
        row = self._own(channel_id, message_id)
        if _written(text) != row.content:
            self.community.edit(row, {"content": _written(text)})

    def delete(self, channel_id: int, message_id: int) -> None:
        self.community.delete(self._own(channel_id, message_id))

    def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Add a reaction, or take it back."""
        row = self.message(channel_id, message_id)
        if row.is_ephemeral:
            raise NotAllowed("Nobody can react to a message that only you can see.")
        if not 0 < len(emoji) <= LONGEST_EMOJI:
            raise NotAllowed("A reaction is one emoji.")
        self.community.react(row, self.user_id, emoji, add=self.user_id not in row.reactions.get(emoji, set()))

    # --- the bot's commands, buttons, menus and forms ---

    def use(self, channel_id: int, command: str, options: dict[str, object]) -> Interaction:
        place = self.place(channel_id)
        registered = self.world.find_command(command.removeprefix("/").split(" ")[0], place.guild_id)
        if not self._may_use(registered, place):
            raise NotAllowed(f"This member may not use /{command.removeprefix('/')}.")
        return self.community.use_command(self.user_id, place, command, options)

    def _may_use(self, command: Json, place: Channel) -> bool:
        needed = command.get("default_member_permissions")
        if needed is None or place.guild_id is None:
            return True
        held = picture.permission_bits(self.world, place.guild_id, self.user_id)
        return bool(held & ADMINISTRATOR) or (int(needed) != 0 and held & int(needed) == int(needed))

    def press(self, channel_id: int, message_id: int, custom_id: str, values: list[str] | None) -> Interaction:
        row = self.message(channel_id, message_id)
        component = next((each for each in _within(row.components) if each.get("custom_id") == custom_id), None)
        if component is None:
            raise NotAllowed("The bot has taken that away from the message.")
        _check_press(component, values)
        return self.community.press(self.user_id, row, custom_id, values)

    def submit(self, interaction: Interaction, values: dict[str, str]) -> Interaction:
        """Send the form that the bot opened in answer to `interaction`."""
        modal = interaction.modal or {}
        rows = modal.get("components", [])
        fields = {each["custom_id"]: (each, label) for each, label in _fields(rows)}
        for custom_id, (field, label) in fields.items():
            _check_field(field, label, values.get(custom_id, ""))
        return self.community.submit(self.user_id, interaction, {key: values.get(key, "") for key in fields})


def _written(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= LONGEST:
        raise NotAllowed("A message has between 1 and 2,000 characters.")
    return text


def _within(components: list[Json]) -> Iterator[Json]:
    """Yield buttons and menus, however deep they lie in rows, sections and boxes."""
    for each in components:
        yield each
        inner = [each[name] for name in ("accessory", "component") if name in each]
        yield from _within(each.get("components", []) + inner)


def _check_press(component: Json, values: list[str] | None) -> None:
    if component.get("disabled"):
        raise NotAllowed("The bot has switched that off.")
    if component["type"] == BUTTON and values is None and component.get("style") != LINK_STYLE:
        return
    if component["type"] != STRING_SELECT or values is None:
        raise NotAllowed("The practice Discord has buttons and menus of texts only.")
    known = {option["value"] for option in component.get("options", [])}
    if len(set(values)) != len(values) or not known.issuperset(values):
        raise NotAllowed("That menu has no such choice any more. Look at it again.")
    least, most = component.get("min_values", 1), component.get("max_values", 1)
    if not least <= len(values) <= most:
        raise NotAllowed(f"Choose {least} here." if least == most else f"Choose between {least} and {most} here.")


def _fields(rows: list[Json]) -> Iterator[tuple[Json, str]]:
    """Yield a form's inputs with the labels that they are known by."""
    for row in rows:
        if row["type"] == LABEL:
            yield row["component"], str(row.get("label", ""))
        else:
            yield from ((each, str(each.get("label", ""))) for each in row.get("components", []))


def _check_field(field: Json, label: str, value: str) -> None:
    least, most = field.get("min_length", 0), field.get("max_length", 4_000)
    if field["type"] != TEXT_INPUT:
        raise NotAllowed("The practice Discord has forms of texts only.")
    if not value and not field.get("required", True):
        return
    if not value:
        raise NotAllowed(f"“{label}” must not be empty.")
    if not least <= len(value) <= most:
        raise NotAllowed(f"“{label}” has {len(value)} characters, and must have between {least} and {most}.")
