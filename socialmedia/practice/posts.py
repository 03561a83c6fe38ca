"""The posts of the practice network: who wrote one and when is in its id, what it counts follows from its age."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from socialmedia.practice import dice, growth
from socialmedia.practice.cast import CAST, Author, Habit
from socialmedia.providers.base import Metric

LIFE_OF_VANISHING: Final = timedelta(hours=30)
_LONGEST_ID: Final = 19
_CAPTIONS: Final = (
    "Rowing out before sunrise 🌅 #rowing #harbor",
    "How we mend the old nets #craft #harbor #howto",
    "The lighthouse at night #night #harbor",
    "Fish soup for thirty people 🍲 #cooking #recipe with @practice.bruno",
    "Storm season is here ⛈️ #weather #harbor",
    "Learning five knots in a minute #knots #howto #learn",
    "قارب قديم ومحرك جديد #boats #restoration",
    "",
)


@dataclass(frozen=True)
class MadeUpPost:
    """One post."""

    number: int
    """The network's id."""
    author: Author

    @property
    def posted_at(self) -> datetime:
        """As on TikTok the upper bits of an id are its second. Raises ValueError for an id that no time belongs to."""
        try:
            return datetime.fromtimestamp(self.number >> 32, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(str(error)) from error

    @property
    def author_by_id(self) -> Author:
        """Whom the id names as its author, by their place in the cast."""
        return CAST[(self.number >> 16) % 2**16 % len(CAST)]

    @property
    def url(self) -> str:
        """Its canonical address."""
        return f"https://www.tiktok.com/@{self.author.handle}/video/{self.number}"

    @property
    def caption(self) -> str:
        """The words below it."""
        return _CAPTIONS[dice.whole(len(_CAPTIONS), "caption", self.number)]

    @property
    def duration(self) -> int:
        """In seconds."""
        return 8 + dice.whole(80, "duration", self.number)

    @property
    def is_viral(self) -> bool:
        """Whether it spreads far beyond its author's usual."""
        return self.author.habit is Habit.VIRAL and self.number % 2 == 1

    def counters(self, at: datetime) -> dict[Metric, int]:
        """What it shows at an instant; what it hides is not among them."""
        views = self.views(at)
        found = {
            Metric.VIEWS: views,
            Metric.LIKES: self._likes(at),
            Metric.COMMENTS: self.comments(at),
            Metric.SHARES: int(views * dice.between(0.002, 0.008, "shares", self.number)),
            Metric.SAVES: int(views * dice.between(0.003, 0.015, "saves", self.number)),
        }
        if self.author.habit is Habit.HIDDEN:
            del found[Metric.SHARES], found[Metric.SAVES]
        return found

    def views(self, at: datetime) -> int:
        """How often it was seen."""
        end = self.author.usual_views * dice.between(0.7, 1.3, "views", self.number)
        total = end * growth.reached(self.posted_at, at)
        if self.is_viral:
            total += 15 * end * growth.reached(self.posted_at, at, half_after=14, steepness=3)
        return int(total)

    def comments(self, at: datetime) -> int:
        """How many are below it, answers not counted."""
        return int(self.comments_at_the_end * growth.reached(self.posted_at, at))

    @property
    def comments_at_the_end(self) -> int:
        """How many there will be."""
        spread = 10 if self.is_viral else 1
        return int(spread * self.author.usual_views * dice.between(0.004, 0.012, "comments", self.number))

    def _likes(self, at: datetime) -> int:
        likes = dice.between(0.05, 0.12, "likes", self.number)
        second_day = self.posted_at + timedelta(days=1)
        if self.author.habit is not Habit.SHRINKING or at <= second_day:
            return int(self.views(at) * likes)
        lost = 0.25 * (at - second_day) / (at - second_day + timedelta(days=2))
        return int(self.views(second_day) * likes * (1 - lost))


def find(text: str, *, handle: str = "") -> MadeUpPost | None:
    """The post with this id; without a handle its author is the one whose place is in it. None: there is no such id."""
    if not (text.isascii() and text.isdigit()) or len(text) > _LONGEST_ID:
        return None
    post = MadeUpPost(int(text), Author(handle))
    try:
        _ = post.posted_at
    except ValueError:
        return None
    return post if handle else MadeUpPost(post.number, post.author_by_id)


def published(author: Author, at: datetime, *, number: int = 0) -> MadeUpPost:
    """The post that an account published in a second; `number` (below 65,536) tells those of one second apart."""
    place = CAST.index(author) if author in CAST else 0
    return MadeUpPost(int(at.timestamp()) << 32 | place << 16 | number, author)
