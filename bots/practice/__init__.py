"""A stand-in for Discord on this machine: its REST API, its gateway, a chat page, and faults on demand."""

PRACTICE_TOKEN = "practice"
"""The only bot token that a practice server accepts unless told otherwise."""
