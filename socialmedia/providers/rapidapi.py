"""TikTok's figures from the product tiktok-scraper7 on RapidAPI, over HTTP."""

import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from socialmedia import conf
from socialmedia.conf import ProviderSettings
from socialmedia.models import Platform
from socialmedia.providers import addresses, choosing, envelope, reading
from socialmedia.providers.base import (
    CommentSeen,
    Gone,
    HashtagSeen,
    NotConfigured,
    Page,
    Profile,
    Unreachable,
    Video,
)
from socialmedia.providers.deadline import Deadline

if TYPE_CHECKING:  # importing it takes a while, which only those who ask should pay
    import httpx2

NAME: Final = "rapidapi"
LARGEST_ANSWER: Final = 5_000_000
"""In bytes, unpacked. The largest page there is has a tenth of it."""
MOST_A_PAGE: Final = 50


class RapidApi:
    """A Provider. The key goes out in a header, and nowhere else."""

    name = NAME
    platform = Platform.TIKTOK.value
    parser_version = reading.VERSION

    def __init__(self, settings: ProviderSettings, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock

    def video(self, address: str) -> Video:
        """One post, by its address or id."""
        asked = addresses.parse(addresses.canonical(address) if addresses.is_id(address) else address)
        found = reading.video(self._ask("/", url=asked.url))
        if asked.post_id and found.external_post_id != asked.post_id:
            raise Unreachable("The provider answered with another post than the one that was asked for.")
        return found

    def comments(self, post: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """Comments below a post."""
        data = self._ask("/comment/list", url=post, count=min(count, MOST_A_PAGE), cursor=cursor or "0")
        return reading.page(data, reading.comment, "comments", asked=cursor)

    def replies(self, post_id: str, comment_id: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """The answers to one comment."""
        number = min(count, MOST_A_PAGE)
        data = self._ask("/comment/reply", video_id=post_id, comment_id=comment_id, count=number, cursor=cursor or "0")
        return reading.page(data, lambda raw: reading.comment(raw, parent=comment_id), "comments", asked=cursor)

    def profile(self, username: str) -> Profile:
        """One account."""
        return reading.profile(self._ask("/user/info", unique_id=username.strip().removeprefix("@")))

    def hashtag(self, name: str) -> HashtagSeen:
        """One hashtag."""
        return reading.hashtag(self._ask("/challenge/info", challenge_name=name.strip().removeprefix("#")))

    def search_people(self, words: str, *, count: int = 20) -> Sequence[Profile]:
        """People whom these words describe."""
        data = self._ask("/search/user", keywords=words, count=count, cursor="0")
        return reading.page(data, reading.profile, "user_list", "users").items[:count]

    def search_videos(self, words: str, *, count: int = 20) -> Sequence[Video]:
        """Posts that these words describe."""
        data = self._ask("/search/video", keywords=words, count=count, cursor="0")
        return reading.page(data, reading.video, "videos").items[:count]

    def search_hashtags(self, words: str, *, count: int = 10) -> Sequence[HashtagSeen]:
        """The hashtag of exactly these words, if there is one: the provider has no search for them."""
        try:
            return [self.hashtag("".join(words.split()))][:count]
        except Gone:
            return []

    def _ask(self, path: str, **params: str | int) -> Any:
        """The `data` of an answer. Raises a ProviderError when it holds none."""
        status, retry_after, body = self._fetch(path, params)
        now, key = self._clock(), self._settings.api_key
        if status != 200:
            raise envelope.status_error(status, body, retry_after=retry_after, secret=key, now=now)
        return envelope.data(body, secret=key, now=now)

    def _fetch(self, path: str, params: dict[str, str | int]) -> tuple[int, str, bytes]:
        """One request: no redirect is followed, no proxy of the environment used, nothing tried again."""
        import httpx2

        timeout = self._settings.timeout.total_seconds()
        address = self._settings.api_url.rstrip("/") + path
        headers = {
            "x-rapidapi-key": self._settings.api_key,
            "x-rapidapi-host": self._settings.api_host,
            "accept": "application/json",
            "accept-encoding": "gzip",
        }
        options: dict[str, Any] = {"timeout": timeout, "trust_env": False, "follow_redirects": False}
        deadline, late = Deadline(timeout), f"The provider did not answer within {timeout:g} s."
        try:
            with (
                deadline,
                httpx2.Client(verify=_authorities(), **options) as client,
                client.stream(
                    "GET", address, params=params, headers=headers, extensions={"trace": deadline.trace}
                ) as response,
            ):
                body = _read(response)
                if deadline.is_over:  # hung up, which may look like an end
                    raise Unreachable(late)
                return response.status_code, response.headers.get("retry-after", ""), body
        except httpx2.HTTPError as error:
            if deadline.is_over or isinstance(error, httpx2.TimeoutException):
                raise Unreachable(late) from None
            raise Unreachable(f"The provider could not be reached ({type(error).__name__}).") from None
        except (httpx2.InvalidURL, ValueError) as error:
            # An address or words that no request can carry. The error's own words could hold the key.
            raise Unreachable(f"The provider could not be asked ({type(error).__name__}).") from None


def _read(response: "httpx2.Response") -> bytes:
    """Read it piece by piece, up to what no answer is longer than."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise Unreachable("The provider's answer is far too long.")
    return bytes(body)


@cache
def _authorities() -> ssl.SSLContext:
    """Reading the certificates takes 50 ms: once for each process."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def make() -> RapidApi:
    """The provider as the settings say. Raises NotConfigured."""
    settings = conf.provider()
    if not settings.api_key:
        hint = "Put your key into RAPIDAPI_KEY, or set TIKTOK_PROVIDER=practice to try everything without one."
        raise NotConfigured(f"Posts can't be looked at: there is no key for the provider. {hint}")
    if not (settings.api_key.isascii() and settings.api_key.isprintable() and " " not in settings.api_key):
        raise NotConfigured("RAPIDAPI_KEY holds a character that no key has: copy it anew.")
    return RapidApi(settings, clock=timezone.now)  # noqa: TID251 - an edge: it speaks with a server about its day


choosing.register(NAME, make)
