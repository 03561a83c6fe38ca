"""A member's private messages in their thread, both ways. Called in the transaction that records the message."""

from bots import conf
from bots.staff import posts
from bots.staff.posts import Post
from socialmedia.models import Message


def received(message: Message) -> None:
    """Show staff what the member wrote, if the community wants that."""
    _show(message, f"💬 {message.message_text}")


def sent(message: Message) -> None:
    """Show staff what the member got, and which of them wrote it, if the community wants that."""
    by = message.metadata.get("staff")
    who = f"**{by}** (staff)" if by else "**Checkback**"
    _show(message, f"↩️ {who}: {message.message_text}")


def is_wanted() -> bool:
    """Whether staff see private messages in Discord."""
    settings = conf.current()
    return settings.staff_channel is not None and settings.staff_threads


def _show(message: Message, text: str) -> None:
    if not is_wanted():
        return
    posts.queue(
        [Post(f"message:{message.pk}", text, message.conversation_id)], account_id=message.conversation.account_id
    )
