"""What the TikTok provider means by an answer: as a rule it says no with HTTP 200, and the gateway before it by status.
Pure.
"""

import json
import re
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from socialmedia.providers import fields
from socialmedia.providers.base import Gone, ProviderError, Refused, TooMany, Unreachable

ONE_SECOND: Final = timedelta(seconds=1.1)
"""What the free tier wants between two requests, and a little more."""
PAUSE: Final = timedelta(minutes=1)
"""After a 429 that does not say for how long."""
_DAY: Final = timedelta(days=1)
_LONGEST_WORDS: Final = 200

# What `msg` says when `code` is not 0 (ORIGINS 6.1); the gateway's `message` has the same words.
_PER_SECOND: Final = re.compile(r"(?:/|\bper|\ba)\s*sec", re.IGNORECASE)
_PER_DAY: Final = re.compile(r"(?:/|\bper|\ba)\s*(?:day|month)|\b(?:daily|monthly)\b", re.IGNORECASE)
_NOT_THERE: Final = re.compile(r"url pars", re.IGNORECASE)


def data(body: bytes, *, secret: str, now: datetime) -> Any:
    """The `data` of an answer with HTTP 200. Raises the ProviderError that it means when it holds none."""
    envelope = _json(body)
    if not isinstance(envelope, dict) or "code" not in envelope:
        raise Unreachable("The provider's answer is not what it promises to send.")
    if str(envelope["code"]) != "0":
        raise _told(_words(envelope.get("msg"), secret), now)
    if not envelope.get("data"):
        raise Unreachable("The provider says that all is well, and sends nothing.")
    return envelope["data"]


def status_error(status: int, body: bytes, *, retry_after: str, secret: str, now: datetime) -> ProviderError:
    """What an answer with another status means. `retry_after` is the header, `secret` what no message may hold."""
    words = _gateways_words(body, secret)
    status_and_words = f"HTTP {status}{words and f': {words}'}"
    if status in {401, 403}:
        hint = "Look at RAPIDAPI_KEY and at the subscription."
        return Refused(f"The provider does not serve us ({status_and_words}). {hint}")
    if status != 429:
        return Unreachable(f"The provider did not answer ({status_and_words}).")
    if _PER_DAY.search(words):
        return _day_is_over(words, now)
    default = ONE_SECOND if _PER_SECOND.search(words) else PAUSE
    pause = _pause(retry_after, now=now) or default
    return TooMany(f"The provider wants fewer requests ({status_and_words}).", retry_after=pause)


def _told(words: str, now: datetime) -> ProviderError:
    if _PER_SECOND.search(words):
        return TooMany("The provider wants fewer requests a second.", retry_after=ONE_SECOND)
    if _PER_DAY.search(words):
        return _day_is_over(words, now)
    if _NOT_THERE.search(words):
        return Gone("The provider says that it is not there: deleted, private, or never was.")
    return Unreachable(f"The provider says no: {words or 'it gives no reason'}.")


def _day_is_over(words: str, now: datetime) -> TooMany:
    tomorrow = datetime.combine(now.astimezone(UTC).date() + _DAY, time(), UTC)
    return TooMany(f"The provider's own budget for us is spent: {words}.", retry_after=tomorrow - now)


def _pause(header: str, *, now: datetime) -> timedelta | None:
    """From seconds or a date; never less than a second, nor more than a day. None: it says nothing."""
    if header.strip().isdecimal():
        pause = timedelta(seconds=int(header.strip()[:9]))
    else:
        try:
            pause = parsedate_to_datetime(header) - now
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(pause, timedelta(seconds=1)), _DAY)


def _gateways_words(body: bytes, secret: str) -> str:
    try:
        said = _json(body)
    except Unreachable:
        return ""
    return _words(said.get("message"), secret) if isinstance(said, dict) else ""


def _words(said: Any, secret: str) -> str:
    """The other side's words, as they may stand in a sentence and in a row: short, and without our key."""
    words = str(fields.storable(fields.text(said)))
    return " ".join((words.replace(secret, "…") if secret else words).split())[:_LONGEST_WORDS].rstrip(" .")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreachable("The provider's answer is not the promised JSON.") from None
