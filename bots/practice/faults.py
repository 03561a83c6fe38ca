"""Faults on demand: what Discord and the network do wrong, each made to happen to chosen requests."""

import asyncio
import enum
import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

GATEWAY = "GATEWAY"
"""The method of gateway faults. Their path is the moment: CONNECT, IDENTIFY, RESUME, or an event: MESSAGE_CREATE."""


class Kind(enum.StrEnum):
    REFUSED = "refused"
    """An error answer; nothing was accepted."""
    RATE_LIMITED = "rate_limited"
    GLOBAL_RATE_LIMITED = "global_rate_limited"
    CLOUDFLARE_BANNED = "cloudflare_banned"
    """A 429 without `Via` and without JSON."""
    DROPPED = "dropped"
    """The connection is reset before anything was accepted."""
    BAD_GATEWAY_AFTER = "bad_gateway_after"
    """The request is carried out, the answer is a 502."""
    ANSWER_LOST = "answer_lost"
    """The request is carried out, the connection closes without an answer."""
    HELD_BEFORE = "held_before"
    """The request waits for `release` and is carried out then."""
    HELD_AFTER = "held_after"
    """The request is carried out, the answer waits for `release`."""
    SLOW = "slow"
    """The request is carried out, the answer comes after `delay` seconds, or at `release`."""
    RECONNECT = "reconnect"
    """Opcode 7."""
    INVALID_SESSION = "invalid_session"
    """Opcode 9."""
    CLOSED = "closed"
    """The gateway closes with `code`."""
    TWICE = "twice"
    """The event is sent twice."""
    WITHHELD = "withheld"
    """The event and all after it are not sent on this connection. A resumed session gets them."""


@dataclass
class Fault:
    """One fault. It strikes requests of `method` whose path (without /api/v10) matches the pattern `path`.

    `times` None means every time. `user_id` narrows it to requests that concern this user: the recipient of the
    private channel in the path or body. `struck` is set when it strikes; set `release` to let a held request go on.
    """

    kind: Kind
    method: str = "POST"
    path: str = "/channels/*/messages"
    times: int | None = 1
    user_id: int | None = None
    status: int = 403
    code: int = 0
    message: str = ""
    retry_after: float = 0.05
    delay: float = 1.0
    resumable: bool = False
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    def matches(self, method: str, path: str, user_id: int | None) -> bool:
        if self.times is not None and self.count >= self.times:
            return False
        return (
            self.method in (method, "*")
            and fnmatch.fnmatchcase(path, self.path)
            and (self.user_id is None or self.user_id == user_id)
        )


class Faults:
    """The faults that a practice server is to make, the first added first."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._pending.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault and let held requests go on."""
        for fault in self._pending:
            fault.release.set()
        self._pending.clear()

    def remove(self, fault: Fault) -> None:
        fault.release.set()
        self._pending.remove(fault)

    def strike(self, method: str, path: str, user_id: int | None = None) -> Fault | None:
        """Return the fault of this request, and count it."""
        for fault in self._pending:
            if fault.matches(method, path, user_id):
                fault.count += 1
                fault.struck.set()
                return fault
        return None


def cannot_dm(user_id: int, *, times: int | None = None) -> Fault:
    """50007: the user blocked the bot, closed their messages, or shares no community with it."""
    text = "Cannot send messages to this user"
    return Fault(Kind.REFUSED, user_id=user_id, times=times, status=403, code=50007, message=text)


def opening_dms_too_fast(*, times: int | None = 1) -> Fault:
    """40003, on opening a private channel."""
    text = "You are opening direct messages too fast"
    return Fault(Kind.REFUSED, path="/users/@me/channels", times=times, status=403, code=40003, message=text)


def quarantined(*, times: int | None = None) -> Fault:
    """20026, on opening a private channel: Discord has flagged the bot as a spammer, until somebody appeals.

    Code and words are as bots' owners have reported them (discord/discord-api-docs#2669); the status is a guess.
    """
    text = (
        "Your bot has been flagged by our anti-spam system for abusive behavior. Please reach out to our team by going"
        " to https://dis.gd/report and appeal this action taken on your bot."
    )
    return Fault(Kind.REFUSED, path="/users/@me/channels", times=times, status=403, code=20026, message=text)


def blocked_by_automod(user_id: int | None = None, *, times: int | None = 1) -> Fault:
    """200000: a rule of the community does not like the text."""
    text = "Message was blocked by automatic moderation"
    return Fault(Kind.REFUSED, user_id=user_id, times=times, status=400, code=200000, message=text)


def unavailable(status: int = 503, **where: Any) -> Fault:
    """A 5xx before anything was accepted. discord.py itself tries again, after seconds, at 500, 502, 504 and 524."""
    return Fault(Kind.REFUSED, status=status, message=f"{status}: Service Unavailable", **where)


def rate_limited(*, retry_after: float = 0.05, globally: bool = False, **where: Any) -> Fault:
    """A 429 as Discord sends it; `where` is any of a fault's fields."""
    kind = Kind.GLOBAL_RATE_LIMITED if globally else Kind.RATE_LIMITED
    return Fault(kind, retry_after=retry_after, **where)


def gateway_closes(code: int, *, moment: str = "IDENTIFY", times: int | None = None) -> Fault:
    """A close code at a moment of the gateway: 4004 (token refused), 4014 (intents not allowed)."""
    return Fault(Kind.CLOSED, method=GATEWAY, path=moment, code=code, times=times)


BY_NAME: dict[str, Callable[[int], Fault]] = {
    "cannot-dm": lambda times: Fault(
        Kind.REFUSED, times=times, status=403, code=50007, message="Cannot send messages to this user"
    ),
    "opening-too-fast": lambda times: opening_dms_too_fast(times=times),
    "quarantined": lambda times: quarantined(times=times),
    "automod": lambda times: blocked_by_automod(times=times),
    "rate-limited": lambda times: rate_limited(retry_after=1.0, times=times),
    "rate-limited-globally": lambda times: rate_limited(retry_after=1.0, globally=True, times=times),
    "cloudflare-banned": lambda times: Fault(Kind.CLOUDFLARE_BANNED, times=times),
    "unavailable": lambda times: unavailable(times=times),
    "dropped": lambda times: Fault(Kind.DROPPED, times=times),
    "answer-lost": lambda times: Fault(Kind.ANSWER_LOST, times=times),
    "bad-gateway-after": lambda times: Fault(Kind.BAD_GATEWAY_AFTER, times=times),
    "slow": lambda times: Fault(Kind.SLOW, delay=5.0, times=times),
    "event-twice": lambda times: Fault(Kind.TWICE, method=GATEWAY, path="MESSAGE_CREATE", times=times),
}
"""What the command line can ask for: the next so many messages (or openings of private channels) go wrong."""


def by_name(text: str) -> Fault:
    """Return the fault of a name with an optional count: "dropped", "rate-limited:5". Raises ValueError."""
    name, _colon, count = text.partition(":")
    if name not in BY_NAME:
        raise ValueError(f"There is no fault {name!r}. Choose one of: {', '.join(BY_NAME)}.")
    if count and (not count.isdecimal() or int(count) < 1):
        raise ValueError(f"{text!r} needs a whole number of times after the colon, as in {name}:3.")
    return BY_NAME[name](int(count or 1))
