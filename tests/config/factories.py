"""Staff, keys, and a community with something in every state, for the console's and the API's tests."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import transaction

from bots.models import BotControl
from config import keys
from followups import campaigns, consent, flags, members, readings
from followups.models import (
    Booking,
    Draft,
    DraftStatus,
    ErasureReceipt,
    FollowUp,
    FollowUpHistory,
    PolicyDecision,
    UserProfile,
)
from jobs.models import ClusterHeartbeat, HealthResult, JobExecution, JobPause, JobStatus, ScheduledJob, new_job_id
from socialmedia import inbox, outbox
from socialmedia.models import (
    Account,
    AccountSnapshot,
    ApiUsage,
    Comment,
    Conversation,
    Hashtag,
    HashtagDay,
    Message,
    Post,
    PostAlert,
    PostHashtag,
    ProviderBudget,
    SearchKind,
    SearchResult,
    SearchRun,
    Sentiment,
    TrackingState,
)
from tests.socialmedia.factories import make_action, make_bot, make_person, make_tiktok_account
from tests.socialmedia.post_factories import make_creator, make_post, make_snapshot

NAMES = ("Ada", "Ben", "Cleo", "Dara", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun")
_numbers = count(1)


def make_superuser(username: str = "boss") -> User:
    """A person who may do everything."""
    return User.objects.create_superuser(username)  # without a password: hashing one takes long


def make_staff(*permissions: str, username: str = "staff") -> User:
    """A person with some permissions, each `app.codename`."""
    user = User.objects.create_user(username, is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_key(*scopes: str, name: str = "robot") -> str:
    """An API key's secret."""
    return keys.create(name=name, scopes=scopes).secret


def make_job(status: str = JobStatus.PENDING, *, now: datetime, **values: Any) -> ScheduledJob:
    """A job in some state, without running it."""
    due = values.pop("due", now + timedelta(hours=1))
    fields: dict[str, Any] = {
        "job_id": new_job_id(),
        "job_type": "custom",
        "scheduled_time": due,
        "next_attempt_at": due,
        "payload": {"note": "hello"},
        "status": status,
    }
    if status == JobStatus.RUNNING:
        fields |= {"lease_token": new_job_id(), "lease_expires_at": now + timedelta(seconds=30), "started_at": now}
    elif status != JobStatus.PENDING:
        fields["completed_at"] = now
    return ScheduledJob.objects.create(**{**fields, **values})


def make_attempt(job: ScheduledJob, status: str = JobStatus.FAILED, *, now: datetime, error: str = "") -> JobExecution:
    """One attempt of a job."""
    return JobExecution.objects.create(
        job_id=job.job_id,
        job_type=job.job_type,
        execution_time=now,
        duration_ms=120,
        status=status,
        error_message=error or None,
        worker="host:1",
    )


def make_member(name: str = "", *, opted_in: bool = False, **values: Any) -> UserProfile:
    """A member, with a receipt when opted in."""
    number = next(_numbers)
    name = name or f"{NAMES[number % len(NAMES)]} {number}"
    profile = members.remember(make_person(username=name.lower().replace(" ", "."), display_name=name))
    if opted_in:
        consent.grant(user_id=profile.user_id, source="slash_command", evidence=f"interaction {number}", actor=name)
    if values:
        UserProfile.objects.filter(pk=profile.pk).update(**values)
    profile.refresh_from_db()
    return profile


@transaction.atomic
def make_conversation(profile: UserProfile, bot: Account, *, now: datetime) -> Conversation:
    """A thread with one message from them and one answer from us."""
    conversation = inbox.open_conversation(account=bot, participant=profile.account, now=now)
    sent_at = now - timedelta(hours=2)
    message = inbox.record_inbound(
        conversation=conversation,
        external_message_id=f"m{profile.user_id}",
        text="Hi there, is the event still on?",
        sent_at=sent_at,
        now=now,
    )
    if message is not None:
        readings.take_in(message, user_id=profile.user_id, at=sent_at, now=now)
        detail = "Sounded sad: 0.21 of 1."
        flags.raise_flag(kind="escalation", user_id=profile.user_id, message=message, detail=detail, now=sent_at)
    outbox.queue_reply(conversation=conversation, text="Yes, at eight.", now=now)
    return conversation


def make_follow_up(profile: UserProfile, status: str = "pending", *, now: datetime, **values: Any) -> FollowUp:
    """A follow-up in some state, with a decision of the policy."""
    fields: dict[str, Any] = {"trigger_type": "inactivity", "scheduled_at": now + timedelta(days=1), "status": status}
    if status == "executed":
        fields["executed_at"] = now - timedelta(days=1)
    if status == "cancelled":
        fields["cancelled_at"] = now
    if status == "skipped":
        fields["reason"] = "consent: The member has opted out; only those who opted in get messages."
    row = FollowUp.objects.create(user=profile, dedupe_key=f"key {next(_numbers)}", **{**fields, **values})
    PolicyDecision.objects.create(
        follow_up_id=row.pk,
        user_id=profile.user_id,
        trigger_type=row.trigger_type,
        asked_by="planning",
        verdict="send" if status != "skipped" else "drop",
        gate="consent" if status == "skipped" else "",
        reason="Every condition is met." if status != "skipped" else "The member has opted out.",
    )
    if status == "executed":
        FollowUpHistory.objects.create(
            user=profile,
            message_sent=f"Hi {profile.name}, how are you these days?",
            sent_at=now - timedelta(days=1),
            response_received=True,
            response_time=now - timedelta(hours=20),
            follow_up=row,
        )
    return row


def make_draft(follow_up: FollowUp, status: str = "waiting", *, now: datetime, **values: Any) -> Draft:
    """A text by a model in some state, with its source."""
    said = Message.objects.filter(conversation__participant_id=follow_up.user_id, is_outgoing=False).order_by("-id")
    newest = said.values_list("pk", flat=True).first()
    fields: dict[str, Any] = {
        "text": "Hi! Was the event good?",
        "claims": [{"says": "the event", "source": f"m{newest}"}],
        "newest_message_id": newest,
        "model": "stub",
        "seconds": 1.5,
        "expires_at": now + timedelta(hours=20),
    }
    return Draft.objects.create(follow_up=follow_up, status=status, **{**fields, **values})


def make_health_result(status: str = "ok", *, now: datetime, **values: Any) -> HealthResult:
    """What a check of the check-up found."""
    fields: dict[str, Any] = {
        "check_name": f"check {next(_numbers)}",
        "detail": "All is well.",
        "began_at": now,
        "checked_at": now,
        "duration_ms": 3,
        "worker": "host:1",
    }
    return HealthResult.objects.create(status=status, **{**fields, **values})


def make_provider_calls(*, now: datetime) -> None:
    """A provider that was asked, answered, failed, and was stopped."""
    ProviderBudget.objects.get_or_create(
        provider_name="rapidapi",
        defaults={"day": now.date(), "used": 3, "refusals": 1, "blocked_until": now + timedelta(hours=1)},
    )
    for success, code in ((True, ""), (False, "refused"), (None, "")):
        ApiUsage.objects.create(
            provider_name="rapidapi", platform="tiktok", endpoint="video", success=success, error_code=code
        )


def make_posts(size: int, *, now: datetime) -> None:
    """Posts in every state, with looks at them and an alert each."""
    states = list(TrackingState)
    for number in range(size):
        state, start = states[number % len(states)], now - timedelta(hours=7)
        post = make_post(
            make_creator(NAMES[number % len(NAMES)].lower()), tracking_state=state, tracking_started_at=start
        )
        if state == TrackingState.UNAVAILABLE:
            Post.objects.filter(pk=post.pk).update(deleted_at=now)
        for hours in range(4):
            make_snapshot(post, hours=hours, views=100 * (hours + number), likes=hours)
        PostAlert.objects.create(
            post=post,
            tracking_round=post.tracking_round,
            metric="views",
            at_hours=3,
            value=9_000,
            usual=1_000,
            ratio=9,
            created_at=now,
        )


def make_discoveries(size: int, *, now: datetime) -> None:
    """Comments with answers, hashtags with their days, and searches of each kind, about the posts that there are."""
    today, kinds, moods = now.date(), list(SearchKind), ["", *Sentiment]
    posts = list(enumerate(Post.objects.order_by("pk")[:size]))
    by_reader = {"platform": "tiktok", "commented_at": now, "author_username": "reader"}
    comments = Comment.objects.bulk_create(
        Comment(**by_reader, post=post, external_comment_id=f"c{number}", sentiment=moods[number % 4], replies_count=1)
        for number, post in posts
    )
    Comment.objects.bulk_create(
        Comment(**by_reader, post=row.post, external_comment_id=f"r{row.pk}", parent_comment=row, is_reply=True)
        for row in comments
    )
    hashtags = Hashtag.objects.bulk_create(
        Hashtag(hashtag=f"tag{number}", total_uses=1, total_views=1_000 * number) for number, _ in posts
    )
    PostHashtag.objects.bulk_create(PostHashtag(post=post, hashtag=hashtags[number]) for number, post in posts)
    HashtagDay.objects.bulk_create(
        HashtagDay(hashtag=row, day=today - timedelta(days=back), posts_count=1, views_count=1_000 - back)
        for row in hashtags
        for back in range(3)
    )
    AccountSnapshot.objects.bulk_create(
        AccountSnapshot(account_id=account_id, snapshot_date=today, followers_count=9, followers_growth=-1)
        for account_id in {post.account_id for _, post in posts}
    )
    runs = SearchRun.objects.bulk_create(
        SearchRun(kind=kinds[number % 3], query="lamp", status="done", results_count=1) for number, _ in posts
    )
    SearchResult.objects.bulk_create(
        SearchResult(search=run, position=1, username="ada", title="A lamp", url="https://www.tiktok.com/@ada/video/7")
        for run in runs
    )


def make_community(size: int, *, now: datetime) -> list[UserProfile]:
    """Members with follow-ups, conversations and jobs, in every state."""
    bot, shop, profiles = make_bot(), make_tiktok_account(), []
    states = ("pending", "executed", "cancelled", "skipped", "failed")
    for number in range(size):
        quiet = timedelta(hours=5) if number % 4 == 0 else timedelta(days=2 + number)
        profile = make_member(
            opted_in=number % 3 != 0,
            last_interaction=now - quiet,
            first_interaction=now - timedelta(days=200),
            relationship_level=1 + number % 4,
            unreachable_since=now - timedelta(days=3) if number % 11 == 10 else None,
        )
        profiles.append(profile)
        make_conversation(profile, bot, now=now)
        job = make_job(list(JobStatus)[number % len(JobStatus)], now=now, due=now + timedelta(hours=number - size // 2))
        make_attempt(job, "failed" if number % 2 else "completed", now=now, error="Time-out after 10 s." * (number % 2))
        Booking.objects.create(user=profile, name="Party", event_at=now - quiet, booking_id=f"booking {number}")
        follow_up = make_follow_up(profile, states[number % len(states)], now=now, job_id=job.job_id)
        make_draft(follow_up, list(DraftStatus)[number % len(DraftStatus)], now=now)
        make_action(shop, now=now - timedelta(hours=number), success=(None, True, False)[number % 3])
    make_posts(size, now=now)
    make_discoveries(size, now=now)
    ClusterHeartbeat.objects.update_or_create(cluster="host:1", defaults={"beat_at": now})
    make_health_result(now=now)
    make_provider_calls(now=now)
    campaigns.ensure()
    ErasureReceipt.objects.create(digest="0" * 64, source="api", evidence="form 1", actor="key", counts={"goals": 1})
    BotControl.objects.get_or_create(account=bot)
    JobPause.objects.get_or_create(job_type="custom", defaults={"paused_at": now, "paused_by": "boss"})
    return profiles
