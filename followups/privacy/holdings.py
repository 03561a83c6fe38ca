"""Where anything about a member is kept: one entry per table. What is exported and what is erased is this list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from followups.models import (
    Absence,
    Booking,
    ConsentReceipt,
    Draft,
    FollowUp,
    FollowUpHistory,
    Goal,
    Holdout,
    MessageEmotion,
    PolicyDecision,
    Rhythm,
    StaffFlag,
    UserProfile,
)
from jobs.models import JobExecution, Report, ScheduledJob
from socialmedia.models import (
    Account,
    AutomationAction,
    Channel,
    ChannelActivity,
    ChatImport,
    Conversation,
    Message,
    Platform,
)


@dataclass(frozen=True)
class Holding:
    """One table's rows about a member."""

    subject: str
    """What an export calls them."""
    model: type[Model]
    rows: Callable[[UserProfile], QuerySet[Any]]
    before_erasure: Callable[[UserProfile, datetime], object] | None = None
    """What must be done before the rows go, as to keep the way to something outside of the database."""


def table_of(model: type[Model]) -> str:
    """The name of the model's table."""
    return model._meta.db_table  # noqa: SLF001 - Django's documented interface


def _follow_ups(member: UserProfile) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(user=member)


def _job_ids(member: UserProfile) -> QuerySet[FollowUp, str]:
    return _follow_ups(member).exclude(job_id="").values_list("job_id", flat=True)


def _conversations(member: UserProfile) -> QuerySet[Conversation]:
    """By idx_conversations_participant. Networks without ids of their own know people by their handle."""
    theirs = Q(participant_id=member.user_id)
    if member.account.platform != Platform.DISCORD:
        theirs |= Q(platform=member.account.platform, participant_username=member.account.username)
    return Conversation.objects.filter(theirs)


def _private_channels(member: UserProfile) -> QuerySet[Channel]:
    """What an imported private chat left: on Discord its channel bears the other person's name."""
    threads = _conversations(member).exclude(external_channel_id="").values("external_channel_id")
    return Channel.objects.filter(platform=member.account.platform, guild_id="", external_id__in=threads)


HOLDINGS: Final = [
    # In this order they are deleted: what refers to something goes before it. Each by an index of its table.
    Holding("drafts", Draft, lambda member: Draft.objects.filter(follow_up__user=member)),
    Holding("holdouts", Holdout, lambda member: Holdout.objects.filter(user=member)),
    Holding("emotions", MessageEmotion, lambda member: MessageEmotion.objects.filter(user=member)),
    Holding("rhythm", Rhythm, lambda member: Rhythm.objects.filter(user=member)),
    Holding("flags", StaffFlag, lambda member: StaffFlag.objects.filter(user=member)),
    Holding("bookings", Booking, lambda member: Booking.objects.filter(user=member)),
    Holding("goals", Goal, lambda member: Goal.objects.filter(user=member)),
    Holding("absences", Absence, lambda member: Absence.objects.filter(user=member)),
    Holding("sent_follow_ups", FollowUpHistory, lambda member: FollowUpHistory.objects.filter(user=member)),
    Holding("decisions", PolicyDecision, lambda member: PolicyDecision.objects.filter(user_id=member.user_id)),
    Holding("job_reports", Report, lambda member: Report.objects.filter(job_id__in=_job_ids(member))),
    Holding("job_attempts", JobExecution, lambda member: JobExecution.objects.filter(job_id__in=_job_ids(member))),
    Holding("jobs", ScheduledJob, lambda member: ScheduledJob.objects.filter(job_id__in=_job_ids(member))),
    Holding("follow_ups", FollowUp, _follow_ups),
    Holding("messages", Message, lambda member: Message.objects.filter(conversation__in=_conversations(member))),
    Holding("consent", ConsentReceipt, lambda member: ConsentReceipt.objects.filter(user=member)),
    Holding("channel_activity", ChannelActivity, lambda member: ChannelActivity.objects.filter(author=member.account)),
    Holding(
        "chat_imports", ChatImport, lambda member: ChatImport.objects.filter(channel__in=_private_channels(member))
    ),
    Holding("private_channels", Channel, _private_channels),
    Holding("conversations", Conversation, _conversations),
    Holding(
        "actions",
        AutomationAction,
        lambda member: AutomationAction.objects.filter(target_type="user", target_id=member.user_id),
    ),
    Holding("profile", UserProfile, lambda member: UserProfile.objects.filter(pk=member.pk)),
    Holding("account", Account, lambda member: Account.objects.filter(pk=member.account_id)),
]


def hold(holding: Holding) -> None:
    """Add a table of a layer above, once, when its app is ready. It goes before all others: it may refer to them."""
    if holding.subject not in {known.subject for known in HOLDINGS}:
        HOLDINGS.insert(0, holding)


def console_log(member: UserProfile) -> QuerySet[LogEntry]:
    """What staff did in the console with any row about the member. Reads the whole log: it is small, and this rare."""
    about = Q(pk__in=[])
    for holding in HOLDINGS:
        keys = holding.rows(member).annotate(as_text=Cast("pk", TextField())).values("as_text")
        about |= Q(content_type=ContentType.objects.get_for_model(holding.model), object_id__in=keys)
    return LogEntry.objects.filter(about)
