"""One module per aggregate."""

from socialmedia.models.accounts import Account, Platform
from socialmedia.models.actions import ActionType, AutomationAction
from socialmedia.models.activity import Channel, ChannelActivity, ChatImport
from socialmedia.models.inbox import Conversation, Message, MessageStatus, MessageType
from socialmedia.models.listening import ListeningGap
from socialmedia.models.templates import MessageTemplate, TemplateCategory, TemplateStatus

__all__ = [
    "Account",
    "ActionType",
    "AutomationAction",
    "Channel",
    "ChannelActivity",
    "ChatImport",
    "Conversation",
    "ListeningGap",
    "Message",
    "MessageStatus",
    "MessageTemplate",
    "MessageType",
    "Platform",
    "TemplateCategory",
    "TemplateStatus",
]
