"""A member about whom everything is held that can be held."""

from datetime import timedelta
from itertools import count

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage

from bots.models import StaffPost
from followups import flags, preferences, privacy
from followups.models import (
    Booking,
    Draft,
    ErasureReceipt,
    FollowUp,
    FollowUpHistory,
    Goal,
    Holdout,
    MessageEmotion,
    Rhythm,
    UserProfile,
)
from followups.preferences import Away
from jobs.models import JobExecution, RecurringRun, Report, ScheduledJob
from socialmedia import activity, inbox, outbox
from socialmedia.activity import ChannelRef
from socialmedia.models import (
    Account,
    AccountSnapshot,
    AnalyticsFetch,
    AutomationAction,
    Channel,
    ChatImport,
    Comment,
    Conversation,
    ConversationNote,
    Hashtag,
    Mention,
    Post,
    PostAlert,
    PostHashtag,
    PostSnapshot,
    SearchResult,
    SearchRun,
    StaffReply,
)
from tests.config.factories import make_job
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_plan, make_queued, make_sent, make_thread

GENERAL = ChannelRef(external_id="77", name="general", guild_id="55", guild_name="Harbor")
_numbers = count(1)
_WORDS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND (data_type IN ('text', 'character varying', 'jsonb', 'json', 'ARRAY'))
"""


def make_known(name: str = "Zebulon Quark") -> UserProfile:
    """A member with rows in every table."""
    member = make_member(name=name)
    member.account.__class__.objects.filter(pk=member.account_id).update(
        username=name.lower().replace(" ", "_"), display_name=name
    )
    preferences.change(
        user_id=member.pk,
        add_absence=Away(NOON + 20 * DAY, NOON + 30 * DAY, f"{name} at the sea"),
        birthday_month=2,
        birthday_day=29,
        now=NOON,
    )
    _make_words(member, name)
    _make_plans(member, name)
    _make_moods(member)
    _make_posts(member, name)
    _make_logs(member, name)
    member.refresh_from_db()
    return member


def places_with(*words: str) -> list[str]:
    """Every column of words or JSON, of every table but the templates that came with Checkback, in which one stands."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(_WORDS)
        found = []
        for table, column in cursor.fetchall():
            where = " OR ".join(f"strpos(lower({quote(column)}::text), lower(%s)) > 0" for _ in words)
            if table == "message_templates":
                where = f"({where}) AND NOT is_shipped"  # "nada" holds "Ada"
            cursor.execute(f"SELECT count(*) FROM {quote(table)} WHERE {where}", words)  # noqa: S608 - names of columns
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


def forget(member_id: str, *, evidence: str = "interaction 9") -> ErasureReceipt:
    return privacy.forget(user_id=member_id, source="slash_command", evidence=evidence, actor=member_id, now=NOON)


def _make_words(member: UserProfile, name: str) -> None:
    """A conversation, activity in a channel, and what an imported private chat leaves."""
    thread = make_thread(member)
    Conversation.objects.filter(pk=thread.pk).update(external_channel_id=f"dm {member.pk}")
    StaffPost.objects.create(
        account=thread.account, key=f"message:{member.pk}", conversation=thread, text=f"{name} wrote"
    )
    AutomationAction.objects.create(
        account=thread.account,
        platform="discord",
        action_type="open_dm",
        target_type="user",
        target_id=member.pk,
        target_username=name,
        action_date=NOON.date(),
        action_hour=NOON.hour,
    )
    for number in (next(_numbers), next(_numbers)):
        inbox.record_inbound(
            conversation=thread,
            external_message_id=str(number),
            text=f"{name} here, number {number}",
            sent_at=NOON - 3 * DAY,
            metadata={"author": member.pk},
            now=NOON,
        )
        activity.record(message_id=10**18 + number, channel=GENERAL, author=member.account, sent_at=NOON - 3 * DAY)
    outbox.queue_reply(conversation=thread, text=f"Hello {name}!", now=NOON)
    private = Channel.objects.create(external_id=f"dm {member.pk}", name=name, guild_name="Direct messages")
    ChatImport.objects.create(channel=private, file_name=f"Direct Messages - {name} [{member.pk}].json")


def _make_posts(member: UserProfile, name: str) -> None:
    """A post of theirs with all that hangs on it, and what staff wrote about their conversation."""
    account, number = Account.objects.get(pk=member.account_id), next(_numbers)
    mine = {"platform": account.platform, "post": _make_post(account, f"{name} sails")}
    strangers = Account.objects.create(platform="tiktok", username=f"stranger {number}")
    other = _make_post(strangers, "Somebody's post")
    PostSnapshot.objects.create(
        post=mine["post"], snapshot_date=NOON.date(), captured_at=NOON, raw_data={"author": name}
    )
    PostAlert.objects.create(
        post=mine["post"], tracking_round=1, metric="views", at_hours=1, value=9, usual=1, ratio=9, created_at=NOON
    )
    hashtag = Hashtag.objects.create(hashtag=f"boats{number}")
    PostHashtag.objects.create(post=mine["post"], hashtag=hashtag)
    Mention.objects.create(post=other, platform=account.platform, mentioned_username=account.username)
    for place in (mine["post"], other):
        Comment.objects.create(
            post=place,
            platform=account.platform,
            external_comment_id=f"{place.pk} {number}",
            comment_text=f"{name} was here",
            author_id=account.external_id,
            author_username=account.username,
        )
    AccountSnapshot.objects.create(account=account, snapshot_date=NOON.date(), raw_data={"nickname": name})
    AnalyticsFetch.objects.create(account=account, job_type="daily_snapshot", error_message=f"{name} was away")
    search = SearchRun.objects.create(platform=account.platform, kind="user", query=account.username)
    SearchResult.objects.create(search=search, position=1, username=account.username, title=name)
    thread = make_thread(member)
    StaffReply.objects.create(conversation=thread, text=f"Dear {name}", author_name="Grace")
    ConversationNote.objects.create(conversation=thread, text=f"{name} asked twice", author_name="Grace")


def _make_post(account: Account, caption: str) -> Post:
    number = str(next(_numbers))
    return Post.objects.create(
        account=account, platform=account.platform, external_post_id=number, post_url=f"x:{number}", caption=caption
    )


def _make_plans(member: UserProfile, name: str) -> None:
    """A planned, a queued, and a sent follow-up, with everything around them."""
    planned = make_plan(member, trigger="post_event", trigger_data={"event": f"{name}'s party"})
    queued = make_queued(member)
    sent = make_sent(member, at=NOON - 9 * DAY)
    FollowUpHistory.objects.filter(pk=sent.pk).update(message_sent=f"Hi {name}!", context_data={"user": member.pk})
    Draft.objects.create(follow_up=planned, status="waiting", text=f"Dear {name}", claims=[{"source": member.pk}])
    Holdout.objects.create(follow_up=queued, user=member, trigger_type="custom", held_at=NOON)
    Booking.objects.create(user=member, name=f"With {name}", event_at=NOON, follow_up_id=planned.pk)
    Goal.objects.create(user=member, text=f"{name} wants to run", check_in_at=NOON + DAY)
    for follow_up in (planned, queued):
        _make_traces(follow_up, name)
    drafting = make_job("failed", now=NOON, payload={"follow_up_id": planned.pk})
    JobExecution.objects.create(
        job_id=drafting.job_id, job_type="draft", execution_time=NOON, status="failed", error_message=f"{name}?"
    )


def _make_traces(follow_up: FollowUp, name: str) -> None:
    job = ScheduledJob.objects.get(job_id=follow_up.job_id)
    JobExecution.objects.create(
        job_id=job.job_id, job_type=job.job_type, execution_time=NOON, status="failed", error_message=f"{name} left"
    )
    Report.objects.create(job_id=job.job_id, job_type=job.job_type, report={"to": name})


def _make_moods(member: UserProfile) -> None:
    thread = make_thread(member)
    message = thread.messages.filter(is_outgoing=False).first()
    assert message is not None
    MessageEmotion.objects.create(
        message=message,
        user=member,
        sent_at=message.sent_at,
        score=0.1,
        label="negative",
        category="sadness",
        intensity=0.5,
        confidence=0.5,
        method="lexicon",
    )
    Rhythm.objects.create(
        user=member,
        gaps=5,
        usual_low=HOUR,
        usual_high=DAY,
        rare=timedelta(days=3),
        weekdays=[0.1] * 7,
        computed_at=NOON,
    )
    flags.raise_flag(
        kind="escalation", detail=f"{member.name} sounds sad", user_id=member.pk, message=message, now=NOON
    )


def _make_logs(member: UserProfile, name: str) -> None:
    """Traces in rows that are nobody's: jobs of others, the console's log, Django-Q2's own tables."""
    about = {"member": member.pk, member.pk: [name, int(member.pk)]}
    make_job(now=NOON, payload={"about": about, "count": 7, "note": "kept"})
    job = make_job(
        "failed", now=NOON, error_message=f"No answer from <@{member.pk}> ({name}).", unique_key=f"hi:{member.pk}"
    )
    JobExecution.objects.create(
        job_id=job.job_id, job_type="custom", execution_time=NOON, status="failed", error_message=f"{member.pk} is away"
    )
    Report.objects.create(job_id=job.job_id, job_type="custom", report={"members": [member.pk], "names": [name]})
    RecurringRun.objects.create(
        name=f"nightly {next(_numbers)}",
        planned_at=NOON,
        origin="manual",
        decided_at=NOON,
        skipped_because=f"{member.pk} is busy",
    )
    other = make_thread(make_member())
    outbox.queue_reply(
        conversation=other, text="Sure.", metadata={"staff": name, "staff_id": member.pk, "evidence": "1"}, now=NOON
    )
    StaffPost.objects.create(account=other.account, key=f"harm:{other.pk}", text=f"It hurt {member.pk}, {name}.")
    StaffPost.objects.create(account=other.account, key=f"flag:{other.pk}", user_id=member.pk, text=f"{name} is sad")
    Channel.objects.create(external_id=f"thread {other.pk}", name=f"{name} · {member.pk}", guild_name="Harbor")
    flags.raise_flag(kind="harm", subject="a template", detail=f"It hurt {member.pk}, {name}.", now=NOON)
    staff, _ = User.objects.get_or_create(username="boss")
    LogEntry.objects.log_actions(str(staff.pk), [member, make_thread(member)], CHANGE, change_message=f"Called {name}.")
    Task.objects.create(
        id=f"task {member.pk}"[:32],
        name="t",
        func="f",
        args=(member.pk,),
        result={"of": name},
        started=NOON,
        stopped=NOON,
    )
    Task.objects.create(id=f"other {member.pk[-5:]}", name="t", func="f", args=(1,), started=NOON, stopped=NOON)
    OrmQ.objects.create(key="checkback", payload=SignedPackage.dumps({"id": "1", "func": "f", "args": (member.pk,)}))
