"""What an error of Discord's means for the message and for the relay."""

import enum
import re
from datetime import timedelta
from typing import Final

import discord

CANNOT_MESSAGE_USER: Final = 50007
NO_MUTUAL_GUILDS: Final = 50278
OPENING_TOO_FAST: Final = 40003
FLAGGED_AS_SPAM: Final = 20026
UNKNOWN_CHANNEL: Final = 10003
_QUARANTINE: Final = re.compile(r"quarantine|anti-spam", re.IGNORECASE)


class Verdict(enum.Enum):
    """What Discord said, as far as it matters here."""

    UNREACHABLE = "the member can't be written to"
    CHANNEL_GONE = "the private channel is gone"
    BARRED = "Discord wants no new private channels now"
    RATE_LIMITED = "rate limited"
    TOKEN_REFUSED = "the token is not valid"
    UNCERTAIN = "it may have arrived"
    REFUSED = "refused for good"


def verdict_of(error: discord.HTTPException) -> Verdict:
    """Which of them an error answer is.

    Bots under suspicion of spam get code 20026, whose text is what the tracker quotes (Dragory/modmailbot#490,
    tmercswims/tmerc-cogs#111: no messages "to users it has not messaged before").
    """
    if error.code in {CANNOT_MESSAGE_USER, NO_MUTUAL_GUILDS}:
        return Verdict.UNREACHABLE
    if error.code == UNKNOWN_CHANNEL:
        return Verdict.CHANNEL_GONE
    if error.code in {OPENING_TOO_FAST, FLAGGED_AS_SPAM} or (error.status == 403 and _QUARANTINE.search(error.text)):
        return Verdict.BARRED
    if error.status == 429:
        return Verdict.RATE_LIMITED
    if error.status == 401:
        return Verdict.TOKEN_REFUSED
    return Verdict.UNCERTAIN if error.status >= 500 else Verdict.REFUSED


def retry_after(error: discord.HTTPException) -> timedelta:
    """How long Discord wants us to wait; a minute when it does not say."""
    try:
        return timedelta(seconds=float(error.response.headers.get("Retry-After", 60)))
    except ValueError:
        return timedelta(minutes=1)
