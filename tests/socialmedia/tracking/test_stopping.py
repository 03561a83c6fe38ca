"""Ending, taking up and repeating the tracking of a post."""

from datetime import timedelta

import pytest

from jobs.models import ScheduledJob
from socialmedia.models import Post, PostSnapshot
from socialmedia.providers.base import Gone
from socialmedia.tracking import checking, starting, states, stopping
from socialmedia.tracking.plan import BadOffsets
from socialmedia.tracking.starting import CannotTrack
from socialmedia.tracking.states import WrongState
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_post
from tests.socialmedia.tracking.network import Network


@pytest.fixture
def post(network: Network) -> Post:
    """Tracked since noon, to be checked after 1, 6 and 12 hours."""
    return starting.track(network.publish(), offsets="1,6,12", by="ada", now=NOON).post


def due_at(post: Post) -> list[object]:
    """When the post's live jobs are due."""
    jobs = ScheduledJob.objects.live().filter(unique_key=f"post-check:{post.pk}")
    return list(jobs.values_list("next_attempt_at", flat=True))


@pytest.mark.django_db
class TestStop:
    def test_leaves_no_check_and_no_job(self, post: Post) -> None:
        stopped = stopping.stop(post.pk, by="ada", now=NOON + HOUR)
        assert (stopped.tracking_state, stopped.next_check_at) == ("stopped", None)
        assert (stopped.stopped_at, stopped.stopped_by) == (NOON + HOUR, "ada")
        assert due_at(post) == []
        assert ScheduledJob.objects.get(job_type="post_check").status == "cancelled"

    @pytest.mark.parametrize(
        ("state", "told"),
        [
            ("untracked", "was never put under tracking: there is nothing to stop"),
            ("stopped", "was stopped: there is nothing"),
            ("complete", "has had all its checks"),
            ("unavailable", "is not there any more"),
        ],
    )
    def test_says_why_not(self, state: str, told: str) -> None:
        post = make_post(tracking_state=state)
        with pytest.raises(WrongState, match=rf"^Post {post.pk} {told}"):
            stopping.stop(post.pk, by="ada", now=NOON)

    def test_says_that_there_is_no_such_post(self) -> None:
        with pytest.raises(states.UnknownPost, match="no post with the id 99"):
            stopping.stop(99, by="ada", now=NOON)


@pytest.mark.django_db
class TestResume:
    def test_goes_on_where_the_plan_is(self, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=NOON)
        resumed = stopping.resume(post.pk, by="ben", now=NOON + HOUR / 2)
        assert (resumed.tracking_state, resumed.next_check_at) == ("active", NOON + HOUR)
        assert (resumed.checks_completed, resumed.stopped_at, resumed.stopped_by) == (0, None, "")
        assert due_at(post) == [NOON + HOUR]

    def test_leaves_out_what_was_planned_meanwhile(self, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=NOON)
        resumed = stopping.resume(post.pk, by="ada", now=NOON + 6 * HOUR)
        assert (resumed.checks_completed, resumed.next_check_at) == (2, NOON + 12 * HOUR)
        assert PostSnapshot.objects.count() == 1
        checked = checking.check(post.pk, now=NOON + 12 * HOUR)
        assert checked.snapshot is not None
        assert (checked.snapshot.check_index, checked.snapshot.covers) == (3, 1)

    def test_completes_when_nothing_is_left(self, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=NOON)
        resumed = stopping.resume(post.pk, by="ada", now=NOON + 13 * HOUR)
        assert (resumed.tracking_state, resumed.tracking_complete, resumed.checks_completed) == ("complete", True, 3)
        assert due_at(post) == []

    def test_completes_a_plan_that_was_never_one(self) -> None:
        post = make_post(tracking_state="stopped", check_schedule=[])
        assert stopping.resume(post.pk, by="ada", now=NOON).tracking_state == "complete"

    def test_says_why_not(self, post: Post) -> None:
        with pytest.raises(WrongState, match="is tracked now: only what was stopped can be resumed"):
            stopping.resume(post.pk, by="ada", now=NOON)


@pytest.mark.django_db
class TestRestart:
    def test_begins_a_new_round_beside_the_old_one(self, network: Network, post: Post) -> None:
        checking.check(post.pk, now=NOON + 12 * HOUR)
        again = stopping.restart(post.pk, by="ada", now=NOON + 20 * HOUR)
        assert (again.is_new, again.post.tracking_round, again.post.tracking_state) == (True, 2, "active")
        assert (again.post.next_check_at, again.post.checks_completed) == (NOON + 21 * HOUR, 0)
        assert again.post.check_offsets == [1, 6, 12]
        places = PostSnapshot.objects.order_by("captured_at").values_list("tracking_round", "check_index")
        assert list(places) == [(1, 0), (1, 3), (2, 0)]
        checking.check(post.pk, now=NOON + 21 * HOUR)
        assert places.last() == (2, 1)
        assert due_at(post) == [NOON + 26 * HOUR]

    def test_takes_other_offsets(self, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=NOON)
        again = stopping.restart(post.pk, offsets="2", by="ada", now=NOON + HOUR)
        assert (again.post.check_offsets, again.post.next_check_at) == ([2], NOON + 3 * HOUR)
        assert (again.post.stopped_at, again.post.stopped_by) == (None, "")

    def test_forgets_that_it_was_not_there(self, network: Network, post: Post) -> None:
        network.break_down(post, Gone("Gone."))
        for hours in (1, 1.3, 2.5):
            checking.check(post.pk, now=NOON + hours * HOUR)
        with pytest.raises(Gone):
            stopping.restart(post.pk, by="ada", now=NOON + 3 * HOUR)
        post.refresh_from_db()
        assert (post.tracking_state, post.tracking_round) == ("unavailable", 1)
        network.mend(post)
        back = stopping.restart(post.pk, by="ada", now=NOON + 4 * HOUR).post
        assert (back.tracking_state, back.deleted_at, back.gone_checks, back.check_error) == ("active", None, 0, "")

    @pytest.mark.parametrize("state", ["active", "untracked"])
    def test_says_why_not(self, network: Network, state: str) -> None:
        post = make_post(tracking_state=state)
        with pytest.raises(WrongState, match="tracking begins anew when it is complete, stopped or unavailable"):
            stopping.restart(post.pk, by="ada", now=NOON)
        assert network.asked == []

    def test_refuses_offsets_and_answers_like_the_first_time(self, network: Network, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=NOON)
        with pytest.raises(BadOffsets):
            stopping.restart(post.pk, offsets="6,1", by="ada", now=NOON)
        network.publish(post.external_post_id, caption="\x00")
        with pytest.raises(CannotTrack):
            stopping.restart(post.pk, by="ada", now=NOON)
        post.refresh_from_db()
        assert (post.tracking_state, post.tracking_round) == ("stopped", 1)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_of_many_restarts_begins(self, network: Network, post: Post) -> None:
        stopping.stop(post.pk, by="ada", now=NOON)

        def restart(_: int) -> str:
            try:
                return str(stopping.restart(post.pk, by="ada", now=NOON + HOUR).post.tracking_state)
            except WrongState:
                return "refused"

        assert sorted(at_once(6, restart)) == ["active"] + ["refused"] * 5
        post.refresh_from_db()
        assert post.tracking_round == 2
        assert due_at(post) == [NOON + 2 * HOUR]

    def test_stop_and_checks_leave_a_whole_state(self, network: Network, post: Post) -> None:
        def act(index: int) -> None:
            if index % 4:
                checking.check(post.pk, now=NOON + HOUR)
            else:
                stopping.stop(post.pk, by="ada", now=NOON + HOUR + timedelta(seconds=1))

        at_once(4, act)
        post.refresh_from_db()
        assert post.tracking_state == "stopped"
        assert due_at(post) == []
        assert PostSnapshot.objects.count() == 1 + post.checks_completed
