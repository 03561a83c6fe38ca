"""What staff do with a conversation: read it, put it away, snooze it, give it to somebody, silence it, shut it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import connection, transaction

from socialmedia import outbox
from socialmedia.desk import postponed
from socialmedia.models import Conversation, Message

LONGEST_SNOOZE: Final = timedelta(days=366)
MORNING: Final = time(9)
BLOCKED: Final = "Staff have blocked this conversation."
SPAM: Final = "Staff have marked this conversation as spam."

# The words that were not on the page yet stay unread. Both parts of the statement see the messages as they were.
_MARK_READ: Final = """
WITH seen AS (
    UPDATE social_media_messages SET is_read = TRUE
    WHERE conversation_id = %(conversation_id)s AND NOT is_outgoing AND NOT is_read AND id <= %(up_to)s
    RETURNING id
)
UPDATE social_media_conversations AS conversation
SET updated_at = %(now)s,
    unread_count = CASE WHEN conversation.is_blocked OR conversation.is_spam THEN 0 ELSE (
        SELECT count(*) FROM social_media_messages AS message
        WHERE message.conversation_id = conversation.id
          AND NOT message.is_outgoing AND NOT message.is_read AND message.id > %(up_to)s
    ) END
WHERE conversation.id = %(conversation_id)s
RETURNING (SELECT count(*) FROM seen)
"""
_MARK_UNREAD: Final = """
WITH newest AS (
    UPDATE social_media_messages SET is_read = FALSE
    WHERE id = (
        SELECT id FROM social_media_messages
        WHERE conversation_id = %(conversation_id)s AND NOT is_outgoing
        ORDER BY sent_at DESC, id DESC LIMIT 1
    )
    RETURNING id
)
UPDATE social_media_conversations SET unread_count = 1, updated_at = %(now)s
WHERE id = %(conversation_id)s AND EXISTS (SELECT FROM newest)
RETURNING 1
"""
_END_OF_TIME: Final = 2**63 - 1


class CannotChange(ValueError):
    """The conversation does not allow this; the message is a sentence for staff. Nothing has changed."""


@dataclass(frozen=True)
class Change:
    """What an operation did, in a sentence for staff."""

    sentence: str
    is_new: bool = True
    """False: it was like this already, and nothing was written."""


def locked(conversation_id: int) -> Conversation:
    """Lock a conversation until the transaction ends: before its replies, its jobs and its messages.

    Raises Conversation.DoesNotExist.
    """
    rows = Conversation.objects.select_related("account").select_for_update(of=("self",), no_key=True)
    return rows.get(pk=conversation_id)


# --- read and unread ---


def mark_read(conversation_id: int, *, up_to: int | None = None, now: datetime) -> Change:
    """Everything that came in counts as read; with `up_to` only what has no higher id: the newest that somebody saw."""
    values = {"conversation_id": conversation_id, "up_to": _END_OF_TIME if up_to is None else up_to, "now": now}
    with transaction.atomic():
        unread = locked(conversation_id).unread_count
        (read,) = _run(_MARK_READ, values)
    if not read and not unread:
        return Change("It was read already.", is_new=False)
    return Change("Marked as read.")


def mark_unread(conversation_id: int, *, now: datetime) -> Change:
    """The newest message that came in counts as unread again.

    Raises:
        CannotChange: nothing ever came in, or the conversation is shut: there nothing counts as unread.
    """
    with transaction.atomic():
        row = locked(conversation_id)
        _refuse_shut(row)
        if row.unread_count:
            return Change("It is unread already.", is_new=False)
        if _run(_MARK_UNREAD, {"conversation_id": conversation_id, "now": now}) is None:
            raise CannotChange("They have not written yet, so there is nothing to be unread.")
    return Change("Marked as unread.")


# --- silence, the archive, snoozing, who looks after it ---


def mute(conversation_id: int, *, now: datetime) -> Change:
    """No notices for staff; what arrives still counts as unread, but does not bring it back from the archive."""
    return _set(conversation_id, now=now, done="Muted: no notices.", known="It is muted already.", is_muted=True)


def unmute(conversation_id: int, *, now: datetime) -> Change:
    """Notices again."""
    return _set(conversation_id, now=now, done="Notices again.", known="It is not muted.", is_muted=False)


def archive(conversation_id: int, *, now: datetime) -> Change:
    """Put it away until they write."""
    return _set(
        conversation_id,
        now=now,
        done="Archived. It comes back when they write.",
        known="It is archived already.",
        is_archived=True,
        snoozed_until=None,
    )


def unarchive(conversation_id: int, *, now: datetime) -> Change:
    """Bring it back into the inbox."""
    return _set(
        conversation_id,
        now=now,
        done="Back in the inbox.",
        known="It is not archived.",
        check=_no_spam,
        is_archived=False,
    )


def snooze(conversation_id: int, *, until: datetime, now: datetime) -> Change:
    """Out of the way until a time, or until they write.

    Raises:
        CannotChange: the time is past, or more than a year away.
    """
    if not now < until <= now + LONGEST_SNOOZE:
        raise CannotChange("A conversation is snoozed until a time in the future, at most a year from now.")
    return _set(
        conversation_id, now=now, done="Snoozed.", known="It is snoozed until then already.", snoozed_until=until
    )


def unsnooze(conversation_id: int, *, now: datetime) -> Change:
    """Back at once."""
    return _set(conversation_id, now=now, done="Back in the inbox.", known="It is not snoozed.", snoozed_until=None)


def snooze_presets(*, now: datetime, zone: ZoneInfo) -> list[tuple[str, datetime]]:
    """What people usually want, in their zone. Pure."""
    today = now.astimezone(zone).date()
    tomorrow, monday = today + timedelta(days=1), today + timedelta(days=7 - today.weekday())
    return [
        ("In 1 hour", now + timedelta(hours=1)),
        ("Tomorrow at 9:00", datetime.combine(tomorrow, MORNING, zone)),
        ("Next Monday at 9:00", datetime.combine(monday, MORNING, zone)),
    ]


def assign(conversation_id: int, *, to: User | None, now: datetime) -> Change:
    """Give it to somebody of the staff; None: to nobody.

    Raises:
        CannotChange: they are no active member of the staff.
    """
    if to is None:
        return _set(conversation_id, now=now, done="Assigned to nobody.", known="It was nobody's.", assigned_to_id=None)
    if not User.objects.filter(pk=to.pk, is_active=True, is_staff=True).exists():
        raise CannotChange(f"{to.get_username()} is no active member of the staff.")
    name = to.get_username()
    return _set(
        conversation_id, now=now, done=f"Assigned to {name}.", known=f"It is {name}'s already.", assigned_to_id=to.pk
    )


# --- shut ---


def block(conversation_id: int, *, by: str, now: datetime) -> Change:
    """Nothing goes out to it any more, neither from staff nor by itself: waiting replies are cancelled, queued ones
    stopped. What a member asks the bot for, it still answers: a `stop` must be confirmed.
    """
    return _shut(
        conversation_id,
        by=by,
        reason=BLOCKED,
        done="Blocked.",
        known="It is blocked already.",
        now=now,
        is_blocked=True,
    )


def unblock(conversation_id: int, *, now: datetime) -> Change:
    """Messages may go out again. What was cancelled stays cancelled."""
    return _open(
        conversation_id, done="Messages may go out again.", known="It is not blocked.", now=now, is_blocked=False
    )


def mark_spam(conversation_id: int, *, by: str, now: datetime) -> Change:
    """As blocked, and in the archive for good."""
    changes = {"is_spam": True, "is_archived": True, "snoozed_until": None}
    return _shut(
        conversation_id, by=by, reason=SPAM, done="Marked as spam.", known="It is spam already.", now=now, **changes
    )


def unmark_spam(conversation_id: int, *, now: datetime) -> Change:
    """It was no spam: back in the inbox."""
    changes = {"is_spam": False, "is_archived": False}
    return _open(conversation_id, done="No spam: back in the inbox.", known="It is no spam.", now=now, **changes)


def _shut(
    conversation_id: int, *, by: str, reason: str, done: str, known: str, now: datetime, **changes: Any
) -> Change:
    with transaction.atomic():
        row = locked(conversation_id)
        if not _write(row, {**changes, "unread_count": 0}, now=now):
            return Change(known, is_new=False)
        cancelled = postponed.cancel(postponed.unseen(row.pk), reason=reason, by=by, now=now)
        stopped = outbox.suppress_replies(row.pk, reason=reason)
    told = [done]
    if cancelled:
        told.append(f"Replies that waited and were cancelled: {cancelled}.")
    if stopped:
        told.append(f"Replies in the queue that were stopped: {stopped}.")
    return Change(" ".join(told))


def _open(conversation_id: int, *, done: str, known: str, now: datetime, **changes: Any) -> Change:
    """What came in meanwhile counts as unread now, unless it is still shut in the other way."""
    with transaction.atomic():
        row = locked(conversation_id)
        if not _write(row, changes, now=now):
            return Change(known, is_new=False)
        unread = (
            0 if row.is_shut else Message.objects.filter(conversation=row, is_outgoing=False, is_read=False).count()
        )
        _write(row, {"unread_count": unread}, now=now)
    return Change(done)


def _set(
    conversation_id: int,
    *,
    now: datetime,
    done: str,
    known: str,
    check: Callable[[Conversation], None] | None = None,
    **changes: Any,
) -> Change:
    with transaction.atomic():
        row = locked(conversation_id)
        if check is not None:
            check(row)
        return Change(done) if _write(row, changes, now=now) else Change(known, is_new=False)


def _write(row: Conversation, changes: dict[str, Any], *, now: datetime) -> bool:
    """False when all is like this already."""
    if all(getattr(row, name) == value for name, value in changes.items()):
        return False
    for name, value in changes.items():
        setattr(row, name, value)
    Conversation.objects.filter(pk=row.pk).update(**changes, updated_at=now)
    return True


def _refuse_shut(row: Conversation) -> None:
    if row.is_shut:
        raise CannotChange("It is blocked or spam: nothing counts as unread there.")


def _no_spam(row: Conversation) -> None:
    if row.is_spam:
        raise CannotChange("It is marked as spam: say first that it is none.")


def _run(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
