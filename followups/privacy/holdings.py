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
    AccountSnapshot,
    AnalyticsFetch,
    AutomationAction,
    Channel,
    ChannelActivity,
    ChatImport,
    Comment,
    Conversation,
    ConversationNote,
    Mention,
    Message,
    Platform,
    Post,
    PostAlert,
    PostHashtag,
    PostSnapshot,
    SearchResult,
    SearchRun,
    StaffReply,
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


def lock_conversations(member: UserProfile) -> None:
    """Whoever works on one of them has finished then, or finds none: in the order of locks they come after the member
    and before what is in them.
    """
    list(_conversations(member).order_by("pk").select_for_update().values_list("pk"))


def _private_channels(member: UserProfile) -> QuerySet[Channel]:
    """What an imported private chat left: on Discord its channel bears the other person's name."""
    threads = _conversations(member).exclude(external_channel_id="").values("external_channel_id")
    return Channel.objects.filter(platform=member.account.platform, guild_id="", external_id__in=threads)


def _actions(member: UserProfile) -> QuerySet[AutomationAction]:
    """What was done to them: by idx_actions_target; where people are known by their handle, read through as a whole."""
    threads = _conversations(member).annotate(key=Cast("pk", TextField())).values("key")
    done = Q(target_type="user", target_id=member.user_id) | Q(target_type="conversation", target_id__in=threads)
    if member.account.platform != Platform.DISCORD:
        done |= Q(platform=member.account.platform, target_username__iexact=member.account.username)
    return AutomationAction.objects.filter(done)


def _posts(member: UserProfile) -> QuerySet[Post]:
    return Post.objects.filter(account=member.account)


def _comments(member: UserProfile) -> QuerySet[Comment]:
    """What they wrote below anybody's posts, and what stands below theirs."""
    account = member.account
    written = Q(author_id=account.external_id or "") & ~Q(author_id="")
    if account.platform != Platform.DISCORD:
        written |= Q(author_username=account.username)
    return Comment.objects.filter(Q(platform=account.platform) & written | Q(post__in=_posts(member)))


def _mentions(member: UserProfile) -> QuerySet[Mention]:
    """Where they are named, and whom their posts name."""
    account = member.account
    handles = {account.username, account.username.lower()}  # captions are read in small letters
    named = Q(platform=account.platform, mentioned_username__in=handles)
    return Mention.objects.filter(named | Q(post__in=_posts(member)))


def _searches(member: UserProfile) -> QuerySet[SearchRun]:
    """Who looked for them by their handle. People search one by one: these are few, and read through as a whole."""
    account = member.account
    sought = Q(query__iexact=account.username) | Q(query__iexact=f"@{account.username}")
    return SearchRun.objects.filter(sought, platform=account.platform)


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
    Holding(
        "staff_replies", StaffReply, lambda member: StaffReply.objects.filter(conversation__in=_conversations(member))
    ),
    Holding(
        "notes",
        ConversationNote,
        lambda member: ConversationNote.objects.filter(conversation__in=_conversations(member)),
    ),
    Holding("messages", Message, lambda member: Message.objects.filter(conversation__in=_conversations(member))),
    Holding("consent", ConsentReceipt, lambda member: ConsentReceipt.objects.filter(user=member)),
    Holding("channel_activity", ChannelActivity, lambda member: ChannelActivity.objects.filter(author=member.account)),
    Holding(
        "chat_imports", ChatImport, lambda member: ChatImport.objects.filter(channel__in=_private_channels(member))
    ),
    Holding("private_channels", Channel, _private_channels),
    Holding("actions", AutomationAction, _actions),
    Holding("conversations", Conversation, _conversations),
    Holding("comments", Comment, _comments),
    Holding("mentions", Mention, _mentions),
    Holding("post_hashtags", PostHashtag, lambda member: PostHashtag.objects.filter(post__in=_posts(member))),
    Holding("post_alerts", PostAlert, lambda member: PostAlert.objects.filter(post__in=_posts(member))),
    Holding("post_snapshots", PostSnapshot, lambda member: PostSnapshot.objects.filter(post__in=_posts(member))),
    Holding("posts", Post, _posts),
    Holding("account_days", AccountSnapshot, lambda member: AccountSnapshot.objects.filter(account=member.account)),
    Holding("fetches", AnalyticsFetch, lambda member: AnalyticsFetch.objects.filter(account=member.account)),
    Holding(
        "search_results",
        SearchResult,
        lambda member: SearchResult.objects.filter(
            search__platform=member.account.platform, username=member.account.username
        ),
    ),
    Holding("searches", SearchRun, _searches),
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
