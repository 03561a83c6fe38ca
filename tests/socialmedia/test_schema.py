"""Every column of the seeds' tables is there (ORIGINS 2.2 and 2.3), with its type and what a new row has in it; what
differs is named here with its reason.
"""

from collections.abc import Iterator

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

INT, BIG, TEXT, BOOL, JSON = "integer", "bigint", "text", "boolean", "jsonb"
AT, DAY, ID = "timestamp with time zone", "date", "bigint"  # W9: every time has a zone. C25: ids are wide.
NOW = "now"


def char(length: int) -> str:
    return f"character varying({length})"


def number(digits: int, places: int) -> str:
    return f"numeric({digits},{places})"


def each(names: str, kind: str, default: str | None = None) -> dict[str, tuple[str, str | None]]:
    return dict.fromkeys(names.split(), (kind, default))


COLUMNS = {
    "social_media_accounts": {
        **each("id", ID),
        **each("platform account_type", char(50)),
        **each("username display_name external_id email location", char(255)),
        **each("bio profile_pic_url website_url", TEXT),
        **each("is_verified is_business is_creator is_private", BOOL, "false"),
        **each("is_active monitoring_enabled", BOOL, "true"),
        **each("blotato_account_id", INT),
        **each("created_at updated_at", AT, NOW),
        **each("last_fetched_at account_created_at", AT),
    },
    "social_media_posts": {
        **each("id account_id", ID),
        **each("platform media_type", char(50)),
        **each("external_post_id location_name", char(255)),
        **each("post_url caption description thumbnail_url media_url", TEXT),
        **each("short_code youtube_category pinterest_board_id twitter_thread_id", char(100)),
        **each("title", char(500)),
        **each("media_count", INT, "1"),
        **each("media_urls instagram_product_tags raw_data", JSON),
        **each("duration", INT),
        **each("video_quality", char(20)),
        **each("has_audio", BOOL, "true"),
        **each("is_short_form is_pinned is_ad is_sponsored", BOOL, "false"),
        **each("visibility", char(50), "public"),
        **each("location_lat location_lng", number(10, 6)),
        **each("posted_at deleted_at next_check_at tracking_started_at", AT),
        **each("created_at updated_at", AT, NOW),
        **each("check_schedule", JSON, "[]"),
        **each("tracking_complete", BOOL, "false"),
        **each("checks_completed", INT, "0"),
    },
    "social_media_post_analytics": {
        **each("id post_id", ID),
        **each("snapshot_date", DAY),
        **each("snapshot_hour", INT),
        **each("likes_count comments_count views_count shares_count saves_count retweets_count", BIG, "0"),
        **each("reactions_count repins_count impressions reach watch_time_seconds", BIG, "0"),
        **each("avg_watch_percentage completion_rate engagement_rate", number(5, 2), "0"),
        **each("viral_score", number(10, 2), "0"),
        **each("created_at", AT, NOW),
    },
    "social_media_comments": {
        **each("id post_id parent_comment_id", ID),
        **each("platform", char(50)),
        **each("external_comment_id author_username author_id", char(255)),
        **each("comment_text", TEXT),
        **each("is_reply is_creator_reply", BOOL, "false"),
        **each("likes_count replies_count api_reply_count", INT, "0"),
        **each("sentiment", char(20)),
        **each("sentiment_score", number(3, 2)),
        **each("commented_at", AT),
        **each("created_at", AT, NOW),
        **each("author_display_name", char(255)),  # C17
    },
    "social_media_hashtags": {
        **each("id", ID),
        **each("hashtag", char(255)),
        **each("platform", char(50)),
        **each("total_uses total_views", BIG, "0"),
        **each("avg_engagement_rate", number(5, 2), "0"),
        **each("created_at updated_at", AT, NOW),
    },
    "social_media_post_hashtags": {**each("post_id hashtag_id", ID), **each("position", INT)},
    "social_media_mentions": {
        **each("id post_id", ID),
        **each("mentioned_username", char(255)),
        **each("platform mention_type", char(50)),
    },
    "social_media_analytics_snapshots": {
        **each("id account_id", ID),
        **each("snapshot_date", DAY),
        **each("followers_count following_count posts_count followers_growth", INT),
        **each("total_likes total_comments total_views total_shares total_saves total_impressions total_reach", BIG),
        **each("engagement_rate", number(5, 2)),
        **each("avg_likes_per_post avg_comments_per_post avg_views_per_post", number(10, 2)),
        **each("created_at", AT, NOW),
    },
    "api_usage_tracking": {
        **each("id", ID),
        **each("provider_name", char(100)),
        **each("platform", char(50)),
        **each("endpoint", char(255)),
        **each("request_count", INT, "1"),
        **each("success", BOOL, "true"),
        **each("latency_ms", INT),
        **each("error_message", TEXT),
        **each("date", DAY, NOW),
        **each("requested_at", AT, NOW),
    },
    "analytics_fetch_jobs": {
        **each("id account_id", ID),
        **each("job_type status", char(50)),
        **each("started_at completed_at", AT),
        **each("posts_fetched", INT),
        **each("error_message", TEXT),
        **each("created_at", AT, NOW),
    },
    "system_settings": {
        **each("setting_key", char(100)),
        **each("setting_value", JSON),
        **each("description", TEXT),
        **each("updated_at", AT, NOW),
    },
    "social_media_conversations": {
        **each("id account_id", ID),
        **each("platform", char(50), "tiktok"),
        **each("participant_username participant_id participant_display_name", char(255)),
        **each("participant_avatar_url last_message_preview", TEXT),
        **each("participant_verified is_muted is_archived is_blocked is_spam auto_reply_enabled", BOOL, "false"),
        **each("last_message_at follow_up_scheduled_at conversation_started_at", AT),
        **each("unread_count", INT, "0"),
        **each("last_message_is_outgoing", BOOL),
        **each("created_at updated_at", AT, NOW),
    },
    "social_media_messages": {
        **each("id conversation_id reply_to_message_id", ID),
        **each("external_message_id sender_username template_used", char(255)),
        **each("message_text media_url media_thumbnail_url", TEXT),
        **each("message_type", char(50), "text"),
        **each("is_outgoing", BOOL),
        **each("status", char(50), "sent"),
        **each("is_read is_automated", BOOL, "false"),
        **each("sent_at delivered_at read_at", AT),
        **each("metadata", JSON),
        **each("created_at", AT, NOW),
    },
    "automation_actions": {
        **each("id account_id", ID),
        **each("platform", char(50), "tiktok"),
        **each("action_type target_type error_code triggered_by", char(50)),
        **each("target_id target_username session_id", char(255)),
        **each("target_url content_text error_message", TEXT),
        **each("success", BOOL, "true"),
        **each("action_date", DAY, NOW),
        **each("action_hour", INT, NOW),
        **each("execution_time_ms", INT),
        **each("created_at", AT, NOW),
    },
    "message_templates": {
        **each("id account_id", ID),
        **each("name", char(255)),
        **each("category", char(100)),
        **each("template_text", TEXT),
        **each("variables", JSON),
        **each("times_used", INT, "0"),
        **each("is_active", BOOL, "true"),
        **each("last_used_at", AT),
        **each("created_at updated_at", AT, NOW),
    },
}


WIDER = {
    # Viral posts count beyond 2^31, and a rate is beyond 999 % where more people like than look.
    **dict.fromkeys(("comments likes_count", "days followers_count", "days following_count", "days posts_count"), BIG),
    "days followers_growth": BIG,
    **dict.fromkeys(("snapshots engagement_rate", "hashtags avg_engagement_rate"), number(12, 2)),
    "days engagement_rate": number(12, 2),
    **dict.fromkeys(
        ("days avg_likes_per_post", "days avg_comments_per_post", "days avg_views_per_post"), number(14, 2)
    ),
    "snapshots viral_score": number(14, 2),
}
TABLES = {
    "comments": "social_media_comments",
    "days": "social_media_analytics_snapshots",
    "hashtags": "social_media_hashtags",
    "snapshots": "social_media_post_analytics",
    "actions": "automation_actions",
    "usage": "api_usage_tracking",
}
EMPTY_AT_FIRST = {
    # W18: what was not measured is not 0.
    *(
        ("social_media_post_analytics", name)
        for name, (_, first) in COLUMNS["social_media_post_analytics"].items()
        if first == "0"
    ),
    ("social_media_comments", "likes_count"),
    ("social_media_hashtags", "avg_engagement_rate"),
    # W16: reserved first, confirmed afterwards.
    ("automation_actions", "success"),
    ("api_usage_tracking", "success"),
}
UNIQUE = {
    ("social_media_accounts", "platform", "username"),
    ("social_media_posts", "platform", "external_post_id"),
    # W17: (post, date, hour) made a second check within an hour fail.
    ("social_media_post_analytics", "post_id", "tracking_round", "check_index"),
    ("social_media_comments", "platform", "external_comment_id"),
    ("social_media_hashtags", "hashtag"),
    ("social_media_post_hashtags", "post_id", "hashtag_id"),
    ("social_media_analytics_snapshots", "account_id", "snapshot_date"),
    ("system_settings", "setting_key"),
    ("social_media_conversations", "account_id", "platform", "participant_username"),
    ("social_media_messages", "conversation_id", "external_message_id"),
}
INDEXED = {
    ("social_media_posts", "account_id"),
    ("social_media_posts", "posted_at"),
    ("social_media_posts", "post_url"),
    ("social_media_posts", "next_check_at"),
    ("social_media_posts", "tracking_complete"),
    ("api_usage_tracking", "date", "provider_name"),
    *(("social_media_conversations", name) for name in ("account_id", "platform", "last_message_at", "unread_count")),
    ("social_media_conversations", "follow_up_scheduled_at"),
    ("automation_actions", "account_id", "action_date"),
    ("automation_actions", "action_type"),
    ("automation_actions", "target_type", "target_id"),
    ("automation_actions", "success"),
    ("automation_actions", "action_date", "action_hour"),
    ("message_templates", "account_id"),
    ("message_templates", "category"),
}

VIEWS = {
    "posts_pending_checkback": "id platform post_url external_post_id caption posted_at next_check_at checks_completed"
    " tracking_started_at account_username minutes_overdue",
    "daily_action_counts": "account_id action_date action_type action_count success_count failure_count",
    "hourly_action_distribution": "account_id action_type action_hour action_count",
    "active_conversations_summary": "id platform participant_username participant_display_name last_message_at"
    " last_message_preview unread_count our_account total_messages sent_messages received_messages",
}

_COLUMNS = """
SELECT c.table_name, c.column_name, format_type(a.atttypid, a.atttypmod), c.column_default
FROM information_schema.columns c
JOIN pg_attribute a
    ON a.attrelid = format('%%I.%%I', c.table_schema, c.table_name)::regclass AND a.attname = c.column_name
WHERE c.table_schema = current_schema() AND c.table_name = ANY(%s)
"""
_INDEXES = """
SELECT t.relname, i.indisunique, array_agg(a.attname::text ORDER BY k.place)
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = current_schema()::regnamespace
CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS k (column_number, place)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.column_number
GROUP BY i.indexrelid, t.relname, i.indisunique
"""


def columns_here() -> dict[tuple[str, str], tuple[str, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [list(COLUMNS)])
        return {(table, column): (kind, _first(default)) for table, column, kind, default in cursor.fetchall()}


def indexes_here(*, unique_only: bool = False) -> set[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        return {(table, *names) for table, is_unique, names in cursor.fetchall() if is_unique or not unique_only}


def _first(default: str | None) -> str | None:
    """What a new row has: `now`, or the value itself."""
    if default is None or "statement_timestamp" in default:
        return default and NOW
    return default.partition("::")[0].strip("'")


def wanted() -> Iterator[tuple[str, str, str, str | None]]:
    wider = {(TABLES[name.split()[0]], name.split()[1]): kind for name, kind in WIDER.items()}
    for table, columns in COLUMNS.items():
        for name, (kind, first) in columns.items():
            place = (table, name)
            yield table, name, wider.get(place, kind), None if place in EMPTY_AT_FIRST else first


class TestSeedTables:
    def test_have_every_column_of_the_seeds_with_its_type(self) -> None:
        here = columns_here()
        assert {
            (table, name): kind for table, name, kind, _ in wanted() if here.get((table, name), ("missing",))[0] != kind
        } == {}

    def test_give_a_new_row_what_the_seeds_give_it(self) -> None:
        here = columns_here()
        named = {(table, name): first for table, name, _, first in wanted() if first or (table, name) in EMPTY_AT_FIRST}
        assert {place: here[place][1] for place in named} == named

    def test_keep_apart_what_the_seeds_keep_apart(self) -> None:
        assert UNIQUE - indexes_here(unique_only=True) == set()

    def test_have_the_seeds_indexes(self) -> None:
        """An index of more columns serves, too, if it begins with these."""
        here = {index[:length] for index in indexes_here() for length in range(2, len(index) + 1)}
        assert INDEXED - here == set()


class TestSeedViewsAndFunctions:
    def test_have_exactly_these_columns_in_this_order(self) -> None:
        """ORIGINS 2.4."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) "
                "FROM information_schema.columns WHERE table_schema = current_schema() "
                "AND table_name = ANY(%s) GROUP BY 1",
                [list(VIEWS)],
            )
            assert dict(cursor.fetchall()) == {view: names.split() for view, names in VIEWS.items()}

    def test_can_be_called_as_the_seed_calls_them(self) -> None:
        """ORIGINS 2.5: by position, with integers and texts."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT check_rate_limit(0::int, 'like'), check_rate_limit(0::int, 'like'::varchar(50), 0::int), "
                "check_rate_limit(NULL, 'like', 1), get_next_check_time(0::int)"
            )
            assert cursor.fetchone() == (True, False, True, None)
