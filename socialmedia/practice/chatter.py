"""What is written below practice posts: comments in the order of their age, and answers to some."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from socialmedia.practice import dice, growth
from socialmedia.practice.cast import Author
from socialmedia.practice.posts import MadeUpPost

_WORDS: Final = (
    "This is wonderful, thank you! 😍",
    "Where is this?",
    "I love the light in this one.",
    "Second part please",
    "Terrible sound, I could not hear a word.",
    "What a great idea, I will try it tomorrow.",
    "Is the boat for sale?",
    "Not true, I was there. Disappointing.",
    "رائع جداً",
    "Best one so far 🔥",
    "First!",
    "My grandfather did it just like that ❤️",
)
_ANSWERS: Final = ("Thank you! ❤️", "It is all in the next one.", "Same question here.")
_NAMES: Final = ("Noor", "Tomás", "Ines", "Yuki", "Sven", "Amara", "Luca", "Mei", "", "Priya", "Jonas", "Zoë")
EVERY: Final = 7
"""Each so many comments there is one with two answers."""
_DIGITS: Final = 12


@dataclass(frozen=True)
class Remark:
    """One comment, or an answer to one."""

    id: str
    text: str
    author: Author
    name: str
    likes: int
    written_at: datetime
    answers: int = 0
    """How many there are by now."""


def comments(post: MadeUpPost, *, start: int, count: int, at: datetime) -> Sequence[Remark]:
    """Those from the `start`th on, the oldest first."""
    return [_comment(post, place, at) for place in range(start, min(start + count, post.comments(at)))]


def answers(post: MadeUpPost, comment_id: str, *, at: datetime) -> Sequence[Remark]:
    """Those to one comment, the oldest first."""
    below = comment_id.removeprefix(str(post.number))
    if len(below) != _DIGITS or not (below.isascii() and below.isdigit()):
        return []
    place, number = divmod(int(below), 10)
    return [] if number or place >= post.comments(at) else _answers(post, place, _written_at(post, place), at)


def _comment(post: MadeUpPost, place: int, at: datetime) -> Remark:
    written_at = _written_at(post, place)
    name = _NAMES[dice.whole(len(_NAMES), "name", post.number, place)]
    return Remark(
        id=_id(post, place),
        text=_WORDS[dice.whole(len(_WORDS), "words", post.number, place)],
        author=Author(f"fan.{dice.whole(900, 'fan', post.number, place)}"),
        name=name,
        likes=int(
            dice.between(0, 40, "likes", post.number, place) ** 1.5 * growth.reached(written_at, at, half_after=10)
        ),
        written_at=written_at,
        answers=len(_answers(post, place, written_at, at)),
    )


def _answers(post: MadeUpPost, place: int, asked_at: datetime, at: datetime) -> list[Remark]:
    """The author's own an hour later, and a stranger's five hours later. A post whose id does not tell the author has
    none: who asks for answers names the post by its id alone.
    """
    if place % EVERY or post.author != post.author_by_id:
        return []
    stranger = Author(f"fan.{dice.whole(900, 'stranger', post.number, place)}")
    return [
        Remark(
            id=_id(post, place, number),
            text=_ANSWERS[dice.whole(len(_ANSWERS), "answer", post.number, place, number)],
            author=author,
            name=author.name,
            likes=dice.whole(9, "answer likes", post.number, place, number),
            written_at=asked_at + timedelta(hours=hours),
        )
        for number, (author, hours) in enumerate(((post.author, 1), (stranger, 5)), start=1)
        if asked_at + timedelta(hours=hours) <= at
    ]


def _written_at(post: MadeUpPost, place: int) -> datetime:
    return growth.when(post.posted_at, (place + 1) / post.comments_at_the_end)


def _id(post: MadeUpPost, place: int, answer: int = 0) -> str:
    return f"{post.number}{place * 10 + answer:0{_DIGITS}}"
