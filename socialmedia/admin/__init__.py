"""The console's pages of what is on the networks, one module per subject."""

from socialmedia.admin import accounts, actions, alerts, channels, discoveries, inbox, posts, settings

__all__ = ["accounts", "actions", "alerts", "channels", "discoveries", "inbox", "posts", "settings"]
