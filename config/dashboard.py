"""The console's first page: a handful of honest figures, each a link to the rows behind it, and two charts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from bots.models import BotControl
from config import charts
from followups import conf
from followups.models import Draft, DraftStatus, FollowUp, FollowUpHistory, FollowUpStatus, StaffFlag, UserProfile
from jobs import checkup, stats
from jobs.admin import health_color
from jobs.models import JobExecution, JobStatus, ScheduledJob
from jobs.pagination import ESTIMATE_ABOVE, estimated_count
from socialmedia.desk import boxes
from socialmedia.desk.boxes import Looking
from socialmedia.models import Conversation, Message, MessageStatus, Post, PostAlert, TrackingState

WEEK, DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True)
class Figure:
    """One number, what it counts, and where its rows are."""

    label: str
    value: str
    address: str
    note: str = ""
    color: str = ""
    """A label's color when the number wants attention."""


@dataclass(frozen=True)
class Group:
    """Figures that belong together."""

    title: str
    figures: list[Figure]


@dataclass(frozen=True)
class Health:
    """The scheduler's state in words."""

    words: str
    color: str
    detail: str


@dataclass(frozen=True)
class Check:
    """What a check of the check-up found, and where more is."""

    name: str
    words: str
    color: str
    detail: str
    address: str
    is_trouble: bool


def environment(request: HttpRequest) -> list[str]:
    """Name the installation in the badge beside the title."""
    if settings.DEBUG:
        return ["Development", "warning"]
    return ["Trial", "info"] if settings.DATABASES["default"]["ENGINE"] == "config.embedded_postgres" else ["", ""]


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures that this person may see to the page."""
    now = timezone.now()
    groups, subjects, may = [], [], request.user.has_perm
    waiting = _waiting(flags=may("followups.view_staffflag"), drafts=may("followups.view_draft"))
    if may("socialmedia.view_conversation"):
        waiting += _inbox(Looking(request.user.pk, now))
    if waiting:
        groups.append(Group("For a person to look at", waiting))
    if may("followups.view_userprofile"):
        groups.append(Group("People", _people()))
    if may("followups.view_followup"):
        groups.append(Group("Follow-ups", _follow_ups(now)))
    if may("jobs.view_scheduledjob"):
        health = stats.scheduler_health(now=now)
        context["health"] = _health(health, now)
        groups.append(Group("Jobs", _jobs(health, now)))
        subjects.append(charts.JOBS)
    if may("jobs.view_healthresult"):
        context["checks"] = _checks(now)
    if may("socialmedia.view_message"):
        groups.append(Group("Outbox", _outbox()))
    if may("socialmedia.view_post"):
        groups.append(Group("Posts", _posts(now, alerts=may("socialmedia.view_postalert"))))
        subjects.append(charts.POSTS)
    if may("followups.view_followuphistory"):
        subjects.append(charts.FOLLOW_UPS)
    context["groups"], context["charts"] = groups, charts.draw(subjects, now=now)
    return context


def _list(model: str, **filters: str | int) -> str:
    return reverse(f"admin:{model}_changelist", query=filters)


def _since(column: str, moment: datetime) -> dict[str, str]:
    """The parameters of a list's filter that starts at a time."""
    local = timezone.localtime(moment)
    return {f"{column}_from_0": f"{local:%Y-%m-%d}", f"{column}_from_1": f"{local:%H:%M:%S}"}


def _waiting(*, flags: bool, drafts: bool) -> list[Figure]:
    """What nobody but a person can deal with, for who may see it."""
    figures = []
    if flags:
        unsettled = StaffFlag.objects.filter(settled_at=None).count()
        note = "Somebody may need help" if unsettled else ""
        address = _list("followups_staffflag", state="open")
        figures.append(Figure("Open flags", f"{unsettled:,}", address, note, "danger" if unsettled else ""))
    if drafts:
        unread = Draft.objects.filter(status=DraftStatus.WAITING).count()
        note = "Wait for approval" if unread else ""
        address = _list("followups_draft")  # which shows at first what waits
        figures.append(Figure("Drafts", f"{unread:,}", address, note, "warning" if unread else ""))
    return figures


def _inbox(looking: Looking) -> list[Figure]:
    """The boxes of the inbox in which somebody waits."""
    rows, address = Conversation.objects.order_by(), "socialmedia_conversation"
    unread, by_hand = (boxes.find(name).rows(rows, looking).count() for name in ("unread", "by_hand"))
    return [
        Figure("Unread conversations", f"{unread:,}", _list(address, box="unread")),
        Figure("Conversations to answer by hand", f"{by_hand:,}", _list(address, box="by_hand")),
    ]


def _people() -> list[Figure]:
    estimate = estimated_count(UserProfile)
    total = f"≈ {estimate:,}" if estimate > ESTIMATE_ABOVE else f"{UserProfile.objects.count():,}"
    limits = conf.current()
    opted_in = UserProfile.objects.filter(follow_ups_enabled=True).count()
    return [
        Figure("Members", total, _list("followups_userprofile")),
        Figure(
            "Opted in",
            f"{opted_in:,}",
            _list("followups_userprofile", follow_ups_enabled__exact=1),
            "Only these get messages" if limits.enabled else "Follow-ups are switched off",
            "" if limits.enabled else "warning",
        ),
    ]


def _follow_ups(now: datetime) -> list[Figure]:
    pending = FollowUp.objects.filter(status=FollowUpStatus.PENDING).count()
    sent = FollowUpHistory.objects.filter(sent_at__gt=now - WEEK).aggregate(
        all=Count("pk"), answered=Count("pk", filter=Q(response_received=True))
    )
    rate = f"{sent['answered'] * 100 // sent['all']}% of those sent" if sent["all"] else ""
    span = _since("sent_at", now - WEEK)
    history = "followups_followuphistory"
    return [
        Figure("Pending", f"{pending:,}", _list("followups_followup", status__exact="pending")),
        Figure("Sent in 7 days", f"{sent['all']:,}", _list(history, **span)),
        Figure("Of these, answered", f"{sent['answered']:,}", _list(history, response_received__exact=1, **span), rate),
    ]


def _jobs(health: stats.SchedulerHealth, now: datetime) -> list[Figure]:
    failed = JobExecution.objects.filter(execution_time__gt=now - DAY, status=JobStatus.FAILED).count()
    jobs = "jobs_scheduledjob"
    unknown = ScheduledJob.objects.filter(status=JobStatus.UNKNOWN).count()
    return [
        Figure(
            "Pending",
            f"{'≈ ' if health.is_pending_estimate else ''}{health.pending:,}",
            _list(jobs, status__exact="pending"),
        ),
        Figure(
            "Overdue",
            f"{health.overdue:,}",
            _list(jobs, due="late"),
            "Due and not started" if health.overdue else "",
            "warning" if health.overdue else "",
        ),
        Figure(
            "Failed attempts in 24 hours",
            f"{failed:,}",
            _list("jobs_jobexecution", status__exact="failed", **_since("execution_time", now - DAY)),
            "",
            "danger" if failed else "",
        ),
        Figure(
            "For a person to settle",
            f"{unknown:,}",
            _list(jobs, status__exact="unknown"),
            "Nobody knows whether they ran" if unknown else "",
            "warning" if unknown else "",
        ),
    ]


def _outbox() -> list[Figure]:
    # Three counts, not one: each can use its own partial index.
    queued = Message.objects.filter(status=MessageStatus.QUEUED).count()
    sending = Message.objects.filter(status=MessageStatus.SENDING).count()
    unknown = Message.objects.filter(status=MessageStatus.UNKNOWN).count()
    messages = "socialmedia_message"
    stopped = BotControl.objects.filter(account__is_active=True, stopped_at__isnull=False).first()
    note = f"The bot was stopped by {stopped.stopped_by}" if stopped else "Waiting for the bot"
    return [
        Figure("Queued", f"{queued:,}", _list(messages, status__exact="queued"), note, "warning" if stopped else ""),
        Figure("Being sent", f"{sending:,}", _list(messages, status__exact="sending")),
        Figure(
            "Delivery unknown",
            f"{unknown:,}",
            _list(messages, status__exact="unknown"),
            "Somebody must look whether they arrived" if unknown else "",
            "warning" if unknown else "",
        ),
    ]


def _posts(now: datetime, *, alerts: bool) -> list[Figure]:
    # Separate counts, not one: each can use its own index. Partial ones want to hear what goes without saying.
    posts, active = "socialmedia_post", Post.objects.filter(tracking_state=TrackingState.ACTIVE)
    tracked = active.filter(tracking_started_at__isnull=False).count()
    due = active.filter(tracking_complete=False, next_check_at__lte=now).count()
    gone = Post.objects.filter(tracking_state=TrackingState.UNAVAILABLE, deleted_at__gt=now - WEEK).count()
    figures = [
        Figure("Tracked", f"{tracked:,}", _list(posts, tracking_state__exact=TrackingState.ACTIVE.value)),
        Figure("Checks due now", f"{due:,}", _list(posts, look="due")),
        Figure("Gone in 7 days", f"{gone:,}", _list(posts, look="gone")),
    ]
    if alerts:
        unseen = PostAlert.objects.filter(seen_at=None).count()
        note = "Far above usual" if unseen else ""
        address = _list("socialmedia_postalert", state="new")
        figures.append(Figure("New alerts", f"{unseen:,}", address, note, "warning" if unseen else ""))
    return figures


def _health(health: stats.SchedulerHealth, now: datetime) -> Health:
    if not health.enabled:
        return Health("Switched off", "warning", "JOB_SCHEDULER_ENABLED is false: jobs wait.")
    if not health.running:
        if health.last_heartbeat_at is None:
            detail = "No cluster has ever run. Start one with: manage.py qcluster"
        else:
            ago = str(timesince(health.last_heartbeat_at, now, depth=1)).replace("\xa0", " ")
            detail = f"The last sign of life of a cluster is {ago} old. Jobs wait until one runs."
        return Health("Not running", "danger", detail)
    clusters = f"{health.clusters} cluster{'' if health.clusters == 1 else 's'} at work"
    if health.paused:
        names = "everything" if "*" in health.paused else ", ".join(health.paused)
        return Health("Paused", "warning", f"{clusters}, but not started: {names}. See Pauses.")
    if health.overdue:
        return Health("Behind", "warning", f"{clusters}, but {health.overdue:,} jobs are overdue.")
    return Health("Running", "success", f"{clusters}, nothing is overdue.")


def _checks(now: datetime) -> list[Check]:
    """What the check-up found last: what wants attention comes first."""
    checks = [
        Check(
            result.check_name.capitalize(),
            str(result.get_status_display()) if checkup.is_fresh(result, now=now) else "Not checked lately",
            health_color(result, now=now),
            result.detail,
            reverse("admin:jobs_healthresult_change", args=[result.pk]),
            checkup.is_trouble(result, now=now),
        )
        for result in checkup.latest()
    ]
    return sorted(checks, key=lambda check: not check.is_trouble)
