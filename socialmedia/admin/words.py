"""How the console's pages say what a message is."""

from django.utils.safestring import SafeString

from jobs import console
from socialmedia.models import Message, MessageStatus

COLORS = {
    MessageStatus.QUEUED: "info",
    MessageStatus.SENDING: "primary",
    MessageStatus.SENT: "success",
    MessageStatus.DELIVERED: "success",
    MessageStatus.READ: "success",
    MessageStatus.FAILED: "danger",
    MessageStatus.UNKNOWN: "warning",
    MessageStatus.SUPPRESSED: "",
}


def delivery_pill(message: Message) -> SafeString:
    """Render where a message is."""
    if not message.is_outgoing:
        return console.pill("Received")
    state = MessageStatus(message.status)
    return console.pill(str(state.label), COLORS[state])


def direction(message: Message) -> str:
    """Say who wrote it, in words."""
    if not message.is_outgoing:
        return "From them"
    return "From us, automatic" if message.is_automated else "From us"


def shortened(text: str, length: int = 80) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
