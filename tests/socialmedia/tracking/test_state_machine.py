"""Any order of what can happen to tracked posts: checks, failures, deaths, people, time. What must hold is asked of the
tables after each step.

`CHECKBACK_STORIES=500 pytest tests/socialmedia/tracking/test_state_machine.py` tells more stories than the usual ones.
"""

import os
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jobs.models import ScheduledJob
from socialmedia.models import Post, PostSnapshot, TrackingState
from socialmedia.providers.base import Gone, ProviderError, Refused, TooMany, Unreachable
from socialmedia.tracking import checking, plan, starting, stopping, timetable
from socialmedia.tracking.checking import Outcome
from socialmedia.tracking.states import WrongState
from tests.socialmedia.factories import NOON
from tests.socialmedia.tracking.network import Network

STORIES = int(os.environ.get("CHECKBACK_STORIES", "12"))
STEPS = 30
MINUTE = timedelta(minutes=1)
ERRORS: list[ProviderError | None] = [
    None,
    None,
    Gone("It is gone."),
    Unreachable("No answer."),
    TooMany("Later.", retry_after=MINUTE),
    Refused("No."),
]
WAITS = st.sampled_from([1, 16, 61, 61, 200, 1_500, 20_000]).map(lambda minutes: minutes * MINUTE)
OFFSETS = st.sampled_from(["1", "1,6", "0.5,1,2,3", "1,6,12,24,48,72,168,336,720"])


class Crash(Exception):
    """The checker's process ends."""


class CheckMachine(RuleBasedStateMachine):
    """One network, up to a few posts, and everybody who checks them."""

    network: Network
    posts = Bundle("posts")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.jobless: set[int] = set()
        """Posts whose job somebody took away."""

    @rule(target=posts, offsets=OFFSETS)
    def track(self, offsets: str) -> int:
        return starting.track(self.network.publish(), offsets=offsets, by="ada", now=self.now).post.pk

    @rule(wait=WAITS)
    def time_passes(self, wait: timedelta) -> None:
        self.now += wait

    @rule(post=posts, error=st.sampled_from(ERRORS))
    def the_provider_answers_with(self, post: int, error: ProviderError | None) -> None:
        self.network.errors.pop(self._post(post).external_post_id, None)
        if error is not None:
            self.network.break_down(self._post(post), error)

    @rule(post=posts, force=st.booleans())
    def check(self, post: int, force: bool) -> None:
        before, asked = self._post(post), len(self.network.asked)
        checked = checking.check(post, force=force, now=self.now)
        is_due = before.next_check_at is not None and before.next_check_at <= self.now
        expected = before.tracking_state == TrackingState.ACTIVE and (is_due or force)
        assert (len(self.network.asked) > asked) == expected
        assert (checked.outcome in (Outcome.MEASURED, Outcome.FAILED, Outcome.GONE)) == expected
        if checked.post.next_check_at is not None and expected:
            assert checked.post.next_check_at > self.now
        self.jobless.discard(post)

    @rule()
    def the_workers_check_what_is_due(self) -> None:
        for post in Post.objects.filter(next_check_at__lte=self.now).values_list("pk", flat=True):
            self.check(post, force=False)

    @rule(post=posts)
    def a_checker_dies_after_asking(self, post: int) -> None:
        before = PostSnapshot.objects.filter(post_id=post).count()

        def die() -> None:
            self.network.meanwhile = lambda: None
            raise Crash

        self.network.meanwhile = die
        try:
            checking.check(post, now=self.now)
        except Crash:
            assert checking.check(post, force=True, now=self.now).outcome == Outcome.BUSY
            Post.objects.filter(pk=post).update(checking_until=datetime(2000, 1, 1, tzinfo=self.now.tzinfo))
        else:
            self.jobless.discard(post)  # nothing was due: the check saw to the job
        self.network.meanwhile = lambda: None
        assert PostSnapshot.objects.filter(post_id=post).count() == before

    @rule(post=posts)
    def stop(self, post: int) -> None:
        self._try(stopping.stop, post, TrackingState.ACTIVE)

    @rule(post=posts)
    def resume(self, post: int) -> None:
        self._try(stopping.resume, post, TrackingState.STOPPED)

    @rule(post=posts, offsets=OFFSETS)
    def restart(self, post: int, offsets: str) -> None:
        ended = (TrackingState.COMPLETE, TrackingState.STOPPED, TrackingState.UNAVAILABLE)
        if self._post(post).external_post_id in self.network.errors:
            return
        self._try(stopping.restart, post, *ended, offsets=offsets)

    @rule(post=posts)
    def somebody_cancels_the_job(self, post: int) -> None:
        timetable.drop(post, now=self.now)
        self.jobless.add(post)

    @rule()
    def the_hourly_plan_comes(self) -> None:
        timetable.make_up(now=self.now)
        self.jobless.clear()

    # What always holds

    @invariant()
    def every_tracked_post_has_one_job_due_at_its_next_check(self) -> None:
        jobs = ScheduledJob.objects.live().filter(job_type="post_check")
        found = sorted((job.payload["post_id"], job.next_attempt_at) for job in jobs)
        tracked = Post.objects.filter(tracking_state=TrackingState.ACTIVE).exclude(pk__in=self.jobless)
        assert found == sorted(tracked.values_list("pk", "next_check_at"))

    @invariant()
    def every_planned_check_is_measured_at_most_once_and_never_early(self) -> None:
        for post in Post.objects.all():
            schedule = plan.from_texts(post.check_schedule)
            planned = [row for row in self._round(post) if row.check_index is not None]
            assert [row.check_index for row in planned][:1] == [0]
            assert all(row.captured_at >= row.planned_at for row in planned)
            assert all(row.planned_at == schedule[row.check_index - 1] for row in planned[1:])
            for before, after in pairwise(planned):
                assert before.check_index <= after.check_index - after.covers
            measured = [row.check_index for row in planned if row.outcome == "measured"]
            assert post.checks_completed >= measured[-1]

    @invariant()
    def a_plan_is_complete_when_it_is_used_up(self) -> None:
        for post in Post.objects.all():
            used_up = post.checks_completed >= len(post.check_schedule)
            assert used_up == (post.tracking_state == TrackingState.COMPLETE)
            assert post.failed_checks >= post.gone_checks
            assert (post.gone_checks > 0) == (post.gone_since is not None)

    # Below: how the machine looks at things

    def _try(self, act: Any, post: int, *allowed: TrackingState, **options: Any) -> None:
        is_allowed = self._post(post).tracking_state in allowed
        try:
            act(post, by="ada", now=self.now, **options)
        except WrongState:
            assert not is_allowed
        else:
            assert is_allowed
            self.jobless.discard(post)

    def _post(self, post: int) -> Post:
        return Post.objects.get(pk=post)

    def _round(self, post: Post) -> list[Any]:
        return list(post.snapshots.filter(tracking_round=post.tracking_round).order_by("captured_at"))


@pytest.mark.django_db
def test_any_story_leaves_whole_posts(network: Network) -> None:
    class Story(CheckMachine):
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            network.errors.clear()
            self.undo = transaction.atomic()
            self.undo._from_testcase = (
                True  # as the test's own: what must not be inside a transaction may be in this one
            )
            self.undo.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Story,
        settings=settings(
            max_examples=STORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
