"""The console's pages of what is on the networks, one module per subject."""

from socialmedia.admin import accounts, actions, channels, discoveries, inbox, messages, posts, settings

__all__ = ["accounts", "actions", "channels", "discoveries", "inbox", "messages", "posts", "settings"]
