"""Management commands of the bot."""
