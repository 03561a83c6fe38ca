"""What the buttons on the page of a conversation do. Each returns what to tell whoever pressed it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict

from socialmedia import conf, templates
from socialmedia.actions import LimitReached
from socialmedia.admin.thread_forms import ChangeForm, ReplyForm, WriteDownForm
from socialmedia.desk import by_hand, canned, notes, replies, reply_texts, threads, written_down
from socialmedia.desk.replies import Written
from socialmedia.models import Conversation, ReplyStatus, StaffReply
from socialmedia.rules import BrokenSetting

REFUSALS: Final = (
    threads.CannotChange,
    reply_texts.CannotReply,
    notes.BadNote,
    written_down.BadEntry,
    templates.BadTemplate,
    templates.WrongState,
    LimitReached,
    BrokenSetting,
)


class BadInput(ValueError):
    """The form cannot be read; the message is a sentence for whoever sent it."""


@dataclass(frozen=True)
class Press:
    """A button that was pressed."""

    conversation: Conversation
    by: User
    data: QueryDict
    now: datetime

    @property
    def name(self) -> str:
        """Who presses, for the logs."""
        return str(self.by.get_username())


@dataclass(frozen=True)
class Told:
    """What to tell, and whether it belongs into the conversation's history."""

    sentence: str
    is_history: bool = False
    good: bool = True


Act = Callable[[Press], Told]


# --- the reply box ---


def _written(press: Press) -> tuple[Written, dict[str, Any]]:
    try:
        cleaned = _clean(ReplyForm(press.data))
    except BadInput as error:
        words = press.data.get("text", "")
        if not words.strip():
            raise
        replies.save_draft(Written(press.conversation.pk, words, press.by), now=press.now)
        raise BadInput(f"{error} Your words are kept as a draft.") from None
    written = Written(press.conversation.pk, cleaned["text"], press.by, key=cleaned["key"], seen=cleaned["seen"])
    return written, cleaned


def _send(press: Press) -> Told:
    written, _ = _written(press)
    reply = _or_draft(written, lambda: replies.send(written, now=press.now), press)
    threads.mark_read(press.conversation.pk, up_to=written.seen, now=press.now)
    if reply.status == ReplyStatus.SENT:
        return Told("It is on its way.")
    if reply.status != ReplyStatus.READY:  # a second click, after something else became of the first
        return Told(f"This reply is known already: {reply.get_status_display().lower()}.", good=False)
    by_hand.show(reply.pk, by=press.name, now=press.now)
    return Told("Ready: copy the words below, send them on the network, and say so here.")


def _send_later(press: Press) -> Told:
    written, cleaned = _written(press)
    if cleaned["send_at"] is None:
        replies.save_draft(written, now=press.now)
        raise BadInput("Say when it is to be sent. Your words are kept as a draft.")
    _or_draft(
        written,
        lambda: replies.send_later(
            written, send_at=cleaned["send_at"], cancel_on_answer=cleaned["cancel_on_answer"], now=press.now
        ),
        press,
    )
    return Told(f"It is sent at {cleaned['send_at']:%Y-%m-%d %H:%M %Z}.")


def _draft(press: Press) -> Told:
    written, _ = _written(press)
    draft = replies.save_draft(written, now=press.now)
    return Told("Your draft is kept." if draft else "There is no draft now.")


def _insert(press: Press) -> Told:
    written, cleaned = _written(press)
    template = canned.find(cleaned["template"] or 0, press.conversation)
    if template is None:
        raise BadInput("Choose a canned reply first.")
    words = "\n".join(filter(None, [written.text.strip(), template.template_text]))
    replies.save_draft(Written(press.conversation.pk, words, press.by, template_id=template.pk), now=press.now)
    return Told(f"{template.name} was put into your draft. Nothing was sent.")


def _keep_canned(press: Press) -> Told:
    if not press.by.has_perm("socialmedia.add_messagetemplate"):
        raise BadInput("You may not add canned replies.")
    written, _ = _written(press)
    replies.save_draft(written, now=press.now)
    made = canned.add(name=press.data.get("canned_name", "")[:100], text=written.text, by=press.name, now=press.now)
    return Told(f"{made.name} is a canned reply now.")


def _or_draft(written: Written, act: Callable[[], StaffReply], press: Press) -> StaffReply:
    """Keep the words of a reply that is refused: nobody likes to write them twice."""
    try:
        return act()
    except reply_texts.CannotReply:
        replies.save_draft(written, now=press.now)
        raise


# --- replies that wait ---


def _change(press: Press) -> Told:
    cleaned = _clean(ChangeForm(press.data))
    if cleaned["send_at"] is None:
        raise BadInput("Say when it is to be sent.")
    _own_reply(press)
    done = replies.change(cleaned["reply"], text=cleaned["text"], send_at=cleaned["send_at"], now=press.now)
    return (
        Told("Changed a reply that waits.", is_history=True)
        if done
        else Told("It does not wait any more, so it was not changed.", good=False)
    )


def _cancel(press: Press) -> Told:
    done = replies.cancel(_own_reply(press), by=press.name, now=press.now)
    return Told("Cancelled.", is_history=True) if done else Told("It does not wait any more.", good=False)


def _show(press: Press) -> Told:
    by_hand.show(_own_reply(press), by=press.name, now=press.now)
    return Told("Copy the words below, send them on the network, and say so here.")


def _sent(press: Press) -> Told:
    done = by_hand.mark_sent(_own_reply(press), by=press.name, now=press.now)
    return Told("Noted: it is sent.", is_history=True) if done else Told("That is known already.", good=False)


def _not_sent(press: Press) -> Told:
    reason = press.data.get("reason", "")
    done = by_hand.mark_not_sent(_own_reply(press), reason=reason, by=press.name, now=press.now)
    return Told("Noted: it was not sent.", is_history=True) if done else Told("That is known already.", good=False)


def _own_reply(press: Press) -> int:
    """The reply that the button is about: one of this conversation."""
    text = press.data.get("reply", "")
    known = StaffReply.objects.filter(conversation=press.conversation)
    if not _is_number(text) or not known.filter(pk=int(text)).exists():
        raise BadInput("This reply is not known any more.")
    return int(text)


# --- what is kept beside the chat ---


def _add_note(press: Press) -> Told:
    notes.add(press.conversation.pk, text=press.data.get("note", ""), by=press.by, now=press.now)
    return Told("Noted. Only staff see it.")


def _remove_note(press: Press) -> Told:
    text = press.data.get("note_id", "")
    done = _is_number(text) and notes.remove(int(text), by=press.by)
    return Told("Deleted.") if done else Told("Only whoever wrote a note may delete it.", good=False)


def _write_down(press: Press) -> Told:
    cleaned = _clean(WriteDownForm(press.data))
    kept = written_down.write_down(
        press.conversation.pk,
        text=cleaned["text"],
        sent_at=cleaned["sent_at"] or press.now,
        by=press.name,
        key=cleaned["key"],
        now=press.now,
    )
    return Told("Written down." if kept else "That is written down already.")


# --- states ---


def _read(press: Press) -> Told:
    seen = press.data.get("seen", "")
    up_to = int(seen) if _is_number(seen) else None
    return Told(threads.mark_read(press.conversation.pk, up_to=up_to, now=press.now).sentence)


def _snooze(press: Press) -> Told:
    presets = dict(threads.snooze_presets(now=press.now, zone=ZoneInfo(conf.default_zone())))
    until = presets.get(press.data.get("preset", ""))
    if until is None:
        try:
            until = forms.DateTimeField().clean(press.data.get("until", ""))
        except forms.ValidationError:
            raise BadInput("Say until when it is snoozed.") from None
    return _changed(threads.snooze(press.conversation.pk, until=until, now=press.now))


def _assign(press: Press) -> Told:
    chosen = press.data.get("staff", "")
    to = User.objects.filter(pk=int(chosen)).first() if _is_number(chosen) else None
    if chosen and to is None:
        raise BadInput("This person is not known any more.")
    return _changed(threads.assign(press.conversation.pk, to=to, now=press.now))


def _take(press: Press) -> Told:
    return _changed(threads.assign(press.conversation.pk, to=press.by, now=press.now))


def _state(change: Callable[..., threads.Change]) -> Act:
    def act(press: Press) -> Told:
        return _changed(change(press.conversation.pk, now=press.now))

    return act


def _changed(change: threads.Change) -> Told:
    return Told(change.sentence, is_history=change.is_new)


def _is_number(text: str) -> bool:
    """Whether it could be a row's id."""
    return text.isascii() and text.isdigit() and len(text) < 19


def _clean(form: forms.Form) -> dict[str, Any]:
    """Return what was filled in. Raises BadInput with the first field's complaint."""
    if form.is_valid():
        return form.cleaned_data
    field, errors = next(iter(form.errors.items()))
    raise BadInput(f"{field.replace('_', ' ').capitalize()}: {errors[0]}")


ACTS: Final[dict[str, Act]] = {
    "send": _send,
    "send_later": _send_later,
    "draft": _draft,
    "insert": _insert,
    "keep_canned": _keep_canned,
    "change": _change,
    "cancel": _cancel,
    "show": _show,
    "sent": _sent,
    "not_sent": _not_sent,
    "add_note": _add_note,
    "remove_note": _remove_note,
    "write_down": _write_down,
    "read": _read,
    "unread": _state(threads.mark_unread),
    "mute": _state(threads.mute),
    "unmute": _state(threads.unmute),
    "archive": _state(threads.archive),
    "unarchive": _state(threads.unarchive),
    "unsnooze": _state(threads.unsnooze),
    "unblock": _state(threads.unblock),
    "unspam": _state(threads.unmark_spam),
    "snooze": _snooze,
    "assign": _assign,
    "take": _take,
}
