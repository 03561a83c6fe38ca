"""How things stand for one member: the values that the cockpit shows and offers. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Obstacle:
    """What would keep the next follow-up from coming when it is due."""

    gate: str
    """A gate of the policy."""
    until: datetime | None = None
    """When it would come instead; None: not at all, or nobody knows."""
    is_final: bool = False
    """It would not come at all."""
    is_in_vain: bool = False
    """It would wait, and then be too late."""


@dataclass(frozen=True)
class Next:
    """The follow-up that is due first."""

    follow_up_id: str
    due_at: datetime
    trigger: str
    occasion: str = ""
    """The event's name, or the goal, as plain words."""
    since: datetime | None = None
    """The event's time, or the member's last message."""
    text: str = ""
    """As it would read now; empty: there are no words for it yet."""
    is_certain: bool = False
    """The text stays as it is."""
    is_written: bool = False
    """It is in the outbox: it can't be moved any more, and perhaps not be stopped."""
    obstacle: Obstacle | None = None


@dataclass(frozen=True)
class Standing:
    """What is known and chosen."""

    is_on: bool
    next: Next | None = None
    others: int = 0
    """How many more are planned."""
    topics: tuple[str, ...] = ()
    frequency_hours: int = 48
    least_hours: int = 24
    """The community's own least time between two."""
    paused_until: datetime | None = None
    quiet: tuple[int, int] | None = None
    """The member's own quiet hours."""
    community_quiet: tuple[int, int] = (21, 9)
    zone: str = "UTC"
    """The zone that counts for them."""
    own_zone: str = ""
    """The one they chose, if any."""
    local_time: str = ""
    """Theirs, like 14:05."""
    locale: str = ""
    """The language they chose; empty: the community's."""
    community_locale: str = "en"
