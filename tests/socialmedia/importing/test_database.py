"""A MediaPoster database is taken over as it is: every row once, nothing of it lost without a word."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection, models, transaction

from jobs.models import ScheduledJob
from socialmedia import rules
from socialmedia.importing import database, sources, taking
from socialmedia.importing.reports import MOST_PROBLEMS, Report
from socialmedia.importing.sources import CannotRead, Source
from socialmedia.models import (
    Account,
    AccountSnapshot,
    AnalyticsFetch,
    ApiUsage,
    AutomationAction,
    Comment,
    Conversation,
    Hashtag,
    ImportedRow,
    Mention,
    Message,
    MessageTemplate,
    Post,
    PostHashtag,
    PostSnapshot,
    SystemSetting,
    TemplateStatus,
    TrackingState,
)
from tests.socialmedia.factories import make_bot
from tests.socialmedia.importing.theirs import MediaPoster
from tests.socialmedia.post_factories import make_creator, make_post, make_snapshot

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
START = datetime(2026, 5, 1, 9, 30, 15, 123456)
HOUR = timedelta(hours=1)
NINE = (1, 6, 12, 24, 48, 72, 168, 336, 720)
EMOJI = "Grüße 🌍 #Sonne שלום 1️⃣ \u202eabc"
KEPT = (Account, Post, PostSnapshot, Comment, Hashtag, PostHashtag, Mention, AccountSnapshot, AnalyticsFetch, ApiUsage)
ALL: tuple[type[models.Model], ...] = (
    *(*KEPT, Conversation, Message, AutomationAction, MessageTemplate, SystemSetting, ImportedRow),
)


def take(theirs: MediaPoster, **options: Any) -> Report:
    values: dict[str, Any] = {"schema": theirs.schema, "zone": UTC, "now": NOW, **options}
    return database.take_over(theirs.url, **values)


def aware(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


def schedule(start: datetime, hours: tuple[int, ...] = NINE) -> list[str]:
    return [(start + hour * HOUR).isoformat() for hour in hours]


def everything() -> dict[str, list[dict[str, Any]]]:
    """All that is stored, without what only says when it was stored."""
    return {
        model.__name__: sorted((dict(row) for row in models.QuerySet(model).values()), key=repr)
        for model in ALL
        if model is not MessageTemplate
    }


def shape() -> dict[str, list[str]]:
    """All that is stored, but for the numbers that the database gives."""
    found = {}
    for name, rows in everything().items():
        own = [{key: value for key, value in row.items() if key != "id" and not key.endswith("_id")} for row in rows]
        found[name] = sorted(repr(row) for row in own)
    return found


def same(row: dict[str, Any], ours: models.Model, *names: str) -> None:
    """Compare columns of the same name: no time zone there is UTC here, and an empty text is not NULL here."""
    for name in names:
        value, kept = row[name], getattr(ours, name)
        expected = aware(value) if isinstance(value, datetime) and value.tzinfo is None else value
        assert kept == (expected if expected is not None or kept is None else type(kept)()), name


def fill(theirs: MediaPoster) -> None:
    """A small MediaPoster with something in every table and every column."""
    ada = theirs.account(
        "ada",
        display_name=EMOJI,
        bio="Zeile 1\nZeile 2",
        profile_pic_url="https://example.org/a.jpg",
        external_id="6800000000000000001",
        is_verified=True,
        is_business=True,
        is_creator=True,
        account_type="creator",
        email="ada@example.org",
        location="Wien",
        website_url="https://example.org",
        is_active=False,
        is_private=True,
        monitoring_enabled=False,
        blotato_account_id=17,
        created_at=START,
        updated_at=START + HOUR,
        last_fetched_at=START + 2 * HOUR,
        account_created_at=START - 9000 * HOUR,
    )
    eve = theirs.account("eve", platform="instagram")
    post = theirs.post(
        ada,
        short_code="abc",
        caption=EMOJI,
        description="Longer",
        title="A title",
        media_type="carousel",
        media_count=3,
        thumbnail_url="https://example.org/t.jpg",
        media_url="https://example.org/v.mp4",
        media_urls=["https://example.org/1", "https://example.org/2"],
        duration=61,
        video_quality="1080p",
        has_audio=False,
        is_short_form=True,
        is_pinned=True,
        is_ad=True,
        is_sponsored=True,
        visibility="friends",
        youtube_category="y",
        pinterest_board_id="p",
        twitter_thread_id="t",
        instagram_product_tags=[{"id": 1}],
        location_name="Graz",
        location_lat=Decimal("47.070000"),
        location_lng=Decimal("15.439999"),
        posted_at=START - 5 * HOUR,
        created_at=START,
        updated_at=START + HOUR,
        raw_data={"play_count": 5_000_000_000, "title": EMOJI},
        check_schedule=schedule(START),
        next_check_at=START + 12 * HOUR,
        tracking_started_at=START,
        checks_completed=2,
        legacy_score=5,
    )
    theirs.post(eve, "99", platform="instagram", created_at=START, updated_at=START)
    for number, at in enumerate([START, START + 1.01 * HOUR, START + 3 * HOUR, START + 6.2 * HOUR]):
        theirs.put(
            "social_media_post_analytics",
            post_id=post,
            snapshot_date=at.date(),
            snapshot_hour=at.hour,
            likes_count=100 - 10 * (number == 2),
            comments_count=number,
            views_count=5_000_000_000 + number,
            shares_count=4,
            saves_count=0,
            retweets_count=1,
            reactions_count=2,
            repins_count=3,
            impressions=4,
            reach=5,
            watch_time_seconds=6,
            avg_watch_percentage=Decimal("45.67"),
            completion_rate=Decimal("12.30"),
            engagement_rate=Decimal("999.99"),
            viral_score=Decimal("1.50"),
            created_at=at,
        )
    _fill_words(theirs, post)
    _fill_account(theirs, ada)
    _fill_inbox(theirs, ada)
    _fill_log(theirs, ada)


def _fill_words(theirs: MediaPoster, post: int) -> None:
    common = {"post_id": post, "platform": "tiktok"}
    # The answer comes first.
    theirs.put("social_media_comments", id=50, **common, external_comment_id="c-parent", comment_text=EMOJI)
    theirs.put(
        "social_media_comments",
        id=20,
        **common,
        external_comment_id="c-answer",
        comment_text="Yes",
        author_username="bob",
        author_id="77",
        parent_comment_id=50,
        is_reply=True,
        likes_count=3,
        replies_count=9,
        is_creator_reply=True,
        sentiment="Mixed",
        sentiment_score=Decimal("-0.55"),
        commented_at=START,
        created_at=START + HOUR,
    )
    one = theirs.put("social_media_hashtags", hashtag="Sonne", platform="tiktok", total_uses=812, total_views=7)
    other = theirs.put("social_media_hashtags", hashtag="＃ＳＯＮＮＥ", total_uses=3)
    theirs.put("social_media_post_hashtags", post_id=post, hashtag_id=one, position=2)
    theirs.put("social_media_post_hashtags", post_id=post, hashtag_id=other, position=5)
    for name in ("@grace", "@Grace"):
        theirs.put("social_media_mentions", **common, mentioned_username=name, mention_type="caption")


def _fill_account(theirs: MediaPoster, ada: int) -> None:
    counts = ("followers_count", "following_count", "posts_count", "total_likes", "total_comments", "total_views")
    rest = ("total_shares", "total_saves", "total_impressions", "followers_growth", "total_reach")
    theirs.put(
        "social_media_analytics_snapshots",
        account_id=ada,
        snapshot_date=START.date(),
        engagement_rate=Decimal("3.25"),
        avg_likes_per_post=Decimal("1.25"),
        avg_comments_per_post=Decimal("2.25"),
        avg_views_per_post=Decimal("4.25"),
        created_at=START,
        **{name: number for number, name in enumerate([*counts, *rest], start=1)},
    )
    fetch = {"account_id": ada, "job_type": "daily_snapshot", "created_at": START}
    theirs.put("analytics_fetch_jobs", **fetch, status="completed", started_at=START, completed_at=START + HOUR)
    theirs.put("analytics_fetch_jobs", **fetch, status="running", posts_fetched=4)
    call = {"provider_name": "tiktok_provider", "platform": "tiktok", "endpoint": "/", "requested_at": START}
    theirs.put("api_usage_tracking", **call, request_count=2, latency_ms=120, date=START.date())
    theirs.put("api_usage_tracking", **call, success=False, error_message="HTTP 531", date=START.date())


def _fill_inbox(theirs: MediaPoster, ada: int) -> None:
    thread = theirs.conversation(
        ada,
        participant_id="900",
        participant_display_name=EMOJI,
        participant_avatar_url="https://example.org/b.jpg",
        participant_verified=True,
        last_message_at=START + 3 * HOUR,
        last_message_preview="Thanks",
        last_message_is_outgoing=True,
        unread_count=2,
        is_muted=True,
        is_archived=True,
        is_blocked=True,
        is_spam=True,
        auto_reply_enabled=True,
        follow_up_scheduled_at=START + 9 * HOUR,
        conversation_started_at=START,
        created_at=START,
        updated_at=START + HOUR,
    )
    first = theirs.message(thread, EMOJI, START, external_message_id="m-1", sender_username="bob", is_read=True)
    theirs.message(
        thread,
        "Thanks",
        START + HOUR,
        is_outgoing=True,
        status="read",
        delivered_at=START + HOUR,
        read_at=START + 2 * HOUR,
        reply_to_message_id=first,
        metadata={"kind": "dm"},
        is_automated=True,
        template_used="Hello",
        created_at=START + HOUR,
    )
    theirs.message(thread, None, START + 3 * HOUR, message_type="sticker", media_url="https://example.org/s")
    theirs.message(thread, "Never left", START + 4 * HOUR, is_outgoing=True, status="queued")


def _fill_log(theirs: MediaPoster, ada: int) -> None:
    for account in (ada, None):
        theirs.put(
            "automation_actions",
            account_id=account,
            action_type="comment",
            target_type="video",
            target_id="7",
            target_username="bob",
            target_url="https://example.org/7",
            content_text=EMOJI,
            success=False,
            error_message="no",
            error_code="E1",
            session_id="s",
            triggered_by="workflow",
            action_date=date(2026, 5, 2),
            action_hour=23,
            execution_time_ms=12,
            created_at=START,
        )
    text = {"category": "thank_you", "created_at": START, "updated_at": START}
    theirs.put("message_templates", name="Thanks", template_text="Thank you, {name}!", variables=["name"], **text)
    theirs.put("message_templates", name="Odd", template_text="Hi {{username}", account_id=ada, times_used=4, **text)
    limits = {"like": {"daily": 7, "hourly": 2}}
    theirs.put("system_settings", setting_key=rules.RATE_LIMITS, setting_value=limits)
    theirs.put("system_settings", setting_key="smtp_password", setting_value={"secret": "x"})


class TestFullLayout:
    @pytest.fixture(autouse=True)
    def report(self, theirs: MediaPoster) -> Report:
        fill(theirs)
        return take(theirs)

    def test_takes_every_row(self, report: Report) -> None:
        assert report.problems == []
        counts = {name: (part.read, part.added, part.known) for name, part in report.tables.items()}
        assert counts == {
            "social_media_accounts": (2, 2, 0),
            "social_media_posts": (2, 2, 0),
            "social_media_post_analytics": (4, 4, 0),
            "social_media_comments": (2, 2, 0),
            "social_media_hashtags": (2, 1, 1),
            "social_media_post_hashtags": (2, 1, 1),
            "social_media_mentions": (2, 1, 1),
            "social_media_analytics_snapshots": (1, 1, 0),
            "analytics_fetch_jobs": (2, 2, 0),
            "api_usage_tracking": (2, 2, 0),
            "social_media_conversations": (1, 1, 0),
            "social_media_messages": (4, 4, 0),
            "automation_actions": (2, 2, 0),
            "message_templates": (2, 2, 0),
            "system_settings": (2, 0, 1),
        }
        assert report.ignored_columns == {
            "social_media_hashtags": ["total_uses"],
            "social_media_posts": ["legacy_score"],
        }
        assert report.missing_tables == []

    def test_keeps_accounts(self, theirs: MediaPoster) -> None:
        kept = {account.username: account for account in Account.objects.all()}
        for row in theirs.rows("social_media_accounts"):
            same(row, kept[row["username"]], *(name for name in row if name != "id"))
        assert {name: account.is_own for name, account in kept.items()} == {"ada": True, "eve": False}

    def test_keeps_posts_and_their_check_backs(self, theirs: MediaPoster) -> None:
        first, second = theirs.rows("social_media_posts")
        post = Post.objects.get(external_post_id=first["external_post_id"])
        own = {"id", "account_id", "check_schedule", "legacy_score"}
        same(first, post, *(name for name in first if name not in own))
        assert post.account.username == "ada"
        assert post.check_schedule == [f"{one}+00:00" for one in first["check_schedule"]]
        assert post.check_offsets == list(NINE)
        assert (post.tracking_state, post.tracking_round) == (TrackingState.ACTIVE, 1)
        other = Post.objects.get(external_post_id=second["external_post_id"])
        assert (other.tracking_state, other.tracking_round) == (TrackingState.UNTRACKED, 0)
        assert other.media_type == "video"

    def test_keeps_snapshots_in_their_places_of_the_plan(self, theirs: MediaPoster) -> None:
        rows = theirs.rows("social_media_post_analytics")
        kept = list(PostSnapshot.objects.order_by("captured_at"))
        for row, snapshot in zip(rows, kept, strict=True):
            same(row, snapshot, *(name for name in row if name not in {"id", "post_id"}))
            assert snapshot.captured_at == aware(row["created_at"])
        assert [one.check_index for one in kept] == [0, 1, None, 2]
        assert [one.planned_at for one in kept] == [aware(START), aware(START + HOUR), None, aware(START + 6 * HOUR)]
        assert {one.tracking_round for one in kept} == {1}
        assert [one.decreased for one in kept] == [[], [], ["likes"], []]

    def test_makes_no_figures_of_the_defaults_of_its_table(self, theirs: MediaPoster) -> None:
        post, counts = theirs.post(theirs.account("grace"), "8"), {"likes_count": 5, "views_count": 100}
        theirs.put("social_media_post_analytics", post_id=post, snapshot_date=START.date(), created_at=START, **counts)
        take(theirs)
        kept = PostSnapshot.objects.get(post__external_post_id="8")
        assert (kept.shares_count, kept.engagement_rate) == (0, Decimal("5.00"))
        assert (kept.viral_score, kept.impressions, kept.watch_time_seconds) == (None, None, None)

    def test_links_answers_in_any_order(self, theirs: MediaPoster, report: Report) -> None:
        answer_row, parent_row = theirs.rows("social_media_comments")
        answer, parent = Comment.objects.get(is_reply=True), Comment.objects.get(is_reply=False)
        own = {"id", "post_id", "parent_comment_id", "replies_count", "sentiment"}
        for row, comment in ((answer_row, answer), (parent_row, parent)):
            same(row, comment, *(name for name in row if name not in own))
        assert (answer.parent_comment, answer.api_reply_count, answer.sentiment) == (parent, 9, "")
        assert parent.replies_count == 1
        assert report.of("social_media_comments").changed == {"unknown sentiment dropped": 1}

    def test_counts_a_hashtag_once_per_post(self) -> None:
        hashtag = Hashtag.objects.get()
        assert (hashtag.hashtag, hashtag.total_uses, hashtag.total_views) == ("sonne", 1, 5_000_000_003)
        assert PostHashtag.objects.get().position == 2
        assert Mention.objects.get().mentioned_username == "grace"

    def test_keeps_days_fetches_and_calls(self, theirs: MediaPoster) -> None:
        (day,) = theirs.rows("social_media_analytics_snapshots")
        same(day, AccountSnapshot.objects.get(), *(name for name in day if name not in {"id", "account_id"}))
        fetches = list(AnalyticsFetch.objects.order_by("posts_fetched"))
        assert [one.status for one in fetches] == ["completed", "failed"]
        calls = list(ApiUsage.objects.order_by("id"))
        for row, call in zip(theirs.rows("api_usage_tracking"), calls, strict=True):
            same(row, call, *(name for name in row if name != "id"))

    def test_keeps_conversations(self, theirs: MediaPoster) -> None:
        (row,) = theirs.rows("social_media_conversations")
        kept = Conversation.objects.get()
        same(row, kept, *(name for name in row if name not in {"id", "account_id"}))
        assert kept.account.username == "ada"

    def test_keeps_messages_and_queues_none(self, theirs: MediaPoster, report: Report) -> None:
        rows, kept = theirs.rows("social_media_messages"), list(Message.objects.order_by("sent_at"))
        own = {"id", "conversation_id", "reply_to_message_id", "metadata", "is_automated", "status"}
        for row, message in zip(rows, kept, strict=True):
            same(row, message, *(name for name in row if name not in own))
        asked, answer, sticker, stuck = kept
        assert answer.reply_to_message == asked
        assert answer.metadata == {"kind": "dm", "imported_automated": True}
        assert [one.status for one in kept] == ["sent", "read", "sent", "failed"]
        assert (sticker.message_text, sticker.message_type) == ("", "sticker")
        assert stuck.error_message == "MediaPoster left it as 'queued'."
        assert not Message.objects.exclude(is_automated=False, status__in=["sent", "read", "failed"]).exists()

    def test_keeps_the_log_without_its_account_too(self, theirs: MediaPoster) -> None:
        kept = list(AutomationAction.objects.order_by("id"))
        for row, action in zip(theirs.rows("automation_actions"), kept, strict=True):
            same(row, action, *(name for name in row if name not in {"id", "account_id"}))
        assert [action.account and action.account.username for action in kept] == ["ada", None]
        assert kept[0].account_username == "ada"

    def test_keeps_ids_of_conversations_apart_from_ours(self, theirs: MediaPoster) -> None:
        """Somebody else's conversation may have that id here: forgetting one would erase the other's log."""
        theirs.put("automation_actions", action_type="message", target_type="conversation", target_id="7")
        take(theirs)
        assert AutomationAction.objects.get(target_type="conversation").target_id == "import_mediaposter:7"

    def test_keeps_templates_of_staff(self, theirs: MediaPoster) -> None:
        thanks, odd = MessageTemplate.objects.filter(key__startswith="mediaposter_").order_by("-name")
        for row, template in zip(theirs.rows("message_templates"), (thanks, odd), strict=True):
            same(row, template, "name", "category", "template_text", "times_used", "is_active", "created_at")
        assert (thanks.status, odd.status) == (TemplateStatus.PUBLISHED, TemplateStatus.DRAFT)
        assert (thanks.trigger, thanks.variables, odd.account) == ("", ["name"], Account.objects.get(username="ada"))

    def test_leaves_settings_of_here_and_takes_no_strange_ones(self, theirs: MediaPoster, report: Report) -> None:
        assert rules.rate_limits()["like"].daily == 100
        assert not SystemSetting.objects.filter(pk="smtp_password").exists()
        assert report.remarks == ["system_settings smtp_password was not taken: Checkback has no such setting."]
        take(theirs, with_settings=True)
        assert rules.rate_limits()["like"].daily == 7

    def test_adds_nothing_the_second_time(self, theirs: MediaPoster) -> None:
        before = everything()
        report = take(theirs)
        assert everything() == before
        assert {part.added for part in report.tables.values()} == {0}
        assert all(part.known == part.read for name, part in report.tables.items() if name != "system_settings")

    def test_adds_what_is_new_the_second_time(self, theirs: MediaPoster) -> None:
        theirs.message(theirs.rows("social_media_conversations")[0]["id"], "Once more", START + 5 * HOUR)
        assert take(theirs).of("social_media_messages").added == 1

    def test_keeps_a_check_that_was_done_here_meanwhile_too(self, theirs: MediaPoster) -> None:
        """MediaPoster's scheduler was not stopped: each program did the third check."""
        post = Post.objects.get(next_check_at__isnull=False)
        make_snapshot(post, hours=12, tracking_round=1, check_index=3)
        row = theirs.rows("social_media_post_analytics")[-1]
        late = START + 12 * HOUR + timedelta(minutes=7)
        again = {"snapshot_date": late.date(), "snapshot_hour": late.hour, "created_at": late, "views_count": 10**7}
        theirs.put("social_media_post_analytics", post_id=row["post_id"], **again)
        theirs.run("UPDATE social_media_posts SET checks_completed = 3 WHERE checks_completed = 2")
        assert take(theirs).problems == []
        newest = PostSnapshot.objects.order_by("-captured_at")[:2]
        assert [one.check_index for one in newest] == [None, 3]

    def test_makes_no_doubles_of_what_was_read_in_another_zone(self, theirs: MediaPoster) -> None:
        before = {model: models.QuerySet(model).count() for model in (Message, AutomationAction, ApiUsage)}
        take(theirs, zone=ZoneInfo("Asia/Tokyo"))
        assert {model: models.QuerySet(model).count() for model in before} == before


class TestSeedLayout:
    def test_takes_what_there_is_and_names_what_is_missing(self, small: MediaPoster) -> None:
        ada = small.account("ada", display_name=EMOJI)
        post = small.post(ada, caption=EMOJI, posted_at=START, created_at=START)
        due = small.post(ada, "2", created_at=START, next_check_at=START + 6 * HOUR)
        values = {"snapshot_date": START.date(), "likes_count": 5, "views_count": 50}
        small.put("social_media_post_analytics", post_id=post, created_at=START, **values)
        small.put("social_media_post_analytics", post_id=due, created_at=START + 9000 * HOUR, **values)
        small.put(
            *["social_media_comments"],
            post_id=post,
            platform="tiktok",
            external_comment_id="1",
            comment_text=EMOJI,
            api_reply_count=4,
        )
        thread = small.conversation(ada, unread_count=1)
        small.message(thread, EMOJI, START, is_read=True)
        small.message(thread, "Hi", START + HOUR, is_outgoing=True, delivered_at=START + HOUR)
        small.message(thread, "Hi", START + HOUR, is_outgoing=True)
        small.put("automation_actions", account_id=ada, action_type="like", action_date=START.date(), created_at=START)
        report = take(small)
        assert report.problems == []
        assert report.missing_tables == [
            *("analytics_fetch_jobs", "api_usage_tracking", "message_templates", "social_media_analytics_snapshots"),
            *("social_media_hashtags", "social_media_mentions", "social_media_post_hashtags", "system_settings"),
        ]
        assert Account.objects.get(username="ada").is_own
        assert (
            Post.objects.get(external_post_id=small.rows("social_media_posts")[0]["external_post_id"]).caption == EMOJI
        )
        tracked = Post.objects.get(external_post_id="2")
        assert (tracked.tracking_state, tracked.check_schedule) == ("active", [aware(START + 6 * HOUR).isoformat()])
        assert tracked.next_check_at == aware(START + 6 * HOUR)
        exact, named = PostSnapshot.objects.order_by("captured_at").order_by("-captured_at")
        # The row's own time, unless it was written long after the day that it names.
        assert (exact.captured_at, named.captured_at) == (aware(START), datetime(2026, 5, 1, tzinfo=UTC))
        assert exact.shares_count is None
        assert Comment.objects.get().api_reply_count == 4
        assert list(Message.objects.order_by("id").values_list("status", flat=True)) == ["read", "delivered", "sent"]
        assert AutomationAction.objects.get().action_hour == 9
        before = everything()
        take(small)
        assert everything() == before


class TestTimes:
    def test_are_read_in_the_zone_that_is_named(self, theirs: MediaPoster) -> None:
        ada = theirs.account()
        theirs.post(ada, tracking_started_at=START, check_schedule=schedule(START), next_check_at=START + HOUR)
        theirs.put(
            "automation_actions", account_id=ada, action_type="like", action_date=date(2026, 5, 2), action_hour=1
        )
        take(theirs, zone=ZoneInfo("America/Los_Angeles"))
        post = Post.objects.get()
        utc = aware(START + 7 * HOUR)
        assert (post.tracking_started_at, post.check_schedule[0]) == (utc, (utc + HOUR).isoformat())
        # A day in the log is nobody's instant: it stays.
        assert AutomationAction.objects.get().action_date == date(2026, 5, 2)

    def test_of_a_schedule_may_name_their_own_zone(self, theirs: MediaPoster) -> None:
        theirs.post(theirs.account(), tracking_started_at=START, check_schedule=["2026-05-01T12:30:15+02:00"])
        take(theirs, zone=ZoneInfo("America/Los_Angeles"))
        assert Post.objects.get().check_schedule == ["2026-05-01T10:30:15+00:00"]

    def test_without_a_form_here_count_as_empty(self, theirs: MediaPoster) -> None:
        theirs.post(theirs.account(last_fetched_at="infinity"), posted_at="20000-01-01", updated_at="-infinity")
        assert take(theirs).problems == []
        assert (Post.objects.get().posted_at, Account.objects.get().last_fetched_at) == (None, None)

    def test_and_figures_that_are_no_numbers_count_as_empty_too(self, theirs: MediaPoster) -> None:
        theirs.put("social_media_hashtags", hashtag="sun", avg_engagement_rate=Decimal("NaN"))
        assert take(theirs).problems == []
        assert Hashtag.objects.get().avg_engagement_rate is None


class TestLegacyStates:
    """Half-set columns of tracking become the nearest state that is legal here."""

    @pytest.mark.parametrize(
        ("values", "state", "left"),
        [
            ({"check_schedule": schedule(START), "tracking_started_at": START}, "active", START + HOUR),
            ({"check_schedule": schedule(START), "next_check_at": START + HOUR}, "active", START + HOUR),
            ({"check_schedule": schedule(START), "tracking_complete": True, "next_check_at": START}, "complete", None),
            ({"check_schedule": schedule(START), "checks_completed": 9}, "complete", None),
            ({"check_schedule": schedule(START), "checks_completed": 70}, "complete", None),
            ({"check_schedule": schedule(START), "checks_completed": -3}, "active", START + HOUR),
            ({"check_schedule": ["soon"], "tracking_started_at": START}, "stopped", None),
            ({"check_schedule": {"a": 1}, "next_check_at": START}, "active", START),
            ({"check_schedule": None, "tracking_started_at": START, "checks_completed": 2}, "stopped", None),
            ({"tracking_complete": True}, "complete", None),
            ({"check_schedule": schedule(START), "deleted_at": START}, "unavailable", None),
            ({"check_schedule": schedule(START), "platform": "youtube"}, "stopped", None),
            ({"check_schedule": None, "tracking_complete": None, "checks_completed": None}, "untracked", None),
        ],
    )
    def test_are_read_as(self, theirs: MediaPoster, values: dict[str, Any], state: str, left: datetime | None) -> None:
        theirs.post(theirs.account(), created_at=START, **values)
        report = take(theirs)
        post = Post.objects.get()
        assert report.problems == []
        assert (post.tracking_state, post.next_check_at) == (state, aware(left))
        assert 0 <= post.checks_completed <= len(post.check_schedule)

    def test_are_told(self, theirs: MediaPoster) -> None:
        theirs.post(theirs.account(), created_at=START, check_schedule=["soon"], tracking_started_at=START)
        assert take(theirs).of("social_media_posts").changed == {"unreadable schedule dropped": 1}


class TestWhatIsHereAlready:
    def test_stays_as_it_is(self, theirs: MediaPoster) -> None:
        here = make_post(make_creator("ada"), external_post_id="1", caption="Ours", checks_completed=0)
        ada = theirs.account("ada", display_name="Theirs")
        theirs.post(ada, "1", caption="Theirs", tracking_started_at=START, check_schedule=schedule(START))
        theirs.put("social_media_post_analytics", post_id=1, snapshot_date=START.date(), created_at=START)
        report = take(theirs)
        here.refresh_from_db()
        assert (here.caption, here.account.display_name) == ("Ours", "")
        assert here.tracking_started_at != aware(START)
        # Measured before this tracking began: history, and no check of ours.
        snapshot = PostSnapshot.objects.get()
        assert (snapshot.tracking_round, snapshot.check_index) == (0, None)
        assert report.of("social_media_posts").known == 1

    def test_is_tracked_on_when_it_was_not_tracked(self, theirs: MediaPoster) -> None:
        here = make_post(make_creator("ada"), external_post_id="1", tracking_state=TrackingState.UNTRACKED)
        theirs.post(theirs.account("ada"), "1", tracking_started_at=START, check_schedule=schedule(START))
        take(theirs)
        here.refresh_from_db()
        assert (here.tracking_state, here.next_check_at) == (TrackingState.ACTIVE, aware(START + HOUR))
        assert ScheduledJob.objects.get(job_type="post_check").payload == {"post_id": here.pk}

    def test_is_found_by_the_networks_id_after_a_new_handle(self, theirs: MediaPoster) -> None:
        known = Account.objects.create(platform="tiktok", username="new", external_id="5")
        theirs.post(theirs.account("old", external_id="5"))
        take(theirs)
        assert Post.objects.get().account == known

    def test_is_never_given_to_somebody_else_of_the_same_handle(self, theirs: MediaPoster) -> None:
        Account.objects.create(platform="tiktok", username="ada", external_id="5")
        theirs.post(theirs.account("ada", external_id="6"))
        for _ in range(2):
            assert take(theirs).problems == []
            assert (Post.objects.get().account.username, Post.objects.get().account.external_id) == ("ada~6", "6")
            assert Account.objects.get(username="ada").external_id == "5"

    def test_on_discord_is_not_touched(self, theirs: MediaPoster) -> None:
        bot = make_bot()
        theirs.run("ALTER TABLE social_media_accounts DROP CONSTRAINT social_media_accounts_platform_check")
        account = theirs.account(bot.username, platform="discord", external_id=bot.external_id)
        theirs.conversation(account, platform="discord")
        assert take(theirs).total_left_out == 2
        assert not Conversation.objects.exists()


class TestWhatCannotBeTaken:
    def test_is_named_and_stops_nobody_else(self, theirs: MediaPoster) -> None:
        ada = theirs.account()
        for number in range(40):
            media = "hologram" if number % 2 else "video"
            theirs.post(ada, str(number), media_type=media)
        report = take(theirs)
        assert Post.objects.count() == 20
        part = report.of("social_media_posts")
        assert (part.read, part.added, part.left_out) == (40, 20, 20)
        assert len(report.problems) == MOST_PROBLEMS
        assert report.problems[0].startswith("social_media_posts 2: ")
        assert "social_media_posts_media_type" in report.problems[0]

    def test_never_shows_the_words_of_a_row(self, theirs: MediaPoster) -> None:
        thread = theirs.conversation(theirs.account())
        theirs.message(thread, "secret words", START, message_type="letter")
        (problem,) = take(theirs).problems
        assert "secret" not in problem

    def test_is_an_empty_message(self, theirs: MediaPoster) -> None:
        thread = theirs.conversation(theirs.account())
        theirs.message(thread, None, START)
        theirs.message(thread, "There", START)
        assert take(theirs).total_left_out == 1
        assert Message.objects.get().message_text == "There"

    def test_is_what_belongs_to_nothing(self, theirs: MediaPoster) -> None:
        theirs.run("ALTER TABLE social_media_comments DROP CONSTRAINT social_media_comments_post_id_fkey")
        theirs.put("social_media_comments", post_id=404, platform="tiktok", external_comment_id="1")
        assert take(theirs).problems == ["social_media_comments 1: its post was not taken over"]


class Crash(Exception):
    pass


class TestCrash:
    def test_in_the_middle_is_made_good_by_the_next_run(self, theirs: MediaPoster, monkeypatch: Any) -> None:
        fill(theirs)
        whole, batches = taking.take, Source.batches

        def one_by_one(source: Source, *what: Any) -> Iterator[list[dict[str, Any]]]:
            for rows in batches(source, *what):
                yield from ([row] for row in rows)

        monkeypatch.setattr(Source, "batches", one_by_one)
        reached = []
        for last in (2, 5, 9, 14, 21, 26):
            calls = iter(range(1_000))

            def dying(taker: taking.Taker, rows: taking.Rows, calls: Any = calls, last: int = last) -> None:
                with transaction.atomic():
                    whole(taker, rows)
                    if next(calls) == last:
                        raise Crash

            with monkeypatch.context() as patch:
                patch.setattr(taking, "take", dying)
                with pytest.raises(Crash):
                    take(theirs)
            reached.append(sum(models.QuerySet(model).count() for model in ALL))
        assert reached == sorted(set(reached))
        take(theirs)
        in_pieces = shape()
        assert {part.added for part in take(theirs).tables.values()} == {0}
        for model in reversed([*KEPT, Conversation, Message, AutomationAction, ImportedRow]):
            models.QuerySet(model).delete()
        MessageTemplate.objects.filter(key__startswith="mediaposter_").delete()
        monkeypatch.undo()
        take(theirs)
        assert shape() == in_pieces


class TestTrial:
    def test_tries_everything_and_keeps_nothing(self, theirs: MediaPoster) -> None:
        fill(theirs)
        thread = theirs.rows("social_media_conversations")[0]["id"]
        theirs.message(thread, None, START)
        before = everything()
        report = take(theirs, is_trial=True)
        assert everything() == before
        assert (report.of("social_media_messages").added, report.total_left_out) == (4, 1)


class TestOpened:
    def test_writes_nothing(self, theirs: MediaPoster) -> None:
        refused = pytest.raises(psycopg.errors.ReadOnlySqlTransaction)
        with sources.opened(theirs.url, schema="public") as source, refused:
            source.connection.execute("DELETE FROM social_media_accounts")

    def test_sees_one_instant(self, theirs: MediaPoster) -> None:
        theirs.account("ada")
        with sources.opened(theirs.url, schema="public") as source:
            theirs.account("eve")
            assert source.count("social_media_accounts") == 1

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("nonsense", "not the URL"),
            ("mysql://a:sEcret@host/db", "not the URL"),
            ("postgresql://u:sE@cret@127.0.0.1:1/db", "lets nobody in"),
            ("postgresql://u:sEcret@127.0.0.1:1/db", "no server answers"),
        ],
    )
    def test_says_what_is_wrong_without_the_password(self, url: str, words: str) -> None:
        with pytest.raises(CannotRead, match=words) as error, sources.opened(url, schema="public"):
            pass
        assert "sE" not in str(error.value)
        assert "cret" not in str(error.value)

    def test_refuses_a_database_that_is_not_mediaposters(self, theirs: MediaPoster) -> None:
        with pytest.raises(CannotRead, match="none of MediaPoster's tables"):
            take(theirs, schema="pg_catalog")

    def test_refuses_tables_of_that_name_that_are_not_mediaposters(self, theirs: MediaPoster) -> None:
        theirs.post(theirs.account())
        theirs.run("ALTER TABLE message_templates RENAME template_text TO body")
        with pytest.raises(CannotRead, match="message_templates in schema public has no column template_text"):
            take(theirs)
        assert not Account.objects.exists()

    def test_refuses_checkbacks_own_tables(self, theirs: MediaPoster) -> None:
        place = connection.settings_dict
        url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
        with pytest.raises(CannotRead, match="Checkback's own tables"):
            database.take_over(url, schema="public", zone=UTC, now=NOW)

    def test_says_what_it_may_not_read(self, theirs: MediaPoster) -> None:
        theirs.account()
        theirs.run("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA public TO stranger")
        try:
            url = theirs.url.replace(f"//{theirs.connection.info.user}@", "//stranger@")
            with pytest.raises(CannotRead, match="permission denied for table"):
                database.take_over(url, schema="public", zone=UTC, now=NOW)
            theirs.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO stranger")
            # Rows that a policy hides would be lost without a word.
            theirs.run("ALTER TABLE social_media_accounts ENABLE ROW LEVEL SECURITY")
            with pytest.raises(CannotRead, match="row-level security"):
                database.take_over(url, schema="public", zone=UTC, now=NOW)
        finally:
            theirs.run("DROP OWNED BY stranger; DROP ROLE stranger")


class TestSameDatabase:
    """Somebody pointed DATABASE_URL at MediaPoster's database, and put its schema aside."""

    @pytest.fixture
    def aside(self, django_db_setup: None) -> Iterator[MediaPoster]:
        place = {key: connection.settings_dict[key.upper()] for key in ("host", "user")}
        with psycopg.connect(dbname=connection.settings_dict["NAME"], autocommit=True, **place) as opened:
            yield MediaPoster(opened, schema="mediaposter")
            opened.execute("DROP SCHEMA mediaposter CASCADE")

    def test_is_read_from_the_schema_that_was_put_aside(self, aside: MediaPoster) -> None:
        fill(aside)
        report = take(aside)
        assert (report.problems, Post.objects.count(), Message.objects.count()) == ([], 2, 4)
        assert len(aside.rows("social_media_posts")) == 2
