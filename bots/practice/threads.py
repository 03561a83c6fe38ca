"""Threads: small conversations beside a channel, which go to the archive and come back."""

from bots.practice import payloads, permissions
from bots.practice.scene import Scene
from bots.practice.world import PRIVATE_THREAD, PUBLIC_THREAD, Channel, Json, Message, NotAllowed, UnknownThing

CHANGES = {
    "name": "name",
    "archived": "is_archived",
    "locked": "is_locked",
    "auto_archive_duration": "auto_archive_minutes",
}
"""What may be changed of a thread, by its name on the wire."""


class Threads(Scene):
    """The acts on threads."""

    def open_thread(
        self,
        parent: Channel,
        owner_id: int,
        name: str,
        *,
        on_message: Message | None = None,
        is_private: bool = False,
        auto_archive_minutes: int = 1_440,
    ) -> Channel:
        """Open a thread beside a channel, on one of its messages (whose id it then bears) or on none."""
        if parent.guild_id is None or parent.is_thread:
            raise NotAllowed("Threads are opened beside a community's channel.")
        now = self.now()
        row = Channel(
            on_message.id if on_message else self.world.new_id(now),
            name,
            parent.guild_id,
            kind=PRIVATE_THREAD if is_private else PUBLIC_THREAD,
            parent_id=parent.id,
            owner_id=owner_id,
            members={owner_id: now},
            auto_archive_minutes=auto_archive_minutes,
            created_at=now,
        )
        self.world.add_channel(row)
        self._keep(row)
        self.tell_in(row.id, "THREAD_CREATE", payloads.channel(self.world, row) | {"newly_created": True})
        self.announce("threads", row)
        return row

    def change_thread(self, row: Channel, changes: Json) -> Channel:
        """Change a thread: its `name`, whether it is `archived` or `locked`, its `auto_archive_duration`."""
        before = row.is_archived
        for name, value in changes.items():
            if name in CHANGES and value is not None:
                setattr(row, CHANGES[name], value)
        if row.is_archived != before:
            row.archived_at = self.now()
        self._keep(row)
        self.tell_in(row.id, "THREAD_UPDATE", payloads.channel(self.world, row))
        self.announce("threads", row)
        return row

    def delete_thread(self, row: Channel) -> None:
        visible = self.world.may_see(self.world.bot.id, row)
        self.world.delete_channel(row)
        self.record("channel_deleted", channel_id=row.id)
        if visible:
            self.tell("THREAD_DELETE", _named(row) | {"parent_id": str(row.parent_id), "type": row.kind})
        self.announce("threads", row)

    def join_thread(self, row: Channel, user_id: int) -> None:
        """Make somebody a member of a thread; nothing happens when they are."""
        if user_id in row.members:
            return
        if row.guild_id is None or user_id not in self.world.guild(row.guild_id).members:
            raise UnknownThing(f"User {user_id} is not in this community.")
        row.members[user_id] = self.now()
        self._keep(row)
        data = _named(row) | {"member_count": len(row.members), "removed_member_ids": []}
        data["added_members"] = [payloads.thread_member(row, user_id)]
        self.tell_in(row.id, "THREAD_MEMBERS_UPDATE", data)
        self.announce("threads", row)

    def leave_thread(self, row: Channel, user_id: int) -> None:
        if row.members.pop(user_id, None) is None:
            return
        self._keep(row)
        data = _named(row) | {"member_count": len(row.members), "removed_member_ids": [str(user_id)]}
        self.tell_in(row.id, "THREAD_MEMBERS_UPDATE", data | {"added_members": []})
        self.announce("threads", row)

    def enter(self, row: Channel, author_id: int) -> None:
        """Prepare a thread for a message: who writes there joins it, and it comes back from the archive."""
        if row.is_locked and not self.world.permissions_of(author_id, row) & permissions.MANAGE_THREADS:
            raise NotAllowed("This thread is locked.")
        if row.is_archived:
            self.change_thread(row, {"archived": False})
        self.join_thread(row, author_id)

    def _keep(self, row: Channel) -> None:
        if self.journal is not None:
            self.journal.thread(row)


def _named(row: Channel) -> Json:
    return {"id": str(row.id), "guild_id": str(row.guild_id)}
