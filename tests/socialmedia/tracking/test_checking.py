"""Checking a post."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from jobs.models import ScheduledJob
from socialmedia.models import Account, Post, PostSnapshot
from socialmedia.providers.base import Gone, NotConfigured, Person, ProviderError, Refused, TooMany, Unreachable
from socialmedia.tracking import checking, starting, states, stopping
from socialmedia.tracking.checking import Checked, Outcome
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_post
from tests.socialmedia.tracking.network import Network

MINUTE = timedelta(minutes=1)
GONE = Gone("The post is gone.")


@pytest.fixture
def post(network: Network) -> Post:
    """Tracked since noon, to be checked after 1, 6, 12, 24, 48, 72, 168, 336 and 720 hours."""
    return starting.track(network.publish(), offsets="1,6,12,24,48,72,168,336,720", by="ada", now=NOON).post


def check(post: Post, hours: float = 1, **values: Any) -> Checked:
    """Check it so many hours after noon."""
    return checking.check(post.pk, now=NOON + hours * HOUR, **values)


def snapshots(post: Post) -> list[tuple[int | None, int]]:
    """Which checks they are, and how many planned ones they stand for."""
    return list(PostSnapshot.objects.filter(post=post).order_by("captured_at").values_list("check_index", "covers"))


def due_at(post: Post) -> list[datetime]:
    """When the post's live jobs are due."""
    jobs = ScheduledJob.objects.live().filter(unique_key=f"post-check:{post.pk}")
    return list(jobs.values_list("next_attempt_at", flat=True))


def die(post: Post) -> None:
    """The lease of whoever checks it has run out."""
    Post.objects.filter(pk=post.pk).update(checking_until=Now() - MINUTE)


@pytest.mark.django_db
class TestCheck:
    def test_nine_times_as_planned_completes_the_post(self, network: Network, post: Post) -> None:
        # ORIGINS section 8, number 18
        for index, hours in enumerate((1, 6, 12, 24, 48, 72, 168, 336, 720), start=1):
            assert due_at(post) == [NOON + hours * HOUR]
            network.publish(post.external_post_id, views=100 + index)
            checked = check(post, hours)
            assert (checked.outcome, checked.post.checks_completed) == (Outcome.MEASURED, index)
            assert checked.snapshot is not None
            assert checked.before is not None
            assert (checked.snapshot.planned_at, checked.snapshot.check_index) == (NOON + hours * HOUR, index)
            assert checked.snapshot.views_count == (checked.before.views_count or 0) + 1
        post.refresh_from_db()
        assert (post.tracking_state, post.tracking_complete, post.next_check_at) == ("complete", True, None)
        assert snapshots(post) == [(index, 1) for index in range(10)]
        assert due_at(post) == []
        assert check(post, 721, force=True).outcome == Outcome.NOT_TRACKED
        assert len(snapshots(post)) == 10

    def test_after_three_days_of_downtime_stands_for_all_it_missed(self, post: Post) -> None:
        # ORIGINS section 8, number 19
        checked = check(post, 75)
        assert checked.snapshot is not None
        assert (checked.snapshot.check_index, checked.snapshot.covers) == (6, 6)
        assert checked.snapshot.planned_at == NOON + 72 * HOUR
        assert (checked.post.checks_completed, checked.post.next_check_at) == (6, NOON + 168 * HOUR)
        assert snapshots(post) == [(0, 1), (6, 6)]
        assert due_at(post) == [NOON + 168 * HOUR]
        assert check(post, 76).outcome == Outcome.NOT_DUE

    def test_twice_within_an_hour_keeps_both(self, network: Network) -> None:  # ORIGINS section 8, number 20
        post = starting.track(network.publish(), offsets="0.2,0.4", by="ada", now=NOON).post
        check(post, 0.2)
        check(post, 0.4)
        assert snapshots(post) == [(0, 1), (1, 1), (2, 1)]
        assert set(PostSnapshot.objects.values_list("snapshot_hour", flat=True)) == {12}

    def test_before_its_time_does_nothing(self, network: Network, post: Post) -> None:
        checked = check(post, 0.5)
        assert (checked.outcome, checked.snapshot) == (Outcome.NOT_DUE, None)
        assert len(network.asked) == 1

    def test_before_its_time_by_force_leaves_the_plan_as_it_is(self, post: Post) -> None:
        checked = check(post, 0.5, force=True)
        assert checked.snapshot is not None
        assert (checked.snapshot.check_index, checked.snapshot.planned_at) == (None, None)
        assert (checked.post.checks_completed, checked.post.next_check_at) == (0, NOON + HOUR)
        assert due_at(post) == [NOON + HOUR]

    def test_of_an_unknown_post_says_so(self, network: Network) -> None:
        with pytest.raises(states.UnknownPost, match="There is no post with the id 99"):
            checking.check(99, now=NOON)

    def test_makes_sure_of_the_job_even_when_nothing_is_due(self, post: Post) -> None:
        ScheduledJob.objects.all().delete()
        check(post, 0.5)
        assert due_at(post) == [NOON + HOUR]

    def test_of_a_post_that_is_not_tracked_cancels_its_job(self, post: Post) -> None:
        Post.objects.filter(pk=post.pk).update(tracking_state="stopped", next_check_at=None)
        assert check(post).outcome == Outcome.NOT_TRACKED
        assert due_at(post) == []

    def test_does_not_ask_a_provider_for_posts_of_another_network(self, network: Network) -> None:
        checked = check(make_post(Account.objects.create(platform="youtube", username="ada")))
        assert (checked.outcome, str(checked.error)) == (Outcome.FAILED, "memory does not know posts of youtube.")


@pytest.mark.django_db
class TestCheckThatFails:
    def test_tries_again_later_and_later_until_one_check_stands_for_all(self, network: Network, post: Post) -> None:
        network.break_down(post, Unreachable("No answer."))
        at, waits = NOON + HOUR, []
        for _ in range(8):
            checked = checking.check(post.pk, now=at)
            assert checked.outcome == Outcome.FAILED
            assert checked.post.next_check_at is not None
            waits.append(checked.post.next_check_at - at)
            at = checked.post.next_check_at
            assert due_at(post) == [at]
        assert all(
            base * MINUTE <= wait <= (base * 1.1 + 1) * MINUTE
            for base, wait in zip((5, 10, 20, 40, 80, 160, 320, 360), waits, strict=True)
        )
        assert (checked.post.failed_checks, checked.post.check_error) == (8, "No answer.")
        assert len(snapshots(post)) == 1
        network.mend(post)
        checked = checking.check(post.pk, now=at)
        assert (checked.post.failed_checks, checked.post.check_error_code) == (0, "")
        assert snapshots(post) == [(0, 1), (3, 3)]  # 1, 6 and 12 hours: it is about 16 hours later

    @pytest.mark.parametrize(
        ("error", "wait"),
        [
            (TooMany("Later.", retry_after=7 * MINUTE), 7),
            (Refused("The key is wrong."), 15),
            (NotConfigured("There is no key."), 15),
        ],
    )
    def test_by_the_providers_fault_is_not_counted(
        self, network: Network, post: Post, error: ProviderError, wait: int
    ) -> None:
        network.break_down(post, error)
        left = check(post).post
        assert (left.failed_checks, left.gone_checks, left.tracking_state) == (0, 0, "active")
        assert (left.check_error_code, left.check_error) == (error.code, str(error))
        assert left.next_check_at is not None
        assert wait * MINUTE <= left.next_check_at - (NOON + HOUR) <= (wait * 1.1 + 1) * MINUTE
        assert due_at(post) == [left.next_check_at]

    def test_three_times_over_an_hour_as_gone_ends_it(self, network: Network, post: Post) -> None:
        network.break_down(post, GONE)
        outcomes = [check(post, hours).outcome for hours in (1, 1.3, 2.5)]
        assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.GONE]
        post.refresh_from_db()
        assert (post.tracking_state, post.next_check_at, post.gone_checks) == ("unavailable", None, 3)
        assert post.deleted_at is not None
        assert abs(post.deleted_at - NOON - 2.5 * HOUR) < MINUTE
        last = PostSnapshot.objects.order_by("captured_at").last()
        assert last is not None
        assert (last.outcome, last.reason, last.check_index) == ("unavailable", "The post is gone.", 1)
        assert (last.planned_at, last.metric_states["views"]) == (NOON + HOUR, "unavailable")
        assert due_at(post) == []
        assert check(post, 3).outcome == Outcome.NOT_TRACKED

    def test_as_gone_in_one_bad_hour_does_not_end_it(self, network: Network, post: Post) -> None:
        network.break_down(post, GONE)
        for hours in (1, 1.1, 1.2, 1.9):
            assert check(post, hours, force=True).outcome == Outcome.FAILED

    def test_as_gone_is_forgotten_when_it_is_there_again(self, network: Network, post: Post) -> None:
        network.break_down(post, GONE)
        check(post, 1)
        check(post, 1.3)
        network.mend(post)
        left = check(post, 2.5).post
        assert (left.gone_checks, left.gone_since, left.checks_completed) == (0, None, 1)
        network.break_down(post, GONE)
        assert [check(post, hours).outcome for hours in (6, 6.3)] == [Outcome.FAILED, Outcome.FAILED]

    def test_for_a_week_after_the_last_planned_check_ends_it_without_calling_it_deleted(
        self, network: Network, post: Post
    ) -> None:
        network.break_down(post, Unreachable("No answer."))
        assert check(post, 721).outcome == Outcome.FAILED
        assert check(post, 720 + 168).outcome == Outcome.GONE
        post.refresh_from_db()
        assert (post.tracking_state, post.deleted_at, post.check_error) == ("unavailable", None, "No answer.")

    def test_before_its_time_leaves_the_plan_as_it_is(self, network: Network, post: Post) -> None:
        network.break_down(post, Unreachable("No answer."))
        assert check(post, 0.1, force=True).post.next_check_at == NOON + HOUR

    @pytest.mark.parametrize("answers", [{"caption": "a\x00b"}, {"caption": "\ud800"}, {"raw": {"a": "\x00"}}])
    def test_over_an_answer_that_the_database_does_not_take(
        self, network: Network, post: Post, answers: dict[str, Any]
    ) -> None:
        network.publish(post.external_post_id, **answers)
        checked = check(post)
        assert (checked.outcome, checked.post.failed_checks) == (Outcome.FAILED, 1)
        assert "cannot be kept" in checked.post.check_error
        assert len(snapshots(post)) == 1

    def test_over_an_answer_about_another_post(self, network: Network, post: Post) -> None:
        network.publish(post.external_post_id, answered_id="5")
        assert check(post).outcome == Outcome.FAILED
        assert Post.objects.count() == 1

    def test_keeps_the_author_when_the_answer_has_none(self, network: Network, post: Post) -> None:
        network.publish(post.external_post_id, author=Person())
        assert check(post).post.account_id == post.account_id


@pytest.mark.django_db
class TestDeadPosts:
    def test_starve_no_live_one(self, network: Network) -> None:  # ORIGINS section 8, number 21; W7
        dead = [make_post(offsets=(1, 6)) for _ in range(12)]
        live = make_post(offsets=(1.5, 6))
        network.publish(live.external_post_id)
        measured, at = [], NOON + 2 * HOUR
        while at < NOON + 5 * HOUR:
            first = list(Post.objects.filter(next_check_at__lte=at).order_by("next_check_at")[:5])
            measured += [post.pk for post in first if checking.check(post.pk, now=at).outcome == Outcome.MEASURED]
            if not first:
                at += 15 * MINUTE
        assert measured == [live.pk]
        assert set(Post.objects.filter(pk__in=[post.pk for post in dead]).values_list("tracking_state")) == {
            ("unavailable",)
        }
        assert all(network.asked.count(post.external_post_id) == 3 for post in dead)


@pytest.mark.django_db(transaction=True)
class TestCheckAtOnce:
    def test_measures_once(self, network: Network, post: Post) -> None:
        checked = at_once(8, lambda _: check(post))
        outcomes = [one.outcome for one in checked]
        assert outcomes.count(Outcome.MEASURED) == 1
        assert set(outcomes) <= {Outcome.MEASURED, Outcome.BUSY, Outcome.NOT_DUE}
        assert snapshots(post) == [(0, 1), (1, 1)]
        assert due_at(post) == [NOON + 6 * HOUR]

    def test_leaves_it_to_whoever_holds_the_lease(self, network: Network, post: Post) -> None:
        found: list[Checked] = []
        network.meanwhile = lambda: found.append(check(post)) if len(found) < 1 else None
        assert check(post).outcome == Outcome.MEASURED
        assert [one.outcome for one in found] == [Outcome.BUSY]
        assert snapshots(post) == [(0, 1), (1, 1)]

    def test_takes_over_from_a_checker_that_died_after_asking(self, network: Network, post: Post) -> None:
        def take_over() -> None:
            network.meanwhile = lambda: None
            die(post)
            assert check(post).outcome == Outcome.MEASURED

        network.meanwhile = take_over
        network.publish(post.external_post_id, views=500)
        late = check(post)  # it comes back to life, and finds that it is not its check any more
        assert late.outcome == Outcome.NOT_DUE
        assert snapshots(post) == [(0, 1), (1, 1)]

    def test_records_nothing_of_a_post_that_was_stopped_meanwhile(self, network: Network, post: Post) -> None:
        def stop() -> None:
            stopping.stop(post.pk, by="ada", now=NOON)

        network.meanwhile = stop
        assert check(post).outcome == Outcome.NOT_TRACKED
        assert snapshots(post) == [(0, 1)]
        assert due_at(post) == []

    def test_waits_for_a_lease_of_nobody_to_run_out(self, post: Post) -> None:
        Post.objects.filter(pk=post.pk).update(checking_token=uuid4(), checking_until=Now() + MINUTE)
        assert check(post).outcome == Outcome.BUSY
        die(post)
        assert check(post).outcome == Outcome.MEASURED


@pytest.mark.django_db
class TestDue:
    def test_lists_tiktok_posts_soonest_first(self) -> None:
        later, sooner = make_post(offsets=(2, 6)), make_post(offsets=(1, 6))
        make_post(Account.objects.create(platform="youtube", username="ada"))
        assert [row.pk for row in checking.due(10, now=NOON + 3 * HOUR)] == [sooner.pk, later.pk]
        assert [row.pk for row in checking.due(1, now=NOON + 3 * HOUR)] == [sooner.pk]
        assert [row.pk for row in checking.due(10, now=NOON + HOUR)] == [sooner.pk]
