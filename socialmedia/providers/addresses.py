"""Addresses of TikTok posts, in all the forms in which people copy them. Pure: nobody is asked."""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from jobs import outcomes

Kind = Literal["video", "photo", "short"]

EXAMPLE: Final = "https://www.tiktok.com/@user/video/7312345678901234567"
LONGEST: Final = 2_048
_SITE: Final = "https://www.tiktok.com"
_HOSTS: Final = frozenset({"tiktok.com", "www.tiktok.com", "m.tiktok.com"})
_SHORT_HOSTS: Final = frozenset({"vm.tiktok.com", "vt.tiktok.com"})
_AROUND: Final = " \t\r\n\u00a0\u200b\ufeff<>\"'()[],;"
"""What comes along when a link is copied out of a sentence."""
_NEVER: Final = re.compile(r"[\s\\\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

_ID: Final = re.compile(r"[1-9][0-9]{0,19}")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HANDLE: Final = re.compile(r"[\w.]{0,64}")
_WITH_AUTHOR: Final = re.compile(r"/@(?P<username>[^/]*)/(?P<kind>video|photo)/(?P<id>[^/]*)")
_WITHOUT_AUTHOR: Final = re.compile(
    r"/(?:v|embed(?:/v\d)?|player/v\d|(?:i18n/)?share/video)/(?P<id>[^/]*?)(?:\.html)?(?:/|$)"
)
_SHORT: Final = re.compile(r"/t/(?P<code>[^/]*)")
_OTHER_PAGES: Final = (
    (re.compile(r"/@[^/]*/live(?:/|$)"), "a live stream"),
    (re.compile(r"/@[^/]*/(?:playlist|collection)(?:/|$)"), "a list of posts"),
    (re.compile(r"/@[^/]*(?:/video|/photo)?$"), "a profile"),
    (re.compile(r"/tag(?:/|$)"), "a hashtag's page"),
    (re.compile(r"/music(?:/|$)"), "a sound's page"),
    (re.compile(r"/search(?:/|$)"), "a search"),
)


class NotAPost(ValueError):
    """This is no address of a TikTok post; the message says why, and what one looks like."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} A post's address looks like {EXAMPLE}.")


@dataclass(frozen=True)
class Address:
    """Where a post is."""

    kind: Kind
    username: str
    """The author's handle, without @; empty: the address does not say."""
    post_id: str
    """Empty for a short link: only TikTok knows where it leads."""
    url: str
    """The same place, always written alike."""


def parse(text: str) -> Address:
    """What an address says. Raises NotAPost."""
    words = text.strip(_AROUND)
    if not words:
        raise NotAPost("There is no address.")
    if len(words) > LONGEST:
        raise NotAPost(f"An address of {len(words):,} characters is none.")
    if _NEVER.search(words):
        raise NotAPost(f"{_shown(words)} is not one address: it has a space or another character that none has.")
    parts, host = _split(words)
    path = "/" + "/".join(unquote(piece).replace("/", "") for piece in parts.path.split("/") if piece)
    if host in _SHORT_HOSTS and "/@" not in path:
        return _short(f"https://{host}", path.removeprefix("/").split("/")[0])
    return _post(path)


def canonical(post_id: str, username: str = "", kind: Kind = "video") -> str:
    """A post's address. TikTok finds it by the id alone: the handle may be missing or an old one."""
    return f"{_SITE}/@{username.lower() if _HANDLE.fullmatch(username.lower()) else ''}/{kind}/{post_id}"


def is_id(text: str) -> bool:
    """Whether a post can have this id."""
    return _ID.fullmatch(text) is not None


def _split(words: str) -> tuple[SplitResult, str]:
    """The parts and the host, if it is TikTok's own."""
    if re.fullmatch(r"[0-9]+", words):
        raise NotAPost(f"{_shown(words)} is a number, not an address.")
    try:
        parts = urlsplit(words if _SCHEME.match(words) else f"https://{words.removeprefix('//')}")
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        raise NotAPost(f"{_shown(words)} is no address.") from None
    if parts.scheme not in ("http", "https"):
        raise NotAPost(f"{_shown(words)} is no address of a web page.")
    if "@" in parts.netloc or port not in (None, 80, 443):
        raise NotAPost(f"{_shown(words)} does not lead to TikTok, whatever it looks like.")
    if host not in _HOSTS | _SHORT_HOSTS:
        raise NotAPost(f"{_shown(host or words)} is not TikTok.")
    return parts, host


def _post(path: str) -> Address:
    if found := _WITH_AUTHOR.match(path):
        username, kind = found["username"].lower(), found["kind"]
        if found["id"] and not _HANDLE.fullmatch(username):
            raise NotAPost(f"@{_shown(username)} is no TikTok handle.")
        if found["id"]:
            post_id = _id(found["id"])
            return Address(kind, username, post_id, canonical(post_id, username, kind))  # type: ignore[arg-type]
    if found := _WITHOUT_AUTHOR.match(path):
        post_id = _id(found["id"])
        return Address("video", "", post_id, canonical(post_id))
    if found := _SHORT.match(path):
        return _short(f"{_SITE}/t", found["code"])
    for page, what in _OTHER_PAGES:
        if page.match(path):
            raise NotAPost(f"This is the address of {what}, not of a post.")
    raise NotAPost(f"TikTok has no post at {_shown(path)}.")


def _id(text: str) -> str:
    if not is_id(text):
        raise NotAPost(f"A post's id is a number of at most 20 digits, not {_shown(text)}.")
    return text


def _short(start: str, code: str) -> Address:
    if not _CODE.fullmatch(code):
        raise NotAPost(f"A short link ends with letters and digits, not with {_shown(code)}.")
    return Address("short", "", "", f"{start}/{code}/")


def _shown(text: str) -> str:
    """As it may stand in a sentence, and in a row."""
    cut = text if len(text) <= 60 else text[:59] + "…"
    return f'"{outcomes.storable(cut)}"'
