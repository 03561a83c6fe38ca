"""Stored answers are read again by a newer parser: only what is read out of them changes."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from socialmedia.models import Comment, Post, PostSnapshot
from socialmedia.providers import reading
from socialmedia.reparsing import Reparsed, reparse
from tests.fakes import tiktok_posts
from tests.socialmedia.post_factories import make_post, make_snapshot

pytestmark = pytest.mark.django_db


def badly_read(post: Post, hours: float = 0, **video: Any) -> PostSnapshot:
    raw = tiktok_posts.normal_video(post.external_post_id, **video)
    return make_snapshot(post, hours=hours, views=None, likes=7, raw_data=raw, provider="rapidapi")


class TestReparse:
    def test_reads_the_counters_of_old_snapshots_again(self) -> None:
        snapshot = badly_read(make_post(), share_count=None)
        before = (snapshot.captured_at, snapshot.raw_data)
        assert reparse() == Reparsed(snapshots=1)
        snapshot.refresh_from_db()
        assert (snapshot.views_count, snapshot.likes_count, snapshot.shares_count) == (15_200, 1_204, None)
        assert snapshot.metric_states == {"shares": "hidden"}
        assert (snapshot.parser_version, str(snapshot.engagement_rate)) == (reading.VERSION, "8.24")
        assert (snapshot.captured_at, snapshot.raw_data) == before

    def test_says_anew_which_counters_fell(self) -> None:
        post = make_post()
        badly_read(post, digg_count=100)
        second = badly_read(post, hours=1, digg_count=90)
        untouched = make_snapshot(post, hours=2, views=20_000, likes=95, provider="other", decreased=["likes"])
        reparse()
        second.refresh_from_db()
        untouched.refresh_from_db()
        assert (second.decreased, untouched.decreased) == (["likes"], [])

    def test_reads_old_comments_again(self) -> None:
        post = make_post(provider="rapidapi")
        raw = {**tiktok_posts.comment(1), "text": "I love this!", "digg_count": 12}
        comment = Comment.objects.create(post=post, platform="tiktok", external_comment_id=raw["id"], raw_data=raw)
        assert reparse() == Reparsed(comments=1)
        comment.refresh_from_db()
        assert (comment.comment_text, comment.likes_count, comment.sentiment) == ("I love this!", 12, "positive")
        assert comment.commented_at is not None

    def test_leaves_the_rest_alone(self) -> None:
        post = make_post(provider="practice")
        make_snapshot(post, raw_data={"id": "1"}, provider="practice")
        make_snapshot(post, hours=1)
        badly_read(post, hours=2)
        PostSnapshot.objects.filter(provider="rapidapi").update(parser_version=reading.VERSION)
        Comment.objects.create(post=post, platform="tiktok", external_comment_id="1", raw_data={"id": "1"})
        assert reparse() == Reparsed()

    def test_counts_what_says_nothing_and_keeps_it(self) -> None:
        snapshot = make_snapshot(make_post(), views=5, raw_data={"id": None}, provider="rapidapi")
        assert reparse() == Reparsed(unreadable=1)
        snapshot.refresh_from_db()
        assert (snapshot.views_count, snapshot.parser_version) == (5, 0)

    def test_goes_through_all_in_batches(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("socialmedia.reparsing.BATCH", 2)
        for _ in range(5):
            badly_read(make_post())
        told: list[int] = []
        assert reparse(progress=told.append).snapshots == 5
        assert told == [2, 4, 5]
        assert reparse() == Reparsed()

    def test_is_an_action_of_the_command(self) -> None:
        badly_read(make_post())
        out = StringIO()
        call_command("tiktok", "reparse", "--json", stdout=out, stderr=StringIO())
        assert json.loads(out.getvalue()) == {"snapshots": 1, "comments": 0, "unreadable": 0}
