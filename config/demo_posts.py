"""The posts of the demo: made up, under tracking for days already, with all that a post can come to. And somebody who
wrote to one of their accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from socialmedia import account_days, accounts, comments, hashtags, inbox
from socialmedia.models import Account, Platform, Post, TrackingState
from socialmedia.practice import posts
from socialmedia.practice.cast import PREFIX, Author
from socialmedia.providers import practice
from socialmedia.tracking import checking, starting

SETTINGS: Final = {
    "TIKTOK_PROVIDER": practice.NAME,
    "RAPIDAPI_KEY": "",
    "TIKTOK_REQUESTS_PER_SECOND": 1000,
    "TIKTOK_REQUESTS_PER_DAY": 1_000_000,
}
"""What the demo runs with: nobody outside is asked, and nobody has to be spared."""
BY: Final = "demo"
OURS, FAN = Author(PREFIX + "ada"), Author("fan.7")
_WORDS: Final = (
    (timedelta(hours=5), "Hi! I love your videos. Which boat is that in the last one?"),
    (timedelta(minutes=40), "And do you take people along?"),
)
_PATIENCE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Planned:
    """A post to put under tracking. Its number, in its id, tells it from the others of its account."""

    word: str
    number: int
    age: timedelta
    """How long ago it is published, and put under tracking a few minutes later."""
    offsets: Sequence[float] | None = None
    has_comments: bool = False


POSTS: Final = (
    Planned("ada", 0, timedelta(days=33), has_comments=True),
    Planned("ada", 2, timedelta(days=12)),
    Planned("ada", 4, timedelta(days=5)),
    # The usual of its account comes first: an alert compares with it.
    Planned("viral", 2, timedelta(days=21)),
    Planned("viral", 4, timedelta(days=16)),
    Planned("viral", 6, timedelta(days=11)),
    Planned("viral", 8, timedelta(days=8)),
    Planned("viral", 1, timedelta(days=2), has_comments=True),
    Planned("vanishing", 0, timedelta(days=4)),
    Planned("shrinking", 0, timedelta(days=6)),
    Planned("hidden", 0, timedelta(days=3)),
    # Checked within the next minutes, so that one can watch.
    Planned("ada", 6, timedelta(hours=9), offsets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 6, 24)),
)


def plant(*, now: datetime) -> int:
    """Put those of them under tracking that are not there yet; returns how many. Their past is played through with
    the ordinary operations, at the times when each check would have been.
    """
    known = _known()
    missing = [planned for planned in POSTS if (planned.word, planned.number) not in known]
    for planned in missing:
        _plant(planned, now=now)
    if missing:
        # As every night; the accounts' figures come as soon as there are workers.
        hashtags.count_day(now=now)
        account_days.order_all(now=now)
    return len(missing)


def write_to_us(*, now: datetime) -> None:
    """Let a fan write to the account that is taken for one of ours; once."""
    ours, fan = _account(OURS, is_own=True, now=now), _account(FAN, is_own=False, now=now)
    conversation = inbox.open_conversation(account=ours, participant=fan, now=now)
    for number, (ago, text) in enumerate(_WORDS):
        inbox.record_inbound(
            conversation=conversation, external_message_id=f"demo-{number}", text=text, sent_at=now - ago, now=now
        )


def _account(author: Author, *, is_own: bool, now: datetime) -> Account:
    return accounts.remember(
        platform=Platform.TIKTOK,
        external_id=author.external_id,
        username=author.handle,
        display_name=author.name,
        is_own=is_own,
        now=now,
    )


def _known() -> set[tuple[str, int]]:
    found = Post.objects.filter(account__username__startswith=PREFIX, tracking_started_at__isnull=False)
    ids = found.values_list("account__username", "external_post_id")
    return {(handle.removeprefix(PREFIX), int(external) % 2**16) for handle, external in ids}


def _plant(planned: Planned, *, now: datetime) -> None:
    published_at = now - planned.age
    made_up = posts.published(Author(PREFIX + planned.word), published_at, number=planned.number)
    began_at = now if planned.offsets else published_at + timedelta(minutes=7)
    with practice.at(began_at):
        tracked = starting.track(
            made_up.url,
            offsets=planned.offsets,
            by=BY,
            provider_name=practice.NAME,
            patience=_PATIENCE,
            now=began_at,
        )
    _play(tracked.post.pk, until=now)
    if planned.has_comments:
        comments.fetch(tracked.post.pk, most=100, patience=_PATIENCE, now=now)


def _play(post_id: int, *, until: datetime) -> None:
    """Make each check that was due before now, at its time."""
    latest = None
    while (due_at := _next_check(post_id)) is not None and due_at <= until and due_at != latest:
        with practice.at(due_at):
            checking.check(post_id, patience=_PATIENCE, now=due_at)
        latest = due_at


def _next_check(post_id: int) -> datetime | None:
    return (
        Post.objects.filter(pk=post_id, tracking_state=TrackingState.ACTIVE)
        .values_list("next_check_at", flat=True)
        .first()
    )
