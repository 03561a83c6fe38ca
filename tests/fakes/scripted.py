"""A provider that answers what a test gave it, without a network. What it lacks raises as a provider would."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from socialmedia.providers import choosing
from socialmedia.providers.base import (
    CommentSeen,
    Gone,
    HashtagSeen,
    Metric,
    NotOffered,
    Page,
    Person,
    Profile,
    ProviderError,
    Video,
)

NAME = "scripted"


@dataclass
class Scripted:
    """Pages by their cursor; the first one's is empty. An error in an answer's place is raised."""

    name: str = NAME
    platform: str = "tiktok"
    parser_version: int = 7
    pages: dict[str, Page[CommentSeen] | ProviderError] = field(default_factory=dict)
    answers: dict[str, dict[str, Page[CommentSeen] | ProviderError]] = field(default_factory=dict)
    """By the id of the comment that is answered."""
    profiles: dict[str, Profile | ProviderError] = field(default_factory=dict)
    hashtags: dict[str, HashtagSeen | ProviderError] = field(default_factory=dict)
    found: Sequence[Any] | ProviderError = ()
    asked: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    """Runs at each question."""

    def video(self, address: str) -> Video:
        raise NotOffered("No posts here.")

    def comments(self, post: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        return self._say(f"comments {cursor} {count}", self.pages.get(cursor))

    def replies(self, post_id: str, comment_id: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        return self._say(f"replies {comment_id} {cursor}", self.answers.get(comment_id, {}).get(cursor))

    def profile(self, username: str) -> Profile:
        return self._say(f"profile {username}", self.profiles.get(username))

    def hashtag(self, name: str) -> HashtagSeen:
        return self._say(f"hashtag {name}", self.hashtags.get(name))

    def search_people(self, words: str, *, count: int = 20) -> Sequence[Profile]:
        return self._say(f"people {words} {count}", self.found)

    def search_videos(self, words: str, *, count: int = 20) -> Sequence[Video]:
        return self._say(f"videos {words} {count}", self.found)

    def search_hashtags(self, words: str, *, count: int = 10) -> Sequence[HashtagSeen]:
        return self._say(f"hashtags {words} {count}", self.found)

    def _say(self, question: str, answer: Any) -> Any:
        self.asked.append(question)
        self.before()
        if answer is None:
            raise Gone("There is no such thing.")
        if isinstance(answer, ProviderError):
            raise answer
        return answer


def person(username: str = "ben_cooks", external_id: str = "b1") -> Person:
    """Somebody on the network."""
    return Person(external_id, username, f"{username}, in words", "https://p16.example/b.jpeg")


def comment(number: int | str, text: str = "I love this", **values: Any) -> CommentSeen:
    """A comment; its id follows from the number."""
    fields: dict[str, Any] = {"author": person(), "likes": 3, "raw": {"id": f"c{number}"}, **values}
    return CommentSeen(f"c{number}", text, **fields)


def video(number: int = 1, **values: Any) -> Video:
    """A post that a search found."""
    fields: dict[str, Any] = {"metrics": {Metric.VIEWS: 5_000_000_000, Metric.LIKES: 7}, "caption": "A #lamp", **values}
    return Video(f"73{number}", person(), f"https://www.tiktok.com/@ben_cooks/video/73{number}", **fields)


@contextmanager
def configured(settings: Any) -> Iterator[Scripted]:
    """Let this provider be the one that the settings name."""
    provider = Scripted()
    settings.TIKTOK_PROVIDER = NAME
    settings.TIKTOK_REQUESTS_PER_SECOND, settings.TIKTOK_REQUESTS_PER_DAY = 1_000, 100_000
    choosing.register(NAME, lambda: provider)
    yield provider
