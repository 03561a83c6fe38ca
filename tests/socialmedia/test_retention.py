"""What of the logs grows old, and what providers said word for word."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from jobs import cleanup, pruning
from socialmedia import retention
from socialmedia.models import (
    AccountSnapshot,
    ApiUsage,
    AutomationAction,
    Comment,
    Post,
    PostSnapshot,
    SearchResult,
    SearchRun,
)
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON, make_bot
from tests.socialmedia.post_factories import make_creator, make_post, make_snapshot

DAY = timedelta(days=1)


def make_action(action_type: str, *, days: int, content_text: str = "") -> None:
    """Something that was done so long ago."""
    at = NOON - days * DAY
    AutomationAction.objects.create(
        account=make_bot(),
        action_type=action_type,
        content_text=content_text,
        action_date=at.date(),
        action_hour=at.hour,
        created_at=at,
    )


@pytest.mark.django_db
class TestOpenings:
    def test_go_after_a_month_and_other_actions_stay(self) -> None:
        for action_type, days in (("open_dm", 31), ("open_dm", 29), ("like", 400)):
            make_action(action_type, days=days)
        (found,) = cleanup.survey("openings", now=NOON)
        assert (found.total, found.removable, found.oldest) == (2, 1, NOON - 31 * DAY)
        (removal,) = cleanup.clean("openings", now=NOON)
        assert removal.removed == 1
        kept = AutomationAction.objects.order_by("created_at").values_list("action_type", "created_at")
        assert list(kept) == [("like", NOON - 400 * DAY), ("open_dm", NOON - 29 * DAY)]

    def test_that_the_budget_counts_stay_whatever_is_asked_for(self) -> None:
        make_action("open_dm", days=1)
        (removal,) = cleanup.clean("openings", keep=timedelta(0), now=NOON)
        assert removal.removed == 0


@pytest.mark.django_db
class TestActionWords:
    def test_of_messages_go_with_the_messages_and_the_log_stays(self, settings: Any) -> None:
        settings.CONVERSATION_KEEP_DAYS = 30
        for action_type, days in (("message", 31), ("message", 29), ("comment", 31)):
            make_action(action_type, days=days, content_text="Hello")
        (found,) = [one for one in cleanup.survey("old_conversations", now=NOON) if one.kind == "action_words"]
        assert (found.total, found.removable, found.oldest) == (2, 1, NOON - 31 * DAY)
        cleanup.clean("old_conversations", now=NOON)
        kept = AutomationAction.objects.order_by("id").values_list("content_text", flat=True)
        assert list(kept) == ["", "Hello", "Hello"]


@pytest.mark.django_db
class TestApiUsage:
    def test_goes_after_the_days_of_the_setting(self, settings: Any) -> None:
        settings.API_USAGE_KEEP_DAYS = 30
        for days in (31, 29):
            ApiUsage.objects.create(
                provider_name="rapidapi", platform="tiktok", endpoint="video", requested_at=NOON - days * DAY
            )
        (removal,) = cleanup.clean("api_usage", now=NOON)
        assert removal.removed == 1
        assert ApiUsage.objects.get().requested_at == NOON - 29 * DAY


def make_payloads(*, days: int) -> None:
    """Something of everything that providers say, so many days old."""
    at, raw = NOON - days * DAY, {"play_count": 5}
    post = make_post(raw_data=raw, updated_at=at)
    make_snapshot(post, hours=-24 * days, raw_data=raw)
    Comment.objects.create(
        post=post, platform="tiktok", external_comment_id=f"c{days}", comment_text="Nice", created_at=at, raw_data=raw
    )
    AccountSnapshot.objects.create(
        account=make_creator(), snapshot_date=at.date(), followers_count=7, created_at=at, raw_data=raw
    )
    run = SearchRun.objects.create(kind="video", query="lamp", platform="tiktok", created_at=at)
    SearchResult.objects.create(search=run, position=1, title="Lamp", raw_data=raw)


def payloads(model: Any) -> list[object]:
    return list(model.objects.order_by("pk").values_list("raw_data", flat=True))


PAYLOADS = (PostSnapshot, Post, Comment, SearchResult, AccountSnapshot)


@pytest.mark.django_db
class TestRawPayloads:
    def test_are_emptied_and_what_was_read_from_them_stays(self, settings: Any) -> None:
        settings.RAW_PAYLOAD_KEEP_DAYS = 30
        for days in (31, 29):
            make_payloads(days=days)
        found = cleanup.survey("raw_payloads", now=NOON)
        assert {one.kind: (one.total, one.removable, one.oldest) for one in found} == dict.fromkeys(
            ["snapshot_payloads", "post_payloads", "comment_payloads", "search_payloads", "account_day_payloads"],
            (2, 1, NOON - 31 * DAY),
        )
        assert [removal.removed for removal in cleanup.clean("raw_payloads", now=NOON)] == [1] * 5
        assert [removal.removed for removal in cleanup.clean("raw_payloads", now=NOON)] == [0] * 5
        for model in PAYLOADS:
            assert payloads(model) == [None, {"play_count": 5}], model
        assert list(PostSnapshot.objects.values_list("views_count", flat=True)) == [100, 100]
        assert Comment.objects.filter(comment_text="Nice").count() == 2

    def test_go_in_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "BATCH", 2)
        post = make_post()
        for hours in range(5):
            make_snapshot(post, hours=-24 * 200 + hours, raw_data={"a": 1})
        kind = next(kind for kind in cleanup.kinds("raw_payloads") if kind.name == "snapshot_payloads")
        assert [step.removed for step in kind.delete(before=NOON)] == [2, 2, 1]

    @pytest.mark.parametrize(
        ("index", "rows"),
        [
            ("idx_snapshots_raw", PostSnapshot.objects.filter(raw_data__isnull=False, captured_at__lt=NOON)),
            ("idx_posts_raw", Post.objects.filter(raw_data__isnull=False, updated_at__lt=NOON)),
            ("idx_comments_raw", Comment.objects.filter(raw_data__isnull=False, created_at__lt=NOON)),
            ("idx_account_days_raw", AccountSnapshot.objects.filter(raw_data__isnull=False, created_at__lt=NOON)),
            ("idx_actions_words", retention.action_words().filter(created_at__lt=NOON)),
        ],
    )
    def test_are_found_by_their_index(self, index: str, rows: QuerySet[Any]) -> None:
        """By this one alone: which of several the planner takes for an empty table is chance."""
        table = rows.model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexname <> %s", [table, index])
            others = [name for (name,) in cursor.fetchall()]
            cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = ANY(%s::regclass[])", [others])
            cursor.execute("SET LOCAL enable_seqscan = off")
            assert f" {index} " in rows.order_by().explain()


@pytest.mark.django_db(transaction=True)
def test_two_clean_ups_at_once_share_the_work() -> None:
    post = make_post()
    for hours in range(30):
        make_snapshot(post, hours=-24 * 200 + hours, raw_data={"a": 1})
    results = at_once(2, lambda _: cleanup.clean("raw_payloads", now=NOON))
    assert sum(removal.removed for removals in results for removal in removals) == 30
    assert not PostSnapshot.objects.filter(raw_data__isnull=False).exists()
