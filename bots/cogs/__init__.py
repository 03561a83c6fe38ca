"""The bot's commands."""
