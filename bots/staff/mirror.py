"""A member's private messages in their thread, both ways. Called in the transaction that records the message."""

from datetime import datetime
from typing import Final

from discord.utils import escape_markdown
from django.db.models import Q

from bots import conf
from bots.models import StaffPost
from bots.staff import posts
from bots.staff.posts import Post
from socialmedia.models import Message

_TAKEN_BACK: Final = "🗑️ The member took a message back."


def received(message: Message) -> None:
    """Show staff what the member wrote, if the community wants that. Of a muted or shut conversation they get no
    notice: the console has it.
    """
    if is_wanted() and not (message.conversation.is_muted or message.conversation.is_shut):
        _show(message, f"💬 {message.message_text}")


def sent(message: Message) -> None:
    """Show staff what the member got, and which of them wrote it, if the community wants that."""
    by = message.metadata.get("staff")
    who = f"**{escape_markdown(by)}** (staff)" if by else "**Checkback**"
    _show(message, f"↩️ {who}: {message.message_text}")


def edited(message: Message) -> None:
    """Show staff that the member has changed what they wrote."""
    moment = message.edited_at.isoformat() if message.edited_at else ""
    _show(message, f"✏️ changed to: {message.message_text}", key=f"message:{message.pk}:edit:{moment}")


def not_sent(message: Message, *, reason: str) -> None:
    """Tell staff that an answer of theirs did not arrive, whether or not they see private messages in Discord."""
    if "staff" in message.metadata and conf.current().staff_channel is not None:
        text = f"⚠️ This answer did not arrive ({reason}):\n{message.message_text}"
        post = Post(f"message:{message.pk}:not sent", text, message.conversation_id)
        posts.queue([post], account_id=message.conversation.account_id)


def taken_back(message: Message, *, now: datetime) -> None:
    """Show staff no more of what the member took back, neither here nor in Discord."""
    about = Q(key=f"message:{message.pk}") | Q(key__startswith=f"message:{message.pk}:")
    if posts.withdraw(StaffPost.objects.filter(about), now=now):
        _show(message, _TAKEN_BACK, key=f"message:{message.pk}:taken back")


def is_wanted() -> bool:
    """Whether staff see private messages in Discord."""
    settings = conf.current()
    return settings.staff_channel is not None and settings.staff_threads


def _show(message: Message, text: str, *, key: str = "") -> None:
    if is_wanted():
        post = Post(key or f"message:{message.pk}", text, message.conversation_id)
        posts.queue([post], account_id=message.conversation.account_id)
