"""What a reply of staff may say, and to whom it may go: one rule for the console and for staff's threads in Discord."""

from typing import Final

from django.contrib.auth.models import User

from socialmedia import placeholders
from socialmedia.models import Account, Conversation, Message, Platform

LONGEST: Final = 4000
_LONGEST_VALUE: Final = 60
PLACEHOLDERS: Final = {
    "name": "what to call them",
    "username": "their handle",
    "account": "our account's name",
    "staff": "who of the staff writes",
}


class CannotReply(ValueError):
    """This reply does not go; the message is a sentence for staff. Nothing has changed."""


def clean(text: str) -> str:
    """Return the words without what nobody sees. Browsers end a line with two characters."""
    return text.replace("\x00", "").replace("\r\n", "\n").strip()


def check_words(text: str) -> str:
    """Return the clean words. Raises CannotReply when none are left, or too many."""
    words = clean(text)
    if not 0 < len(words) <= LONGEST:
        raise CannotReply(f"An answer has 1 to {LONGEST:,} characters.")
    return words


def check_template(text: str) -> str:
    """Return the words of a reply whose placeholders are known. Raises CannotReply."""
    words = check_words(text)
    try:
        placeholders.check(words, known=PLACEHOLDERS)
    except placeholders.BadPlaceholder as error:
        raise CannotReply(str(error)) from None
    return words


def check_open(conversation: Conversation) -> None:
    """Raise CannotReply for a conversation that is blocked or spam, or whose account of ours is out of use: what is
    queued there would go when the account comes back, whenever that is.
    """
    if conversation.is_blocked:
        raise CannotReply("This conversation is blocked, so nothing is sent. Unblock it first.")
    if conversation.is_spam:
        raise CannotReply("This conversation is marked as spam, so nothing is sent. Say first that it is none.")
    if not conversation.account.is_active:
        raise CannotReply("Our account of this conversation is out of use, so nothing is sent in its name.")


def has_written(conversation: Conversation) -> bool:
    """Whether the other side ever wrote: without that a message would be no answer."""
    return Message.objects.filter(conversation=conversation, is_outgoing=False).exists()


def render(text: str, conversation: Conversation, *, by: str) -> str:
    """Put in what is known now about the other side, our account, and `by`, who writes.

    Raises:
        CannotReply: a placeholder is not known or has no value here, or what comes out is too long.
    """
    words = check_template(text)
    values = _values(conversation, placeholders.used(words), by=by)
    if missing := sorted(name for name in placeholders.required(words) if not values.get(name)):
        what = " and ".join(f"{{{name}}}" for name in missing)
        raise CannotReply(f"Nothing is known here for {what}: write the words yourself, or put them into [[ ]].")
    return check_words(placeholders.render(words, values))


def full_name(user: User) -> str:
    """What members are told a member of the staff is called."""
    return user.get_full_name() or user.get_username()


def _values(conversation: Conversation, wanted: set[str], *, by: str) -> dict[str, str]:
    account = conversation.account
    handle = _handle(conversation) if wanted & {"name", "username"} else ""
    values = {
        "name": conversation.participant_display_name or handle,
        "username": handle,
        "account": account.display_name or account.username,
        "staff": by,
    }
    return {name: " ".join(value.split())[:_LONGEST_VALUE] for name, value in values.items()}


def _handle(conversation: Conversation) -> str:
    """On Discord the conversation knows their id only."""
    if conversation.platform != Platform.DISCORD:
        return conversation.participant_username
    known = Account.objects.filter(platform=conversation.platform, external_id=conversation.participant_id)
    return known.values_list("username", flat=True).first() or ""
