"""The jobs of the checks: one for each tracked post, whatever happens to posts and jobs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from jobs import enqueue, lifecycle, recurring, registry, runner
from jobs.models import JobExecution, JobTypeUse, ScheduledJob
from socialmedia import conf
from socialmedia.models import Post, PostSnapshot
from socialmedia.providers import budget
from socialmedia.providers.base import Unreachable
from socialmedia.tracking import checking, starting, stopping, timetable
from socialmedia.tracking.checking import Outcome
from socialmedia.tracking.timetable import MadeUp
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_post
from tests.socialmedia.tracking.network import Network


def live() -> list[tuple[str, datetime]]:
    """The live jobs of the checks."""
    jobs = ScheduledJob.objects.live().filter(job_type="post_check").order_by("next_attempt_at")
    return [(job.unique_key, job.next_attempt_at) for job in jobs]


def statuses() -> list[str]:
    """Of all jobs of the checks, in the order in which they were due."""
    jobs = ScheduledJob.objects.filter(job_type="post_check").order_by("scheduled_time", "created_at")
    return list(jobs.values_list("status", flat=True))


@pytest.mark.django_db
class TestKeep:
    def test_moves_a_waiting_job(self) -> None:
        post = make_post(offsets=(1, 6))
        timetable.keep(post, now=NOON)
        post.next_check_at = NOON + 3 * HOUR
        timetable.keep(post, now=NOON)
        assert live() == [(f"post-check:{post.pk}", NOON + 3 * HOUR)]
        assert len(statuses()) == 1

    def test_leaves_a_running_job_alone(self) -> None:
        post = make_post(offsets=(1, 6))
        timetable.keep(post, now=NOON)
        running = {"status": "running", "lease_token": uuid4(), "lease_expires_at": Now()}
        ScheduledJob.objects.update(**running)
        post.next_check_at = NOON + 3 * HOUR
        timetable.keep(post, now=NOON)
        assert live() == [(f"post-check:{post.pk}", NOON + HOUR)]

    def test_cancels_the_job_of_a_post_that_needs_none(self) -> None:
        post = make_post(offsets=(1, 6))
        timetable.keep(post, now=NOON)
        post.tracking_state = "stopped"
        timetable.keep(post, now=NOON)
        assert statuses() == ["cancelled"]


@pytest.mark.django_db
class TestPostCheck:
    @pytest.mark.parametrize("post_id", ["7", None, True, 1.5])
    def test_is_refused_without_the_number_of_a_post(self, post_id: object) -> None:
        with pytest.raises(enqueue.InvalidJob, match="post_id is the number of a post"):
            enqueue.schedule_job(timetable.JOB_TYPE, timezone.now(), {"post_id": post_id})

    def test_has_its_key_however_it_is_enqueued(self) -> None:
        job = enqueue.schedule_job(timetable.JOB_TYPE, timezone.now(), {"post_id": 7})
        assert job.unique_key == "post-check:7"


@pytest.mark.django_db
class TestMakeUp:
    def test_gives_each_tracked_post_the_job_it_lacks(self) -> None:
        has, lacks, lost = (make_post(offsets=(hours, 9)) for hours in (1, 2, 3))
        for post in (has, lost):
            timetable.keep(post, now=NOON)
        lifecycle.cancel_job(ScheduledJob.objects.get(unique_key=f"post-check:{lost.pk}").job_id, now=NOON)
        make_post(tracking_state="stopped")
        assert timetable.make_up(now=NOON) == MadeUp(added=2, cancelled=0)
        assert live() == [
            (f"post-check:{post.pk}", NOON + hours * HOUR) for post, hours in ((has, 1), (lacks, 2), (lost, 3))
        ]
        assert timetable.make_up(now=NOON) == MadeUp(0, 0)

    def test_cancels_the_jobs_of_posts_that_are_not_tracked(self) -> None:
        posts = [make_post(offsets=(1, 9)) for _ in range(3)]
        for post in posts:
            timetable.keep(post, now=NOON)
        Post.objects.filter(pk=posts[0].pk).delete()
        Post.objects.filter(pk=posts[1].pk).update(tracking_state="stopped", next_check_at=None)
        assert timetable.make_up(now=NOON) == MadeUp(added=0, cancelled=2)
        assert [key for key, _ in live()] == [f"post-check:{posts[2].pk}"]

    @pytest.mark.parametrize("number", [0, -1, 10**30])
    def test_cancels_the_job_of_a_number_that_no_post_has(self, number: int) -> None:
        enqueue.schedule_job(timetable.JOB_TYPE, timezone.now(), {"post_id": number})
        assert timetable.make_up(now=NOON) == MadeUp(added=0, cancelled=1)

    def test_brings_forward_what_somebody_put_off(self) -> None:
        posts = [make_post(offsets=(hours, 9)) for hours in (1, 2, 3)]
        for post, by in zip(posts, (30 * HOUR, HOUR, -HOUR), strict=True):
            timetable.keep(post, now=NOON)
            assert post.next_check_at is not None
            job = ScheduledJob.objects.get(unique_key=f"post-check:{post.pk}")
            lifecycle.reschedule_job(job.job_id, post.next_check_at + by, now=NOON)
        assert timetable.make_up(now=NOON) == MadeUp(0, 0, moved=1)
        times = dict(live())
        assert times[f"post-check:{posts[0].pk}"] == NOON + HOUR
        assert times[f"post-check:{posts[1].pk}"] == NOON + 3 * HOUR, "within the hour that the engine's tries take"
        assert timetable.make_up(now=NOON) == MadeUp(0, 0)

    def test_leaves_other_jobs_alone(self) -> None:
        other = enqueue.schedule_job("sample_one", timezone.now(), {}, unique_key="post-check:5")
        assert timetable.make_up(now=NOON) == MadeUp(0, 0)
        other.refresh_from_db()
        assert other.status == "pending"

    def test_serves_thousands_by_the_same_few_statements(self, django_assert_num_queries: Any) -> None:
        example = make_post(offsets=(1, 9))
        names = [field.column for field in Post._meta.concrete_fields if not field.primary_key]
        others = [name for name in names if name != "external_post_id"]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO social_media_posts (external_post_id, {', '.join(others)}) "  # noqa: S608
                f"SELECT n::text, {', '.join(others)} FROM social_media_posts, generate_series(1, 3000) AS n "
                "WHERE id = %s",
                [example.pk],
            )
        with django_assert_num_queries(6):  # with the savepoint and a setting
            assert timetable.make_up(now=NOON).added == 3001
        assert len(live()) == 3001

    @pytest.mark.parametrize(
        ("statement", "index"),
        [
            (timetable._PLAN, "scheduled_jobs_unique_live_key"),
            (timetable._CANCEL, "social_media_posts_pkey"),
            (timetable._MOVE, "social_media_posts_pkey"),
        ],
    )
    def test_looks_each_one_up_even_in_a_table_that_is_taken_for_empty(self, statement: str, index: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE pg_class SET reltuples = 1, relpages = 9999 WHERE relname = 'social_media_posts'")
            cursor.execute("UPDATE pg_class SET reltuples = 9999, relpages = 99 WHERE relname = 'scheduled_jobs'")
            cursor.execute(timetable._BY_INDEX)
            cursor.execute(f"EXPLAIN {statement}", {"job_type": "post_check", "prefix": "post-check:", "now": NOON})
            found = "\n".join(row[0] for row in cursor.fetchall())
        assert f"using {index}" in found
        assert "Join" not in found

    def test_comes_every_hour(self) -> None:
        work = recurring.find("check-back-plan")
        assert (work.job_type, work.every) == ("check_back_plan", HOUR)


@pytest.mark.django_db(transaction=True)
class TestJob:
    """What a worker does with it."""

    @pytest.fixture
    def post(self, network: Network) -> Post:
        """To be checked an hour after its start, which is an hour ago, and five hours later."""
        start = timezone.now() - HOUR - timedelta(seconds=2)
        return starting.track(network.publish(), offsets="1,6", by="ada", now=start).post

    def run(self) -> None:
        """Let a worker take what is due, as often as it likes."""
        JobTypeUse.objects.all().delete()
        runner.run_once()

    def test_checks_completes_and_enqueues_the_next(self, post: Post) -> None:
        self.run()
        assert statuses() == ["completed", "pending"]
        assert (post.tracking_started_at or NOON) + 6 * HOUR == live()[0][1]
        assert list(PostSnapshot.objects.values_list("check_index", flat=True)) == [0, 1]
        assert JobExecution.objects.get().status == "completed"

    def test_completes_when_the_provider_fails_and_tries_again_by_the_post(self, network: Network, post: Post) -> None:
        network.break_down(post, Unreachable("No answer."))
        self.run()
        post.refresh_from_db()
        assert statuses() == ["completed", "pending"]
        assert (post.failed_checks, live()[0][1]) == (1, post.next_check_at)
        assert ScheduledJob.objects.filter(retry_count__gt=0).count() == 0

    def test_completes_quietly_when_a_command_was_faster(self, network: Network, post: Post) -> None:
        def check() -> None:
            network.meanwhile = lambda: None
            self.run()  # finds the post busy, and comes back when the lease is over

        network.meanwhile = check
        assert checking.check(post.pk, now=timezone.now()).outcome == Outcome.MEASURED
        assert statuses() == ["pending"]
        assert live()[0][1] == (post.tracking_started_at or NOON) + 6 * HOUR
        assert PostSnapshot.objects.count() == 2

    def test_starts_no_more_often_than_the_budget_has_places(self) -> None:
        rate, provider = registry.find(timetable.JOB_TYPE).policy.rate, conf.provider()
        assert rate is not None
        assert rate.per / rate.count >= timedelta(seconds=budget.MARGIN) / provider.per_second

    def test_that_was_retried_by_hand_leaves_one_live_job(self, post: Post) -> None:
        job = ScheduledJob.objects.get()
        ScheduledJob.objects.update(status="failed", completed_at=timezone.now())
        timetable.make_up(now=timezone.now())  # a second one, with the key
        assert lifecycle.retry_job(job.job_id, now=timezone.now())
        self.run()
        self.run()
        assert sorted(statuses()) == ["completed", "completed", "pending"]
        assert live() == [(f"post-check:{post.pk}", (post.tracking_started_at or NOON) + 6 * HOUR)]
        assert PostSnapshot.objects.count() == 2

    def test_waits_for_the_lease_of_who_is_checking_now(self, post: Post) -> None:
        until = timezone.now() + timedelta(minutes=1)
        Post.objects.filter(pk=post.pk).update(checking_token=uuid4(), checking_until=until)
        self.run()
        assert live() == [(f"post-check:{post.pk}", until)]
        assert PostSnapshot.objects.count() == 1

    def test_finds_nothing_due_when_it_ran_for_an_earlier_time(self, post: Post) -> None:
        checking.check(post.pk, now=timezone.now())
        ScheduledJob.objects.update(next_attempt_at=timezone.now())
        self.run()
        assert statuses() == ["completed", "pending"]
        assert PostSnapshot.objects.count() == 2

    def test_of_a_stopped_or_deleted_post_ends(self, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=timezone.now())
        for post_id in (post.pk, 99):
            enqueue.schedule_job(timetable.JOB_TYPE, timezone.now(), {"post_id": post_id})
            self.run()
        assert statuses() == ["cancelled", "completed", "completed"]

    def test_records_nothing_when_its_own_lease_was_lost(self, network: Network, post: Post) -> None:
        network.meanwhile = lambda: ScheduledJob.objects.update(lease_token=uuid4()) and None
        self.run()
        post.refresh_from_db()
        assert (PostSnapshot.objects.count(), post.checks_completed) == (1, 0)
