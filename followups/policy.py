"""May this follow-up go out now? A pure function of facts and `now`: no database, no clock, no settings."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The three answers."""

    SEND = "send"
    HOLD = "hold"
    DROP = "drop"


class Gate(StrEnum):
    """What can stop a follow-up, in the order the gates are asked."""

    SWITCH = "switch"
    PROFILE = "profile"
    CONSENT = "consent"
    REACHABLE = "reachable"
    ACTIVE = "active"
    GAP = "gap"
    WEEKLY_CAP = "weekly_cap"
    TRIGGER_CAP = "trigger_cap"
    QUIET_HOURS = "quiet_hours"


@dataclass(frozen=True)
class Decision:
    """An answer with its reason. `until` is set for HOLD, `gate` for HOLD and DROP."""

    verdict: Verdict
    gate: Gate | None = None
    until: datetime | None = None
    reason: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
