"""Messages: written, edited, deleted and reacted to."""

from collections.abc import Iterable
from typing import Any

from bots.practice import drafts, payloads, permissions
from bots.practice.threads import Threads
from bots.practice.world import Attachment, Json, Message, NotAllowed


class Messages(Threads):
    """The acts on messages, the bot's and the members'."""

    def post(self, channel_id: int, author_id: int, content: str, **extra: Any) -> Message:
        """Add a message to a channel and announce it. `extra` are further fields of a message."""
        place = self.world.channel(channel_id)
        author = self.world.user(author_id)
        if place.is_thread:
            self.enter(place, author_id)
        now = self.now()
        row = Message(self.world.new_id(now), place.id, author.id, content, now, **extra)
        self.world.add_message(row)
        self.keep(row)
        self.tell_in(row.channel_id, "MESSAGE_CREATE", payloads.message_event(self.world, row))
        self.announce("message", row)
        return row

    def edit(self, row: Message, changes: Json, *, files: Iterable[Attachment] = ()) -> Message:
        """Change a message's content, embeds, components or files. `attachments` names the files that stay."""
        if "content" in changes:
            row.content = changes["content"] or ""
        for name in ("embeds", "components"):
            if name in changes:
                setattr(row, name, changes[name] or [])
        if "attachments" in changes:
            staying = {str(each.get("id")) for each in changes["attachments"] or []}
            row.attachments = [each for each in row.attachments if str(each.id) in staying]
        row.flags |= drafts.flags_of(changes)
        row.attachments += files
        self.world.keep_files(row)
        row.edited_at = self.now()
        if not row.is_ephemeral:
            self.keep(row)
            self.tell_in(row.channel_id, "MESSAGE_UPDATE", payloads.message_event(self.world, row))
        self.announce("edited", row)
        return row

    def delete(self, row: Message) -> None:
        if not row.is_ephemeral:
            self._forget(row)
            data = {"id": str(row.id), "channel_id": str(row.channel_id)}
            self.tell_in(row.channel_id, "MESSAGE_DELETE", data | self.guild_key(row.channel_id))
        self.announce("deleted", row)

    def delete_many(self, rows: list[Message]) -> None:
        """Delete messages of one channel of a community at once."""
        channel_id = rows[0].channel_id
        if self.world.channel(channel_id).guild_id is None or any(row.channel_id != channel_id for row in rows):
            raise NotAllowed("Many messages are deleted in one channel of a community.")
        for row in rows:
            self._forget(row)
        data: Json = {"ids": [str(row.id) for row in rows], "channel_id": str(channel_id)}
        self.tell_in(channel_id, "MESSAGE_DELETE_BULK", data | self.guild_key(channel_id))
        for row in rows:
            self.announce("deleted", row)

    def react(self, row: Message, user_id: int, emoji: str, *, add: bool = True) -> None:
        users = row.reactions.get(emoji, set())
        if (user_id in users) == add:
            return
        row.reactions[emoji] = users ^ {user_id}
        if not row.reactions[emoji]:
            del row.reactions[emoji]
        self.keep(row)
        self._tell_reaction(row, user_id, emoji, add=add)
        self.announce("edited", row)

    def _tell_reaction(self, row: Message, user_id: int, emoji: str, *, add: bool) -> None:
        data: Json = {"user_id": str(user_id), "channel_id": str(row.channel_id), "message_id": str(row.id)}
        data |= {"emoji": {"id": None, "name": emoji}, "burst": False, "type": 0} | self.guild_key(row.channel_id)
        if add:
            data["message_author_id"] = str(row.author_id)
            data |= self.member_key(row.channel_id, user_id)
        self.tell_in(row.channel_id, "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE", data)

    def type_in(self, channel_id: int, user_id: int) -> None:
        self.announce("typing", (channel_id, user_id))

    def keep(self, row: Message) -> None:
        if self.journal is not None:
            self.journal.message(self.world, row)

    def _forget(self, row: Message) -> None:
        self.world.delete_message(row.channel_id, row.id)
        self.record("deleted", channel_id=row.channel_id, message_id=row.id)

    # --- as a member, within what Discord's app allows ---

    def rewrite(self, user_id: int, row: Message, text: str) -> Message:
        """Let a member edit their own message."""
        if row.author_id != user_id:
            raise NotAllowed("Only its author can edit a message.")
        return self.edit(self.world.message(row.channel_id, row.id), {"content": text})

    def remove(self, user_id: int, row: Message) -> None:
        """Let a member delete their own message, or a moderator anybody's."""
        if row.author_id != user_id:
            self._require_moderator(user_id, row)
        self.delete(self.world.message(row.channel_id, row.id))

    def sweep(self, user_id: int, rows: list[Message]) -> None:
        """Let a moderator delete messages of one channel at once."""
        for row in rows:
            self._require_moderator(user_id, row)
        self.delete_many([self.world.message(row.channel_id, row.id) for row in rows])

    def _require_moderator(self, user_id: int, row: Message) -> None:
        if not self.world.permissions_of(user_id, self.world.channel(row.channel_id)) & permissions.MANAGE_MESSAGES:
            raise NotAllowed("You do not have permission to delete this message.")
