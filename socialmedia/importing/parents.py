"""What imported rows belong to, as it is here: found by the names that the networks give, batch by batch."""

from collections.abc import Iterable
from typing import Any

from socialmedia.importing.reports import CannotTake
from socialmedia.importing.sources import Join
from socialmedia.models import Account, Conversation, Platform, Post

ACCOUNT = Join("account", "social_media_accounts", "account_id", ("platform", "username", "external_id"))
POST = Join("post", "social_media_posts", "post_id", ("platform", "external_post_id"))
CONVERSATION = Join(
    "conversation",
    "social_media_conversations",
    "conversation_id",
    ("platform", "participant_username"),
)
Row = dict[str, Any]


class Accounts:
    """Our accounts that rows name in `<prefix>platform`, `<prefix>username` and `<prefix>external_id`."""

    def __init__(self, rows: Iterable[Row], prefix: str = "account_") -> None:
        self._prefix = prefix
        named = [self._names(row) for row in rows]
        platforms = {platform for platform, _, _ in named if platform != Platform.DISCORD}
        of_them = Account.objects.filter(platform__in=platforms).only("platform", "username", "external_id")
        found = [
            *of_them.filter(username__in={username for _, username, _ in named if username}),
            *of_them.filter(external_id__in={external_id for _, _, external_id in named if external_id}),
        ]
        self._by_handle = {(one.platform, one.username): (one.pk, one.external_id or "") for one in found}
        self._by_id = {(one.platform, one.external_id): one.pk for one in found if one.external_id}

    def find(self, row: Row) -> int | None:
        """Return the account's id: whoever has the network's id; else whoever has the handle, and no other id."""
        platform, username, external_id = self._names(row)
        if external_id and (platform, external_id) in self._by_id:
            return self._by_id[platform, external_id]
        pk, other_id = self._by_handle.get((platform, username), (None, ""))
        return None if external_id and other_id not in {"", external_id} else pk

    def is_taken(self, row: Row) -> bool:
        """Tell whether somebody else has the handle."""
        platform, username, _ = self._names(row)
        return (platform, username) in self._by_handle and self.find(row) is None

    def found(self, rows: Iterable[Row]) -> set[int]:
        """Return the ids of those that are here."""
        return {pk for pk in map(self.find, rows) if pk is not None}

    def need(self, row: Row) -> int:
        """Return the account's id, or raise CannotTake."""
        found = self.find(row)
        if found is None:
            raise CannotTake("its account was not taken over")
        return found

    def remember(self, row: Row) -> None:
        """Know an account of which only its id is not known yet."""
        platform, username, external_id = self._names(row)
        self._by_handle[platform, username] = (0, external_id)
        if external_id:
            self._by_id[platform, external_id] = 0

    def _names(self, row: Row) -> tuple[str, str, str]:
        platform, username, external_id = (
            row.get(self._prefix + name) for name in ("platform", "username", "external_id")
        )
        return platform or "", username or "", external_id or ""


def posts(rows: Iterable[Row]) -> dict[tuple[str, str], Post]:
    """Our posts that rows name in `post_platform` and `post_external_post_id`, without what is large in them."""
    named = [(row.get("post_platform") or "", row.get("post_external_post_id") or "") for row in rows]
    found = Post.objects.filter(
        platform__in={platform for platform, _ in named}, external_post_id__in={one for _, one in named}
    )
    few = found.only("platform", "external_post_id", "tracking_started_at", "tracking_round", "check_schedule")
    return {(one.platform, one.external_post_id): one for one in few}


def post_of(row: Row, found: dict[tuple[str, str], Post]) -> Post:
    """Return a row's post, or raise CannotTake."""
    post = found.get((row.get("post_platform") or "", row.get("post_external_post_id") or ""))
    if post is None:
        raise CannotTake("its post was not taken over")
    return post


def conversations(rows: Iterable[Row], accounts: Accounts) -> dict[tuple[int, str, str], int]:
    """The ids of our conversations that rows name by their account, platform and participant."""
    owners = accounts.found(rows)
    names = {row.get("conversation_participant_username") for row in rows} - {None}
    found = Conversation.objects.filter(account_id__in=owners, participant_username__in=names)
    return {(one.account_id, one.platform, one.participant_username): one.pk for one in found}
