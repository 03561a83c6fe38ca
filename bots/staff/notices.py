"""What staff are told in their channel: open flags, messages and jobs that wait for a person, failures, ill health."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from discord.utils import escape_markdown
from django.db import transaction
from django.db.models import CharField, Count, Exists, Max, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, TruncHour
from django.urls import reverse

from bots.models import StaffPost
from bots.staff import posts
from bots.staff.posts import Post
from followups import privacy
from followups.models import FlagKind, StaffFlag
from jobs.models import HealthResult, HealthStatus, JobStatus, ScheduledJob
from socialmedia import conf as conversations
from socialmedia.models import Message, MessageStatus

Row = TypeVar("Row", bound=Model)

LOOK_BACK: Final = timedelta(days=1)
"""What is older when the bot starts is left to the console: nobody wants a year of failures at once."""
FAILURES_LOOK_BACK: Final = timedelta(hours=1)
MOST_AT_ONCE: Final = 20
KEEP: Final = timedelta(days=30)
"""Longer than the time looked back, so that nothing is told twice."""


def collect(*, account_id: int, console_url: str, now: datetime) -> int:
    """Queue what staff have not been told yet, and forget what they were told long ago. Returns how many are new.

    Not while somebody is being forgotten: what was read before must not be written after.
    """
    posts.prune(before=now - KEEP, in_threads_before=now - conversations.current().keep_messages)
    with transaction.atomic():
        return _collect(account_id, console_url, now=now) if privacy.hold_off_at_once() else 0


def _collect(account_id: int, console_url: str, *, now: datetime) -> int:
    found = [*_flags(console_url, now=now), *_doubts(console_url, now=now), *_jobs(console_url, now=now)]
    return posts.queue([*found, *_health(console_url)], account_id=account_id)


def _flags(console_url: str, *, now: datetime) -> Iterator[Post]:
    """Escalations, negative replies and harm; by idx_flags_open."""
    still_open = StaffFlag.objects.filter(settled_at=None, last_raised_at__gte=now - LOOK_BACK).select_related("user")
    # Neither muting nor shutting a conversation silences a call for help.
    still_open = still_open.exclude(~Q(kind=FlagKind.ESCALATION) & _quiet("message__conversation"))
    for flag in _untold(still_open.order_by("-last_raised_at"), "flag"):
        sign = "🚨" if flag.kind == FlagKind.ESCALATION else "⚠️"
        who = f" · {escape_markdown(flag.user.name or flag.user.pk)}" if flag.user is not None else ""
        link = console_url + reverse("admin:followups_staffflag_change", args=[flag.pk])
        text = f"{sign} **{flag.get_kind_display()}**{who}\n{flag.detail}\n<{link}>"
        yield Post(f"flag:{flag.pk}", text, user_id=flag.user_id or "")


def _doubts(console_url: str, *, now: datetime) -> Iterator[Post]:
    """Messages of which nobody knows whether they arrived; by idx_messages_unknown."""
    unknown = Message.objects.filter(status=MessageStatus.UNKNOWN, sent_at__gte=now - LOOK_BACK)
    unknown = unknown.exclude(_quiet("conversation"))
    for message in _untold(unknown.select_related("conversation").order_by("-sent_at"), "unknown"):
        link = console_url + reverse("admin:socialmedia_message_change", args=[message.pk])
        whom = escape_markdown(str(message.conversation))
        text = f"❓ Nobody knows whether a message to **{whom}** arrived: please look and decide.\n<{link}>"
        yield Post(f"unknown:{message.pk}", text, user_id=message.conversation.participant_id)


def _quiet(conversation: str) -> Q:
    """Conversations of which staff want no notices: the console has it."""
    states = ("is_muted", "is_blocked", "is_spam")
    return Q(*((f"{conversation}__{state}", True) for state in states), _connector=Q.OR)


def _jobs(console_url: str, *, now: datetime) -> Iterator[Post]:
    """Jobs that failed for good or ended with an unknown outcome: one post for each type and hour of the clock."""
    ended = ScheduledJob.objects.filter(
        status__in=[JobStatus.FAILED, JobStatus.UNKNOWN], completed_at__gte=now - FAILURES_LOOK_BACK
    )
    per_type = ended.annotate(hour=TruncHour("completed_at")).order_by("hour", "job_type")
    per_type = per_type.values("hour", "job_type", "status").annotate(number=Count("pk"), last=Max("pk"))
    for found in per_type:
        is_failure = found["status"] == JobStatus.FAILED
        what = "failed for good" if is_failure else "ended and nobody knows how"
        number = found["number"]
        jobs = "1 job" if number == 1 else f"{number:,} jobs"
        link = console_url + reverse("admin:jobs_scheduledjob_change", args=[found["last"]])
        key = f"jobs:{found['job_type']}:{found['status']}:{found['hour']:%Y-%m-%dT%H}"
        yield Post(key, f"❌ {jobs} of the type `{found['job_type']}` {what} within the last hour.\n<{link}>")


def _health(console_url: str) -> Iterator[Post]:
    """Checks that fail now; each state once."""
    for result in HealthResult.objects.filter(is_current=True, status=HealthStatus.FAILED):
        link = console_url + reverse("admin:index")
        yield Post(f"health:{result.pk}", f"🩺 **{result.check_name}**: {result.detail}\n<{link}>")


def _untold(rows: QuerySet[Row], prefix: str) -> QuerySet[Row]:
    """Those of which staff have not been told, by the unique index of the keys."""
    key = Concat(Value(f"{prefix}:"), Cast(OuterRef("pk"), CharField()))
    return rows.exclude(Exists(StaffPost.objects.filter(key=key)))[:MOST_AT_ONCE]
