"""Which post somebody means at a shell: by our id, the network's id, or its address."""

from typing import Final

from jobs import terminal
from socialmedia.models import Platform, Post
from socialmedia.providers import addresses

_LARGEST_KEY: Final = 2**63 - 1


class UnknownPost(Exception):
    """No stored post is meant; the message says why."""


def post(text: str) -> Post:
    """The stored post. Raises UnknownPost."""
    word = text.strip()
    found = _by_id(word) if word.isascii() and word.isdigit() else _by_address(word)
    if found is None:
        raise UnknownPost(f"No post has the id {terminal.printable(word)}: `tiktok list` shows those under tracking.")
    return found


def _by_id(digits: str) -> Post | None:
    """Ours first: it is what the lists show, and no network counts from 1."""
    ours = Post.objects.filter(pk=int(digits)).first() if int(digits) <= _LARGEST_KEY else None
    return ours or _by_external_id(digits)


def _by_address(text: str) -> Post | None:
    try:
        address = addresses.parse(text)
    except addresses.NotAPost as error:
        raise UnknownPost(f"Neither an id nor an address. {error}") from None
    if not address.post_id:
        raise UnknownPost("Only TikTok knows where a short link leads: give the post's id or its full address.")
    return _by_external_id(address.post_id)


def _by_external_id(digits: str) -> Post | None:
    return Post.objects.filter(platform=Platform.TIKTOK, external_post_id=digits).first()
