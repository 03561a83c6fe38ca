"""What waits to be posted for staff: queued once by its key, claimed by one poster, in order within each thread."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from bots.models import StaffPost, StaffPostStatus
from bots.splitting import parts

LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Post:
    """Something that staff shall see. `conversation_id` None: in the staff channel, else in that member's thread."""

    key: str
    text: str
    conversation_id: int | None = None
    user_id: str = ""
    """The member whom a post in the staff channel names."""


@dataclass(frozen=True)
class Claimed:
    """A post to be sent. `token` is the right to record its outcome until the lease runs out."""

    row: StaffPost
    token: uuid.UUID
    is_untried: bool


def queue(posts: Iterable[Post], *, account_id: int) -> int:
    """Queue what is not known yet by its key; a long text in several posts. Returns how many are new."""
    rows = [row for post in posts for row in _rows(post, account_id=account_id)]
    known = set(StaffPost.objects.filter(key__in=[row.key for row in rows]).values_list("key", flat=True))
    new = [row for row in rows if row.key not in known]
    StaffPost.objects.bulk_create(new, ignore_conflicts=True)  # another process may have queued it since
    return len(new)


def _rows(post: Post, *, account_id: int) -> list[StaffPost]:
    return [
        StaffPost(
            account_id=account_id,
            key=post.key if number == 1 else f"{post.key}:{number}",
            text=text,
            conversation_id=post.conversation_id,
            user_id=post.user_id,
        )
        for number, text in enumerate(parts(post.text), start=1)
    ]


@transaction.atomic
def claim(*, account_id: int, now: datetime) -> Claimed | None:
    """Take the oldest post that may go now: due, or left by a poster that died, and none before it in its thread."""
    is_open = Q(status__in=[StaffPostStatus.QUEUED, StaffPostStatus.SENDING])
    earlier = StaffPost.objects.filter(is_open, conversation=OuterRef("conversation"), pk__lt=OuterRef("pk"))
    due = Q(status=StaffPostStatus.QUEUED, next_attempt_at__lte=now)
    stranded = Q(status=StaffPostStatus.SENDING, lease_expires_at__lte=now)
    rows = StaffPost.objects.filter(is_open, due | stranded, account_id=account_id, withdrawn_at=None)
    candidates = rows.exclude(Exists(earlier))
    candidates = candidates.select_related("conversation").order_by("id")
    row = candidates.select_for_update(of=("self",), skip_locked=True).first()
    if row is None:
        return None
    token = uuid.uuid4()
    taken = Claimed(row, token, is_untried=row.first_attempt_at is None)
    row.attempts += 1
    row.first_attempt_at = row.first_attempt_at or now
    row.status, row.lease_token, row.lease_expires_at = StaffPostStatus.SENDING, token, now + LEASE
    row.save(update_fields=["attempts", "first_attempt_at", "status", "lease_token", "lease_expires_at"])
    return taken


def record_sent(claimed: Claimed, *, message_id: str, channel_id: str = "") -> bool:
    """It is there, and its words need not be here any more. False when the lease was lost."""
    return _settle(
        claimed, status=StaffPostStatus.SENT, external_message_id=message_id, channel_id=channel_id, text="", error=""
    )


def record_failed(claimed: Claimed, *, error: str) -> bool:
    """Discord refused it for good. False when the lease was lost."""
    return _settle(claimed, status=StaffPostStatus.FAILED, error=error)


def release(claimed: Claimed, *, next_attempt_at: datetime, error: str) -> bool:
    """Back to the queue. False when the lease was lost."""
    return _settle(claimed, status=StaffPostStatus.QUEUED, next_attempt_at=next_attempt_at, error=error)


def _settle(claimed: Claimed, **changes: Any) -> bool:
    held = StaffPost.objects.filter(pk=claimed.row.pk, lease_token=claimed.token)
    return held.update(lease_token=None, lease_expires_at=None, **changes) == 1


def known_message_ids(message_ids: Iterable[str], *, conversation_id: int | None) -> set[str]:
    """Which of these messages of a place are accounted for: other posts, perhaps with the same words."""
    here = Q(conversation=None) if conversation_id is None else Q(conversation=conversation_id)
    rows = StaffPost.objects.filter(here, external_message_id__in=list(message_ids))
    return set(rows.values_list("external_message_id", flat=True))


def withdraw(rows: QuerySet[StaffPost], *, now: datetime) -> int:
    """Let these posts vanish: what waits at once, and of what is in Discord the words, until it is deleted there, too.
    Returns how many are, or may just be, in Discord.
    """
    rows.filter(status__in=[StaffPostStatus.QUEUED, StaffPostStatus.FAILED]).delete()
    return rows.update(text="", user_id="", error="", withdrawn_at=now)


def withdrawn(*, account_id: int, now: datetime) -> list[StaffPost]:
    """Posts that vanish, but for those that somebody is just posting; the longest waiting first."""
    rows = StaffPost.objects.filter(account_id=account_id, withdrawn_at__isnull=False)
    rows = rows.exclude(status=StaffPostStatus.SENDING, lease_expires_at__gt=now)
    return list(rows.order_by("withdrawn_at")[:50])


def prune(*, before: datetime, in_threads_before: datetime) -> int:
    """Forget what was posted, or refused, before these times. What names a member in the staff channel stays known for
    as long as they are: how else could it be deleted in Discord?
    """
    settled = StaffPost.objects.filter(status__in=[StaffPostStatus.SENT, StaffPostStatus.FAILED], withdrawn_at=None)
    notices = settled.filter(conversation__isnull=True, user_id="", created_at__lt=before)
    in_threads = settled.filter(conversation__isnull=False, created_at__lt=in_threads_before)
    return notices.delete()[0] + in_threads.delete()[0]
