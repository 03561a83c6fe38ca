"""Staff's work on conversations: what they do with them, note, and answer."""
