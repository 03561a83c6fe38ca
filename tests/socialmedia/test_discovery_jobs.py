"""The jobs that fetch comments, count hashtags and collect accounts' figures: the real handlers, asking over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import enqueue, runner
from jobs.models import JobStatus, Report, ScheduledJob
from socialmedia import account_days, comments, hashtags, searching
from socialmedia.models import Account, AccountSnapshot, Comment, HashtagDay, Post
from tests.fakes import tiktok_posts, tiktok_server
from tests.fakes.tiktok_server import TikTokServer
from tests.socialmedia.post_factories import make_creator, make_post, make_snapshot

PATIENCE = timedelta(seconds=0.4)
pytestmark = pytest.mark.django_db(transaction=True)  # the provider refuses to be asked within a transaction


def make_adas() -> Post:
    """The post that the server has comments of."""
    creator = make_creator("ada.makes")
    Account.objects.filter(pk=creator.pk).update(external_id=tiktok_posts.ADA["id"])
    return make_post(
        creator,
        external_post_id=tiktok_posts.VIDEO_ID,
        post_url=tiktok_posts.address(),
        provider="rapidapi",
        caption="#lamp",
    )


def run(job: ScheduledJob) -> ScheduledJob:
    runner.run_once()
    job.refresh_from_db()
    return job


class TestPostComments:
    def test_fetches_three_pages_with_a_repeated_comment_and_two_answers(self, tiktok: TikTokServer) -> None:
        # ORIGINS 8.25 and 6.7
        tiktok.world.comments[tiktok_posts.VIDEO_ID] = tiktok_posts.three_pages_of_comments()
        third = tiktok_posts.comment(3)["id"]
        tiktok.world.replies[third] = tiktok_posts.two_replies()
        post = make_adas()
        job = run(comments.order(post.pk, now=timezone.now()))
        assert job.status == JobStatus.COMPLETED
        assert tiktok.paths() == ["/comment/list"] * 3 + ["/comment/reply"]
        assert Comment.objects.filter(is_reply=False).count() == 119
        assert Comment.objects.get(external_comment_id=tiktok_posts.comment(10)["id"]).likes_count == 99
        thread = Comment.objects.get(external_comment_id=third)
        answers = thread.replies.order_by("external_comment_id")
        assert [(row.author_username, row.is_creator_reply) for row in answers] == [
            ("reader501", False),
            ("ada.makes", True),
        ]
        assert (thread.author_username, thread.author_display_name) == ("reader3", "Reader 3"), (
            "the handle, not the name"
        )
        assert (thread.replies_count, thread.api_reply_count) == (2, 2)
        assert Report.objects.get().report == {
            "post_id": post.pk,
            "is_complete": True,
            "words": "119 new, 0 known, 2 answers, from 4 pages.",
        }

    @pytest.mark.parametrize(
        ("fault", "status"),
        [(tiktok_server.gone, "failed"), (tiktok_server.forbidden, "failed"), (tiktok_server.too_many, "pending")],
    )
    def test_does_as_the_error_says(self, tiktok: TikTokServer, fault: Any, status: str) -> None:
        tiktok.always(fault)
        job = run(comments.order(make_adas().pk, now=timezone.now()))
        assert (job.status, job.retry_count) == (status, 0)
        assert job.next_attempt_at > timezone.now() or status == "failed"
        assert not Comment.objects.exists()

    def test_is_ordered_once(self) -> None:
        post = make_post()
        first, second = (comments.order(post.pk, now=timezone.now()) for _ in range(2))
        assert first.job_id == second.job_id

    def test_of_no_post_fails_for_good(self, tiktok: TikTokServer) -> None:
        job = run(comments.order(7, now=timezone.now()))
        assert (job.status, job.error_message) == ("failed", "There is no post 7 here.")

    @pytest.mark.parametrize("most", [0, 10_001])
    def test_refuses_a_number_that_cannot_be(self, most: int) -> None:
        with pytest.raises(ValueError, match="1 to 10,000 comments"):
            comments.order(7, most=most, now=timezone.now())


class TestHashtagDays:
    def test_counts(self) -> None:
        post = make_adas()
        make_snapshot(post, views=7)
        hashtags.store(post)
        job = run(enqueue.schedule_job("hashtag_days", timezone.now(), {}))
        assert (job.status, HashtagDay.objects.get().views_count) == ("completed", 7)


class TestAccountDays:
    def test_orders_each_account_and_collects_it(self, tiktok: TikTokServer) -> None:
        tiktok.world.profiles["ada.makes"] = tiktok_posts.profile()
        make_adas()
        run(enqueue.schedule_job("account_days", timezone.now(), {}))
        job = run(ScheduledJob.objects.get(job_type="account_day"))
        assert job.status == "completed"
        day = AccountSnapshot.objects.get()
        assert (day.followers_count, day.following_count, day.total_likes, day.posts_count) == (5_400, 120, 98_000, 61)

    def test_orders_nothing_when_nobody_can_be_asked(self, settings: Any) -> None:
        settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY = "rapidapi", ""
        make_adas()
        run(enqueue.schedule_job("account_days", timezone.now(), {}))
        assert not ScheduledJob.objects.filter(job_type="account_day").exists()
        assert "RAPIDAPI_KEY" in Report.objects.get().report["why"]

    def test_one_that_is_not_there_holds_up_no_other(self, tiktok: TikTokServer) -> None:
        tiktok.world.profiles["ada.makes"] = tiktok_posts.profile()
        gone = account_days.order(make_creator("gone").pk, now=timezone.now())
        there = account_days.order(make_adas().account_id, now=timezone.now())
        for _ in range(2):
            runner.run_once()
        gone.refresh_from_db()
        there.refresh_from_db()
        assert (gone.status, there.status) == ("failed", "completed")

    def test_of_a_deleted_account_is_done(self) -> None:
        account = make_creator()
        job = account_days.order(account.pk, now=timezone.now())
        account.delete()
        assert run(job).status == "completed"


class TestSearch:
    def test_over_http(self, tiktok: TikTokServer) -> None:
        tiktok.world.found_videos = [tiktok_posts.in_list(tiktok_posts.viral_video())]
        run = searching.search("video", "lamp", by="ann", patience=PATIENCE, now=timezone.now())
        (found,) = run.results.all()
        assert (found.views_count, found.username, found.external_id) == (
            3_512_345_678,
            "ada.makes",
            tiktok_posts.VIDEO_ID,
        )
        tiktok.always(tiktok_server.forbidden)
        run = searching.search("user", "ada", by="ann", patience=PATIENCE, now=timezone.now())
        assert run.status == "failed"
        assert tiktok_server.KEY not in run.error_message
