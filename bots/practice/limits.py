"""Rate limits: the headers of every answer, and the 429s when a limit is exceeded."""

import hashlib
import time
from collections import deque
from dataclasses import dataclass, field

INVALID_SECONDS = 600
MOST_WINDOWS = 10_000
"""So many channels' limits are kept before those that have ended are thrown away."""


@dataclass
class _Window:
    ends: float
    used: int = 0


@dataclass
class Limits:
    """`default` requests a second for each route and channel, unless `routes` says otherwise.

    `globally` (50 at Discord, off unless set) is how many authorized requests may come in any second, over all routes;
    those of interactions do not count. `busiest` is the most that came. `refused` counts all 429s. After
    `invalid_allowed` (10,000 at Discord, off unless set) answers of 401, 403 or 429 in ten minutes comes the ban.

    Keys of `routes` are a method and a path as they stand in `rest.py`, values a number and its seconds:
    `limits.routes["POST /channels/{channel_id}/messages"] = (5, 5.0)`.
    """

    default: tuple[int, float] = (50, 1.0)
    routes: dict[str, tuple[int, float]] = field(default_factory=dict)
    globally: int | None = None
    invalid_allowed: int | None = None
    refused: int = 0
    busiest: int = 0
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)
    _invalid: deque[float] = field(default_factory=deque)

    def take_global(self) -> float | None:
        """Count a request towards the global limit; return the seconds to wait when it is exceeded."""
        now = _forget(self._recent, 1)
        if self.globally is not None and len(self._recent) >= self.globally:
            return self._recent[0] + 1 - now
        self._recent.append(now)
        self.busiest = max(self.busiest, len(self._recent))
        return None

    @property
    def is_banned(self) -> bool:
        """Whether so many requests were invalid that Cloudflare bars this address for a time."""
        if self.invalid_allowed is None:
            return False
        _forget(self._invalid, INVALID_SECONDS)
        return len(self._invalid) >= self.invalid_allowed

    def note(self, status: int, scope: str | None) -> None:
        """Count an answer: the 429s, and what is invalid. A 429 of a limit shared with others is not."""
        self.refused += status == 429
        if status in (401, 403, 429) and scope != "shared":
            self._invalid.append(time.monotonic())

    def forgive(self) -> None:
        """Lift the ban."""
        self._invalid.clear()

    def take(self, route: str, major: str) -> tuple[dict[str, str], float | None]:
        """Count a request of a route; return the answer's headers, and the seconds to wait when it is exceeded."""
        limit, seconds = self.routes.get(route, self.default)
        now = time.monotonic()
        window = self._windows.get((route, major))
        if window is None or window.ends <= now:
            if len(self._windows) >= MOST_WINDOWS:
                self._windows = {key: each for key, each in self._windows.items() if each.ends > now}
            window = self._windows[route, major] = _Window(now + seconds)
        window.used += 1
        left = window.ends - now
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - window.used)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": hashlib.blake2b(route.encode(), digest_size=16).hexdigest(),
        }
        return headers, left if window.used > limit else None


def _forget(moments: deque[float], seconds: float) -> float:
    """Forget what is older than so many seconds; return now."""
    now = time.monotonic()
    while moments and moments[0] <= now - seconds:
        moments.popleft()
    return now
