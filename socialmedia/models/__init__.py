"""One module per aggregate."""

from socialmedia.models.accounts import Account, Platform
from socialmedia.models.activity import Channel, ChannelActivity, ChatImport
from socialmedia.models.inbox import Conversation, Message, MessageStatus, MessageType

__all__ = [
    "Account",
    "Channel",
    "ChannelActivity",
    "ChatImport",
    "Conversation",
    "Message",
    "MessageStatus",
    "MessageType",
    "Platform",
]
