"""What a person means by the target of an action: an address, a handle or a hashtag."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from socialmedia.models import Platform
from socialmedia.providers import addresses
from socialmedia.providers.addresses import NotAPost

_HANDLE: Final = re.compile(r"@[\w.]{1,100}")
_HASHTAG: Final = re.compile(r"#\w{1,100}")
_ADDRESS: Final = re.compile(r"https://[^\s/?#]+\.[^\s]+")


class BadTarget(ValueError):
    """Nobody can tell what this is."""


@dataclass(frozen=True)
class Target:
    """What an action is done to, as the log keeps it."""

    target_type: str = ""
    target_id: str = ""
    target_username: str = ""
    target_url: str = ""


def read(text: str, *, platform: str) -> Target:
    """Make sense of what somebody typed; nothing is a target, too.

    Raises:
        BadTarget: it is none of the three.
    """
    text = text.strip()
    if _HANDLE.fullmatch(text):
        return Target("user", "", text[1:], _page(platform, "@", text[1:]))
    if _HASHTAG.fullmatch(text):
        return Target("hashtag", text[1:], "", _page(platform, "tag/", text[1:]))
    if (post := _post(text, platform)) is not None:
        return post
    if _ADDRESS.fullmatch(text):
        return Target(target_url=text)
    if text:
        raise BadTarget("This is no address beginning with https://, no @handle and no #hashtag.")
    return Target()


def _post(text: str, platform: str) -> Target | None:
    """A TikTok post, in any of the forms in which people copy its address."""
    if platform != Platform.TIKTOK:
        return None
    try:
        found = addresses.parse(text)
    except NotAPost:
        return None
    return Target("video", found.post_id, found.username, found.url)


def _page(platform: str, kind: str, name: str) -> str:
    return f"https://www.tiktok.com/{kind}{quote(name)}" if platform == Platform.TIKTOK else ""
