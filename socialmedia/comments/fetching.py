"""Fetching a post's comments from its provider: page after page, each stored before the next is asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from jobs import enqueue
from jobs.models import ScheduledJob
from socialmedia.comments import storing
from socialmedia.models import Comment, Post
from socialmedia.providers import choosing
from socialmedia.providers.base import CommentSeen, Gone, NotOffered, Page, Provider, ProviderError

JOB_TYPE: Final = "post_comments"
MOST: Final = 500
"""Comments of one fetch, unless it says otherwise; answers come on top of them."""
MOST_EVER: Final = 10_000
PAGE: Final = 50
MOST_REPLY_PAGES: Final = 10
"""Pages of answers of one fetch: each costs a call, and the next fetch goes on with the other comments."""

Ask = Callable[[str, int], Page[CommentSeen]]


@dataclass(frozen=True)
class PostComments:
    """Payload: of which post, and how many at most."""

    post_id: int = 0
    most: int = MOST

    def __post_init__(self) -> None:
        if not 1 <= self.most <= MOST_EVER:
            raise ValueError(f"A fetch brings 1 to {MOST_EVER:,} comments, not {self.most}.")


@dataclass
class Fetched:
    """How far a fetch got."""

    pages: int = 0
    new: int = 0
    """Comments that nobody had seen before; `replies` are counted apart."""
    updated: int = 0
    """Comments that were known and are up to date now."""
    replies: int = 0
    """Answers, new or known."""
    missing: list[str] = field(default_factory=list)
    """Why it is not all: a sentence each."""

    @property
    def is_complete(self) -> bool:
        """Whether all came that the provider has to give."""
        return not self.missing

    @property
    def words(self) -> str:
        """What it brought, for people."""
        pages = "1 page" if self.pages == 1 else f"{self.pages:,} pages"
        brought = f"{self.new:,} new, {self.updated:,} known, {self.replies:,} answers, from {pages}."
        return " ".join([brought, *self.missing])


def fetch(post_id: int, *, most: int = MOST, patience: timedelta, now: datetime) -> Fetched:
    """Fetch up to `most` comments of a post, newest as the provider gives them, and then the answers to those that
    have more than are stored. Every page is stored by itself: what ends this early keeps what came before.

    Raises:
        NoSuchPost: no post has this id.
        ProviderError: not even the first page came. A later failure ends the fetch, and the result says so.
    """
    post = Post.objects.filter(pk=post_id).first()
    if post is None:
        raise storing.NoSuchPost(post_id)
    provider = choosing.find(post.provider, patience=patience)
    if provider.platform != post.platform:
        raise NotOffered(f"{provider.name} knows nothing of {post.get_platform_display()}.")
    run = _Run(post, provider, now=now)
    run.comments(most)
    run.answers()
    return run.result


def order(post_id: int, *, most: int = MOST, now: datetime) -> ScheduledJob:
    """Let a job fetch the comments. When one is on its way already, that is the one returned."""
    try:
        return enqueue.schedule_job(JOB_TYPE, now, PostComments(post_id, most))
    except enqueue.UniqueKeyTaken as error:
        return error.existing


class _Run:
    """One fetch, with what it has seen."""

    def __init__(self, post: Post, provider: Provider, *, now: datetime) -> None:
        self.result = Fetched()
        self._post, self._provider, self._now = post, provider, now
        self._seen: dict[str, bool] = {}
        """The comments by their ids, and whether they are new."""

    def comments(self, most: int) -> None:
        """Fetch the pages of comments."""
        ask: Ask = lambda cursor, count: self._provider.comments(self._post.post_url, cursor=cursor, count=count)  # noqa: E731
        try:
            for items in _pages(ask, most, self.result.missing):
                self._keep(items)
                self.result.pages += 1
        except ProviderError as error:
            if not self.result.pages:
                raise
            self.result.missing.append(f"It ended early: {error}")
        self.result.new = sum(self._seen.values())
        self.result.updated = len(self._seen) - self.result.new

    def answers(self) -> None:
        """Fetch the answers to the comments that have more than are stored, as long as the calls last."""
        calls, answers = 0, set[str]()
        for thread in self._threads():
            if calls >= MOST_REPLY_PAGES:
                self.result.missing.append("There are more answers than one fetch asks for.")
                break
            try:
                for items in _pages(self._asking(thread), (MOST_REPLY_PAGES - calls) * PAGE, self.result.missing):
                    calls += 1
                    self._store(_below(thread, items))
                    answers |= {item.external_comment_id for item in items}
            except Gone:
                calls += 1  # taken away since
            except ProviderError as error:
                self.result.missing.append(f"The answers ended early: {error}")
                break
        self.result.pages += calls
        self.result.replies = len(answers)

    def _asking(self, thread: str) -> Ask:
        return lambda cursor, count: self._provider.replies(
            self._post.external_post_id, thread, cursor=cursor, count=count
        )

    def _threads(self) -> Sequence[str]:
        mine = Comment.objects.filter(platform=self._post.platform, external_comment_id__in=self._seen)
        longer = mine.filter(post=self._post, api_reply_count__gt=F("replies_count")).order_by("-api_reply_count", "id")
        return list(longer.values_list("external_comment_id", flat=True)[: MOST_REPLY_PAGES + 1])

    def _keep(self, items: Sequence[CommentSeen]) -> None:
        stored = self._store(items)
        self._seen |= dict.fromkeys(stored.known - self._seen.keys(), False) | dict.fromkeys(stored.new, True)

    def _store(self, items: Sequence[CommentSeen]) -> storing.Stored:
        version = self._provider.parser_version
        return storing.store(self._post.pk, items, parser_version=version, now=self._now)


def _pages(ask: Ask, most: int, missing: list[str]) -> Iterator[Sequence[CommentSeen]]:
    """Each page until there are no more, or `most` have come. Cursors that come round end it: they would for ever."""
    cursor, asked, left = "", {"", "0"}, most
    while True:
        page = ask(cursor, min(PAGE, left))
        yield page.items[:left]
        left -= len(page.items)
        if not page.items or page.next_cursor is None or page.next_cursor in asked:
            return
        if left <= 0:
            missing.append(f"There are more than the {most:,} asked for.")
            return
        cursor = page.next_cursor
        asked.add(cursor)


def _below(thread: str, items: Sequence[CommentSeen]) -> list[CommentSeen]:
    """As answers to this comment, where the provider does not say to what."""
    return [replace(item, parent_external_id=item.parent_external_id or thread) for item in items]
