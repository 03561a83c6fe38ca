"""The endpoints of threads."""

from bots.practice import payloads
from bots.practice.calls import Call, Route
from bots.practice.community import Community
from bots.practice.places import Places
from bots.practice.refusals import Refusal, invalid_form, unknown
from bots.practice.world import PRIVATE_THREAD, PUBLIC_THREAD, Channel, Json, Message, UnknownThing

ARCHIVE_MINUTES = (60, 1_440, 4_320, 10_080)
LONGEST_NAME = 100
HAS_THREAD = 160004
"""Discord's code for a message that has its thread already."""


class ThreadRoutes:
    """Opening, changing and deleting threads, and being in them."""

    def __init__(self, community: Community, places: Places) -> None:
        self.community = community
        self.world = community.world
        self.places = places

    def routes(self) -> list[Route]:
        channel, member = "/channels/{channel_id}", "/channels/{channel_id}/thread-members"
        return [
            ("POST", channel + "/threads", self.open),
            ("POST", channel + "/messages/{message_id}/threads", self.open_on),
            ("GET", channel + "/threads/archived/public", self.archived),
            ("GET", "/guilds/{guild_id}/threads/active", self.active),
            ("PATCH", channel, self.change),
            ("DELETE", channel, self.delete),
            ("GET", member, self.members),
            ("PUT", member + "/{user_id}", self.join),
            ("DELETE", member + "/{user_id}", self.leave),
        ]

    def open(self, call: Call) -> Json:
        kind = int(call.body.get("type", PRIVATE_THREAD))
        if kind not in (PUBLIC_THREAD, PRIVATE_THREAD):
            raise invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of {10, 11, 12}.")
        parent = self._parent(call)
        return self._open(call, parent, is_private=kind == PRIVATE_THREAD)

    def open_on(self, call: Call) -> Json:
        parent = self._parent(call)
        row = self.places.message(call)
        if any(each.id == row.id for each in self.world.threads(parent.guild_id or 0)):
            raise Refusal(400, HAS_THREAD, "A thread has already been created for this message")
        return self._open(call, parent, on_message=row)

    def _parent(self, call: Call) -> Channel:
        parent = self.places.channel(call)
        if parent.guild_id is None or parent.is_thread:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        return parent

    def _open(
        self, call: Call, parent: Channel, *, on_message: Message | None = None, is_private: bool = False
    ) -> Json:
        row = self.community.open_thread(
            parent,
            self.world.bot.id,
            _name(call.body),
            on_message=on_message,
            is_private=is_private,
            auto_archive_minutes=_minutes(call.body) or 1_440,
        )
        return payloads.channel(self.world, row)

    def archived(self, call: Call) -> Json:
        parent = self._parent(call)
        rows = [row for row in self.world.threads(parent.guild_id or 0) if row.parent_id == parent.id]
        return self._listed([row for row in rows if row.is_archived and row.kind == PUBLIC_THREAD])

    def active(self, call: Call) -> Json:
        rows = self.world.threads(self.places.guild(call).id)
        return self._listed([row for row in rows if not row.is_archived and self.world.may_see(self.world.bot.id, row)])

    def _listed(self, rows: list[Channel]) -> Json:
        bot_id = self.world.bot.id
        members = [payloads.thread_member(row, bot_id) for row in rows if bot_id in row.members]
        threads = [payloads.channel(self.world, row) for row in sorted(rows, key=lambda row: -row.id)]
        return {"threads": threads, "members": members, "has_more": False}

    def _thread(self, call: Call) -> Channel:
        row = self.places.channel(call)
        if not row.is_thread:
            raise Refusal(403, 50013, "Missing Permissions")
        return row

    def change(self, call: Call) -> Json:
        row = self._thread(call)
        changes = dict(call.body)
        if row.is_archived and changes.get("archived") is not False:
            raise archived_refusal()
        if "name" in changes:
            _name(changes)
        _minutes(changes)
        return payloads.channel(self.world, self.community.change_thread(row, changes))

    def delete(self, call: Call) -> Json:
        row = self._thread(call)
        self.community.delete_thread(row)
        return payloads.channel(self.world, row)

    def members(self, call: Call) -> list[Json]:
        row = self._thread(call)
        return [payloads.thread_member(row, user_id) for user_id in row.members]

    def _who(self, call: Call) -> int:
        return self.world.bot.id if call.text("user_id") == "@me" else call.number("user_id")

    def join(self, call: Call) -> None:
        row = self._thread(call)
        if row.is_archived:
            raise archived_refusal()
        try:
            self.community.join_thread(row, self._who(call))
        except UnknownThing:
            raise unknown(10007, "Member") from None

    def leave(self, call: Call) -> None:
        self.community.leave_thread(self._thread(call), self._who(call))


def archived_refusal() -> Refusal:
    return Refusal(400, 50083, "Thread is archived")


def _name(data: Json) -> str:
    name = str(data.get("name") or "")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise invalid_form("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {LONGEST_NAME} in length.")
    return name


def _minutes(data: Json) -> int | None:
    minutes = data.get("auto_archive_duration")
    if minutes is not None and minutes not in ARCHIVE_MINUTES:
        text = "Value must be one of {" + ", ".join(map(str, ARCHIVE_MINUTES)) + "}."
        raise invalid_form("auto_archive_duration", "BASE_TYPE_CHOICES", text)
    return None if minutes is None else int(minutes)
