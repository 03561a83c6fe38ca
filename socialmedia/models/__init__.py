"""One module per aggregate."""

from socialmedia.models.account_days import AccountSnapshot, AnalyticsFetch, FetchStatus, FetchType
from socialmedia.models.accounts import Account, Platform
from socialmedia.models.actions import ActionType, AutomationAction
from socialmedia.models.activity import Channel, ChannelActivity, ChatImport
from socialmedia.models.comments import Comment, Sentiment
from socialmedia.models.hashtags import Hashtag, HashtagDay, Mention, PostHashtag
from socialmedia.models.imports import ImportedRow
from socialmedia.models.inbox import Conversation, Message, MessageStatus, MessageType
from socialmedia.models.listening import ListeningGap
from socialmedia.models.posts import (
    CheckBase,
    MediaType,
    Post,
    PostAlert,
    PostSnapshot,
    SnapshotOutcome,
    TrackingState,
)
from socialmedia.models.providers import ApiUsage, ProviderBudget
from socialmedia.models.replies import ConversationNote, ReplyStatus, StaffReply
from socialmedia.models.rules import SystemSetting
from socialmedia.models.searches import SearchKind, SearchResult, SearchRun, SearchStatus
from socialmedia.models.templates import MessageTemplate, TemplateCategory, TemplateStatus
from socialmedia.models.views import ConversationSummary, DailyActionCount, HourlyActionCount, PendingCheckback

__all__ = [
    "Account",
    "AccountSnapshot",
    "ActionType",
    "AnalyticsFetch",
    "ApiUsage",
    "AutomationAction",
    "Channel",
    "ChannelActivity",
    "ChatImport",
    "CheckBase",
    "Comment",
    "Conversation",
    "ConversationNote",
    "ConversationSummary",
    "DailyActionCount",
    "FetchStatus",
    "FetchType",
    "Hashtag",
    "HashtagDay",
    "HourlyActionCount",
    "ImportedRow",
    "ListeningGap",
    "MediaType",
    "Mention",
    "Message",
    "MessageStatus",
    "MessageTemplate",
    "MessageType",
    "PendingCheckback",
    "Platform",
    "Post",
    "PostAlert",
    "PostHashtag",
    "PostSnapshot",
    "ProviderBudget",
    "ReplyStatus",
    "SearchKind",
    "SearchResult",
    "SearchRun",
    "SearchStatus",
    "Sentiment",
    "SnapshotOutcome",
    "StaffReply",
    "SystemSetting",
    "TemplateCategory",
    "TemplateStatus",
    "TrackingState",
]
