"""Who publishes on the practice network. The word behind `practice.` says how an account's posts do:

| handle | its posts |
|---|---|
| `practice.ada`, `practice.bruno`, any other | grow fast on the first day, less at night, then ever slower |
| `practice.viral` | go viral when their id is odd; the others are ordinary |
| `practice.famous` | have more than four thousand million views |
| `practice.unseen` | are seen by nobody: every counter is 0 |
| `practice.hidden` | hide how often they were shared and saved |
| `practice.shrinking` | lose likes from their second day on |
| `practice.gone` | are deleted, as is the account |
| `practice.vanishing` | are deleted 30 hours after they were published |
| `practice.private` | are for followers only |
| `practice.busy` | ask to wait in the first ten seconds of each minute: too many requests |
| `practice.broken` | cannot be reached in every other hour, the odd ones of UTC |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from socialmedia.practice import dice

PREFIX: Final = "practice."


class Habit(StrEnum):
    """How an account's posts do. The word in its handle."""

    ORDINARY = "ada"
    VIRAL = "viral"
    FAMOUS = "famous"
    UNSEEN = "unseen"
    HIDDEN = "hidden"
    SHRINKING = "shrinking"
    GONE = "gone"
    VANISHING = "vanishing"
    PRIVATE = "private"
    BUSY = "busy"
    BROKEN = "broken"


@dataclass(frozen=True)
class Author:
    """An account of the practice network."""

    handle: str

    @property
    def habit(self) -> Habit:
        """How its posts do."""
        try:
            return Habit(self.handle.removeprefix(PREFIX))
        except ValueError:
            return Habit.ORDINARY

    @property
    def external_id(self) -> str:
        """The network's id."""
        return str(6_000_000_000_000_000_000 + dice.whole(10**17, "account", self.handle))

    @property
    def name(self) -> str:
        """What is shown."""
        return self.handle.removeprefix(PREFIX).replace(".", " ").replace("_", " ").title()

    @property
    def followers(self) -> int:
        """How many there were when it began; each has a level of its own."""
        return int(1_500 * 30 ** dice.share("level", self.handle))

    @property
    def usual_views(self) -> int:
        """What one of its posts ends at, more or less."""
        if self.habit is Habit.UNSEEN:
            return 0
        return self.followers * (1_500_000 if self.habit is Habit.FAMOUS else 3)


CAST: Final[Sequence[Author]] = tuple(
    Author(PREFIX + word) for word in ("ada", "bruno", *(habit.value for habit in Habit if habit is not Habit.ORDINARY))
)
"""Those whom searches find. Only ever add at the end: their places are in the ids of posts."""
