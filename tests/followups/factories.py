"""Members and follow-ups for tests, and the ways to bring them along."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from followups import consent, execution, members, planning, responses
from followups.models import FollowUp, FollowUpHistory, UserProfile
from followups.planning import FollowUpMessage
from jobs.models import ScheduledJob
from jobs.registry import Attempt
from socialmedia import inbox, outbox
from socialmedia.models import Account, Conversation, Message
from tests.socialmedia.factories import make_bot, make_person

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def make_member(*, opted_in: bool = True, **changes: Any) -> UserProfile:
    """A member who was last active three days before NOON."""
    profile = members.remember(make_person())
    if opted_in:
        opt_in(profile)
    changes = {"last_interaction": NOON - 3 * DAY, **changes}
    UserProfile.objects.filter(pk=profile.pk).update(**changes)
    profile.refresh_from_db()
    return profile


def opt_in(profile: UserProfile) -> int:
    """Record the member's consent and return the receipt's id."""
    return consent.grant(user_id=profile.pk, source="slash_command", evidence="interaction 1", actor=profile.pk).pk


def opt_out(profile: UserProfile, *, now: datetime = NOON) -> consent.Withdrawal:
    """Record the member's withdrawal."""
    return consent.withdraw(
        user_id=profile.pk, source="slash_command", evidence="interaction 2", actor=profile.pk, now=now
    )


def make_plan(profile: UserProfile, *, trigger: str = "custom", due_at: datetime = NOON, **more: Any) -> FollowUp:
    """A planned follow-up, due at NOON."""
    made = planning.plan(user_id=profile.pk, trigger=trigger, due_at=due_at, **{"now": NOON, **more})
    assert made.created, made.decision
    assert made.follow_up is not None
    return made.follow_up


def start_job(follow_up: FollowUp) -> Attempt[FollowUpMessage]:
    """Claim the follow-up's job, whatever its due time."""
    token = uuid.uuid4()
    job = ScheduledJob.objects.get(job_id=follow_up.job_id)
    ScheduledJob.objects.filter(job_id=job.job_id).update(
        status="running", worker="test", lease_token=token, lease_expires_at=datetime(2099, 1, 1, tzinfo=UTC)
    )
    return Attempt(
        job_id=job.job_id,
        job_type=job.job_type,
        payload=FollowUpMessage(**job.payload),
        scheduled_time=job.scheduled_time,
        number=1,
        lease_token=token,
    )


def execute(follow_up: FollowUp, *, now: datetime = NOON) -> FollowUp:
    """Run the follow-up's job and return what became of the follow-up."""
    execution.execute(start_job(follow_up), now=now)
    follow_up.refresh_from_db()
    return follow_up


def put_back(follow_up: FollowUp) -> None:
    """Put the follow-up's job back as the engine does after a hold."""
    ScheduledJob.objects.filter(job_id=follow_up.job_id).update(
        status="pending", completed_at=None, lease_token=None, lease_expires_at=None
    )


def make_queued(profile: UserProfile, *, bot: Account | None = None, trigger: str = "custom", **more: Any) -> FollowUp:
    """A follow-up whose message waits in the outbox."""
    if not Account.objects.filter(is_own=True).exists():
        make_bot()
    follow_up = execute(make_plan(profile, trigger=trigger, **more))
    assert follow_up.message is not None, follow_up.reason
    return follow_up


def execute_again(follow_up: FollowUp, *, now: datetime) -> FollowUp:
    """Run a job again that the engine would have put back."""
    put_back(follow_up)
    return execute(follow_up, now=now)


def make_sent(profile: UserProfile, *, at: datetime, trigger: str = "custom") -> FollowUpHistory:
    """A follow-up that reached the member."""
    follow_up = FollowUp.objects.create(
        user=profile,
        trigger_type=trigger,
        scheduled_at=at,
        executed_at=at,
        status="executed",
        dedupe_key=f"test:{uuid.uuid4()}",
    )
    return FollowUpHistory.objects.create(user=profile, follow_up=follow_up, message_sent="Hi!", sent_at=at)


def make_thread(profile: UserProfile) -> Conversation:
    """The member's conversation with a bot of ours."""
    own = Account.objects.filter(is_own=True).first() or make_bot()
    return inbox.open_conversation(account=own, participant=profile.account, now=NOON)


def make_automated(profile: UserProfile, *, now: datetime = NOON) -> Message:
    """An automated message in the outbox that is no follow-up."""
    return outbox.queue_automated(
        conversation=make_thread(profile), text="Hello!", permission=consent.require(profile.pk), now=now
    )


def say(profile: UserProfile, text: str, *, at: datetime = NOON, now: datetime | None = None, **more: Any) -> Message:
    """Take in a private message of the member as the bot does, in one transaction."""
    now = now or max(at, NOON)
    with transaction.atomic():
        members.lock(profile.pk)
        message = inbox.record_inbound(
            conversation=make_thread(profile),
            external_message_id=uuid.uuid4().hex,
            text=text,
            sent_at=at,
            now=now,
            **more,
        )
        assert message is not None
        responses.record_activity(profile, at=at, is_private=True, message=message, now=now)
    profile.refresh_from_db()
    return message
