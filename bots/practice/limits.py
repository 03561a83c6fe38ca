"""Rate limits: the headers of every answer, and the 429s when a limit is exceeded."""

import hashlib
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass
class _Window:
    ends: float
    used: int = 0


@dataclass
class Limits:
    """`default` requests a second for each route and channel, unless `routes` says otherwise; `globally` is off.

    Keys of `routes` are a method and a path as they stand in `rest.py`, values a number and its seconds:
    `limits.routes["POST /channels/{channel_id}/messages"] = (5, 5.0)`.
    """

    default: tuple[int, float] = (50, 1.0)
    routes: dict[str, tuple[int, float]] = field(default_factory=dict)
    globally: int | None = None
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)

    def take_global(self) -> float | None:
        """Count a request towards the global limit; return the seconds to wait when it is exceeded."""
        if self.globally is None:
            return None
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.globally:
            return self._recent[0] + 1 - now
        self._recent.append(now)
        return None

    def take(self, route: str, major: str) -> tuple[dict[str, str], float | None]:
        """Count a request of a route; return the answer's headers, and the seconds to wait when it is exceeded."""
        limit, seconds = self.routes.get(route, self.default)
        now = time.monotonic()
        window = self._windows.get((route, major))
        if window is None or window.ends <= now:
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
