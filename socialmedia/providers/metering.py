"""What every call of a provider goes through: its place in the budget, its row in the log, and another try."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

import structlog
from django.db import transaction

from socialmedia.models import ApiUsage
from socialmedia.providers import budget, fields
from socialmedia.providers.base import (
    CommentSeen,
    Gone,
    HashtagSeen,
    Page,
    Profile,
    Provider,
    ProviderError,
    Refused,
    TooMany,
    Unreachable,
    Video,
)
from socialmedia.providers.budget import Place

BACK_OFF: Final = (timedelta(seconds=0.5), timedelta(seconds=1.5))
"""Between the tries when no usable answer came."""
SHORT: Final = timedelta(seconds=5)
"""Being told to wait so long only puts the next place off; longer, it stops the provider for everybody."""
_LONGEST_MESSAGE: Final = 500

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Metered:
    """A provider whose calls keep its budget and leave a row each: a Provider itself.

    A row is written before the call and confirmed after it. If the process dies between the two, the row stays without
    an outcome and its request stays counted. A call inside a transaction is refused (RuntimeError): a rollback would
    forget what was asked, and locks would be held for as long as the network takes.
    """

    def __init__(self, provider: Provider, *, patience: timedelta) -> None:
        self._provider = provider
        self._patience = patience
        self.name = provider.name
        self.platform = provider.platform
        self.parser_version = provider.parser_version

    def video(self, address: str) -> Video:
        """As Provider says."""
        return self._call("video", lambda: self._provider.video(address))

    def comments(self, post: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """As Provider says."""
        return self._call("comments", lambda: self._provider.comments(post, cursor=cursor, count=count))

    def replies(self, post_id: str, comment_id: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """As Provider says."""
        return self._call("replies", lambda: self._provider.replies(post_id, comment_id, cursor=cursor, count=count))

    def profile(self, username: str) -> Profile:
        """As Provider says."""
        return self._call("profile", lambda: self._provider.profile(username))

    def hashtag(self, name: str) -> HashtagSeen:
        """As Provider says."""
        return self._call("hashtag", lambda: self._provider.hashtag(name))

    def search_people(self, words: str, *, count: int = 20) -> Sequence[Profile]:
        """As Provider says."""
        return self._call("search_people", lambda: self._provider.search_people(words, count=count))

    def search_videos(self, words: str, *, count: int = 20) -> Sequence[Video]:
        """As Provider says."""
        return self._call("search_videos", lambda: self._provider.search_videos(words, count=count))

    def search_hashtags(self, words: str, *, count: int = 10) -> Sequence[HashtagSeen]:
        """As Provider says."""
        return self._call("search_hashtags", lambda: self._provider.search_hashtags(words, count=count))

    def _call(self, endpoint: str, ask: Callable[[], T]) -> T:
        """Ask, and again where that may help and the patience allows."""
        deadline = time.monotonic() + self._patience.total_seconds()
        pauses = list(BACK_OFF)
        was_slowed = False
        while True:
            try:
                place, row = self._reserve(endpoint, patience=_until(deadline))
            except TooMany as stopped:
                if stopped.retry_after > _until(deadline):
                    raise
                _wait(stopped.retry_after)
                continue
            try:
                return self._ask(place, row, ask)
            except TooMany as error:
                if was_slowed or error.retry_after > _until(deadline):
                    raise
                was_slowed = True  # the next place is put off by so much, or a stop ends then
            except Unreachable:
                if not pauses or pauses[0] > _until(deadline):
                    raise
                _wait(pauses.pop(0))

    def _ask(self, place: Place, row: int, ask: Callable[[], T]) -> T:
        _wait(place.wait)
        began = time.monotonic()
        try:
            answer = ask()
        except ProviderError as error:
            self._note(row, began, error)
            self._heed(error, place)
            raise
        self._note(row, began, None)
        self._heed(None, place)
        return answer

    def _reserve(self, endpoint: str, *, patience: timedelta) -> tuple[Place, int]:
        with transaction.atomic(durable=True):
            place = budget.take(self.name, patience=patience)
            row = ApiUsage.objects.create(
                provider_name=self.name, platform=self.platform, endpoint=endpoint, success=None
            )
        return place, row.pk

    def _note(self, row: int, began: float, error: ProviderError | None) -> None:
        took = round((time.monotonic() - began) * 1000)
        code = error.code if error else ""
        ApiUsage.objects.filter(pk=row).update(
            success=error is None,
            latency_ms=took,
            error_code=code,
            error_message=_words(error) if error else "",
        )
        log.debug("provider.asked", provider=self.name, usage_id=row, took_ms=took, outcome=code or "answered")

    def _heed(self, error: ProviderError | None, place: Place) -> None:
        """What it says to one of us it says to all: they share its key."""
        if isinstance(error, Refused):
            budget.refuse(self.name, reason=_words(error))
        elif isinstance(error, TooMany) and error.retry_after <= SHORT:
            budget.slow_down(self.name, error.retry_after)
        elif isinstance(error, TooMany):
            budget.stop(self.name, error.retry_after, reason=_words(error))
        elif place.is_trial and (error is None or isinstance(error, Gone)):
            budget.prove(self.name)


def _words(error: ProviderError) -> str:
    return str(fields.storable(str(error)[:_LONGEST_MESSAGE]))


def _wait(span: timedelta) -> None:
    time.sleep(span.total_seconds())


def _until(deadline: float) -> timedelta:
    return timedelta(seconds=max(deadline - time.monotonic(), 0))
