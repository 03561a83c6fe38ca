"""Uses: what members do with the bot's commands, buttons, menus and forms, and where its answers go."""

import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime

from bots.practice import components, drafts, interactions, payloads, permissions
from bots.practice.interactions import INTERACTION_LIFE, Interaction
from bots.practice.messages import Messages
from bots.practice.world import Attachment, Channel, Json, Message, NotAllowed, UnknownThing


class Uses(Messages):
    """The acts on commands and interactions."""

    def register(self, commands: list[Json], *, guild_id: int | None) -> list[Json]:
        rows = self.world.set_commands(commands, guild_id=guild_id, now=self.now())
        self.record("commands", guild_id=guild_id, commands=rows)
        self.announce("commands", rows)
        return rows

    def use_command(
        self, user_id: int, channel: Channel, command: str, values: dict[str, object], *, force: bool = False
    ) -> Interaction:
        """Let a member use a slash command; `command` names subcommands with spaces ("followups pause").

        Raises NotAllowed when the command asks for permissions that the member lacks, for another place or for other
        values, unless the use is by `force`, past what Discord's app would check.
        """
        if not force:
            self.require_allowed(user_id, channel, command, values)
        return self._use(interactions.COMMAND, user_id, channel, command, values)

    def require_allowed(self, user_id: int, channel: Channel, command: str, values: dict[str, object]) -> None:
        """Raise NotAllowed, with a sentence for the member, when Discord's app would not send a command."""
        name, *inner = command.removeprefix("/").split()
        registered = self.world.find_command(name, channel.guild_id)
        guild = None if channel.guild_id is None else self.world.guild(channel.guild_id)
        refusal = permissions.refusal_of(registered, guild, user_id)
        if refusal is not None:
            raise NotAllowed(refusal)
        interactions.require_filled(registered, inner, values)

    def ask_autocomplete(
        self, user_id: int, channel: Channel, command: str, values: dict[str, object], *, focused: str
    ) -> Interaction:
        """Let a member type into an option of a slash command: `focused` is its name, its text is in `values`."""
        return self._use(interactions.AUTOCOMPLETE, user_id, channel, command, values, focused=focused)

    def _use(
        self,
        kind: int,
        user_id: int,
        channel: Channel,
        command: str,
        values: dict[str, object],
        *,
        focused: str | None = None,
    ) -> Interaction:
        name, *inner = command.removeprefix("/").split()
        registered = self.world.find_command(name, channel.guild_id)
        options = interactions.nested_options(registered, inner, values, focused=focused)
        data: Json = {"id": registered["id"], "name": name, "type": 1, "options": options}
        data |= {"resolved": self._resolved(channel, options)} | self.guild_key(channel.id)
        return self._interact(kind, user_id, channel, data, name=interactions.full_name(name, options))

    def press(
        self, user_id: int, row: Message, custom_id: str, values: list[str] | None = None, *, stale: bool = False
    ) -> Interaction:
        """Let a member press a button, or choose in a menu, of a message.

        Raises NotAllowed for what Discord's app would not let them do. A `stale` press is one from a page that shows
        the message as it was long ago: anything goes.
        """
        channel = self.world.channel(row.channel_id)
        if row.ephemeral_for not in (None, user_id):
            raise NotAllowed("Only its reader can use a private answer.")
        kind = components.BUTTON if values is None else components.MENU
        if not stale:
            if not row.is_ephemeral:
                self.world.message(row.channel_id, row.id)
            kind = components.require_usable(row.components, custom_id, values)["type"]
        data: Json = {"custom_id": custom_id, "component_type": kind, "id": 1}
        if values is not None:
            data["values"] = values
        if kind in payloads.PICKERS and values:
            picked = [{"type": payloads.PICKERS[kind], "value": value} for value in values]
            data["resolved"] = self._resolved(channel, picked)
        name = row.interaction_name
        return self._interact(interactions.COMPONENT, user_id, channel, data, name=name, on_message=row)

    def submit(self, user_id: int, interaction: Interaction, values: dict[str, str | list[str]]) -> Interaction:
        """Let a member send the form that the bot answered an interaction with; `values` by the fields' custom_id.

        A field that is left out keeps what the form put there. Raises NotAllowed for what Discord's app would not send.
        """
        form = interaction.modal
        if form is None:
            raise UnknownThing("The bot has not opened a form here.")
        if user_id != interaction.user_id:
            raise NotAllowed("Somebody else has this form open.")
        data: Json = {"custom_id": form["custom_id"], "components": components.filled(form, values)}
        channel, name = self.world.channel(interaction.channel_id), interaction.name
        on_message = interaction.on_message
        return self._interact(interactions.SUBMITTED_FORM, user_id, channel, data, name=name, on_message=on_message)

    def _interact(
        self, kind: int, user_id: int, channel: Channel, data: Json, *, name: str, on_message: Message | None = None
    ) -> Interaction:
        self._require_inside(user_id, channel)
        now = self.now()
        token = secrets.token_urlsafe(60)
        row = Interaction(self.world.new_id(now), token, user_id, channel.id, name, now, kind, on_message=on_message)
        self._forget_old(now)
        self.interactions[row.token] = row
        payload = self._interaction_payload(row, kind, channel, data)
        if on_message is not None:
            payload["message"] = payloads.message(self.world, on_message)
        self.tell("INTERACTION_CREATE", payload)
        return row

    def _require_inside(self, user_id: int, channel: Channel) -> None:
        if not self.world.may_see(user_id, channel):
            raise NotAllowed("This member is not in that channel.")

    def _forget_old(self, now: datetime) -> None:
        for token, row in tuple(self.interactions.items()):
            if now - row.asked_at <= INTERACTION_LIFE:
                return
            del self.interactions[token]

    def _interaction_payload(self, row: Interaction, kind: int, channel: Channel, data: Json) -> Json:
        payload: Json = {
            "id": str(row.id),
            "application_id": str(self.world.bot.id),
            "type": kind,
            "token": row.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "channel": payloads.channel(self.world, channel),
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": 10_485_760,
            "app_permissions": str(self.world.permissions_of(self.world.bot.id, channel)),
            "context": 1,
        }
        if channel.guild_id is None:
            return payload | {"user": payloads.user(self.world, row.user_id)}
        guild = self.world.guild(channel.guild_id)
        member = payloads.member(self.world, guild.members[row.user_id])
        return payload | {
            "context": 0,
            "guild_id": str(guild.id),
            "guild_locale": "en-US",
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "member": member | {"permissions": str(self.world.permissions_of(row.user_id, channel))},
        }

    def _resolved(self, channel: Channel, options: list[Json]) -> Json:
        resolved: Json = {}
        for option in interactions.leaves(options):
            if option["type"] in (6, 7, 8, 9):
                for kind, payload in self._things(channel, option["type"], int(option["value"])):
                    resolved.setdefault(kind, {})[str(option["value"])] = payload
        return resolved

    def _things(self, channel: Channel, kind: int, number: int) -> Iterator[tuple[str, Json]]:
        """Yield what an option's value stands for: a user (6), a channel (7), a role (8), a user or a role (9)."""
        roles = {} if channel.guild_id is None else self.world.guild(channel.guild_id).roles
        if kind in (8, 9) and number in roles:
            yield "roles", payloads.role(roles[number])
        elif kind == 7:
            place = self.world.channel(number)
            allowed = str(self.world.permissions_of(self.world.bot.id, place))
            yield "channels", payloads.channel(self.world, place) | {"permissions": allowed}
        else:
            yield "users", payloads.user(self.world, number)
            member = self.member_key(channel.id, number).get("member")
            if member is not None:
                short = {key: value for key, value in member.items() if key != "user"}
                yield "members", short | {"permissions": str(self.world.permissions_of(number, channel))}

    def answer(
        self,
        interaction: Interaction,
        data: Json,
        *,
        ephemeral: bool,
        original: bool,
        files: Iterable[Attachment] = (),
    ) -> Message:
        """Post the bot's answer to an interaction, to the channel or to the asker alone."""
        fields: Json = {
            "embeds": data.get("embeds") or [],
            "components": data.get("components") or [],
            "interaction_id": interaction.id,
            "interaction_name": interaction.name,
            "interaction_user_id": interaction.user_id,
            "attachments": list(files),
            "flags": drafts.flags_of(data),
        }
        content = data.get("content") or ""
        if ephemeral:
            now = self.now()
            row = Message(
                self.world.new_id(now), interaction.channel_id, self.world.bot.id, content, now,
                ephemeral_for=interaction.user_id, **fields,
            )  # fmt: skip
            self.world.keep_files(row)
            self.announce("message", row)
        else:
            row = self.post(interaction.channel_id, self.world.bot.id, content, **fields)
        interaction.answers.append(row)
        if original:
            interaction.original = row
            interaction.is_deferred = False
        interaction.touch()
        self.announce("answered", interaction)
        return row
