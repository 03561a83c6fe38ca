"""The console's pages of what is on the networks, one module per subject."""

from socialmedia.admin import (
    accounts,
    actions,
    alerts,
    channels,
    comments,
    hashtags,
    inbox,
    messages,
    posts,
    providers,
    searches,
    settings,
)

__all__ = [
    "accounts",
    "actions",
    "alerts",
    "channels",
    "comments",
    "hashtags",
    "inbox",
    "messages",
    "posts",
    "providers",
    "searches",
    "settings",
]
