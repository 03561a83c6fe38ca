"""The small outbox for staff: each key once, in order within a thread, by one poster at a time."""

from datetime import datetime, timedelta

import pytest

from bots.models import StaffPost
from bots.splitting import LIMIT
from bots.staff import posts
from bots.staff.posts import Post
from socialmedia.models import Conversation
from tests.concurrency import at_once
from tests.followups.factories import DAY, NOON, make_member, make_thread

LATER = NOON + timedelta(days=30)
"""Posts are due from the database's now on."""


@pytest.fixture
def thread(db: None) -> Conversation:
    return make_thread(make_member())


def queue(thread: Conversation, key: str, text: str = "Hello.", *, in_thread: bool = True) -> int:
    """Queue one post."""
    return posts.queue([Post(key, text, thread.pk if in_thread else None)], account_id=thread.account_id)


def claim(thread: Conversation) -> str | None:
    """Claim the next post and return its key."""
    taken = posts.claim(account_id=thread.account_id, now=LATER)
    return taken and taken.row.key


def prune(before: datetime, *, in_threads_before: datetime | None = None) -> int:
    """Prune, in threads by the same time if no other is given."""
    return posts.prune(before=before, in_threads_before=in_threads_before or before)


class TestQueue:
    def test_takes_each_key_once(self, thread: Conversation) -> None:
        assert queue(thread, "flag:1") == 1
        assert queue(thread, "flag:1", "Other words.") == 0
        assert StaffPost.objects.get().text == "Hello."

    def test_splits_what_is_longer_than_a_message(self, thread: Conversation) -> None:
        assert queue(thread, "message:1", "All is well. " * 300) == 2
        assert {row.key for row in StaffPost.objects.all()} == {"message:1", "message:1:2"}
        assert all(len(row.text) <= LIMIT for row in StaffPost.objects.all())


class TestClaim:
    def test_keeps_the_order_of_a_thread(self, thread: Conversation) -> None:
        queue(thread, "message:1")
        queue(thread, "message:2")
        first = posts.claim(account_id=thread.account_id, now=LATER)
        assert first is not None
        assert claim(thread) is None
        assert posts.release(first, next_attempt_at=LATER + DAY, error="HTTP 500")
        assert claim(thread) is None
        StaffPost.objects.filter(key="message:1").update(next_attempt_at=NOON)
        assert claim(thread) == "message:1"

    def test_goes_on_elsewhere_meanwhile(self, thread: Conversation) -> None:
        queue(thread, "message:1")
        queue(thread, "flag:1", in_thread=False)
        queue(thread, "flag:2", in_thread=False)
        assert [claim(thread) for _ in range(4)] == ["message:1", "flag:1", "flag:2", None]

    def test_takes_over_what_a_dead_poster_left(self, thread: Conversation) -> None:
        queue(thread, "flag:1", in_thread=False)
        dead = posts.claim(account_id=thread.account_id, now=LATER)
        assert dead is not None
        assert dead.is_untried
        taken = posts.claim(account_id=thread.account_id, now=LATER + 2 * posts.LEASE)
        assert taken is not None
        assert not taken.is_untried
        assert not posts.record_sent(dead, message_id="1")
        assert posts.record_sent(taken, message_id="2")
        row = StaffPost.objects.get()
        assert (row.status, row.external_message_id, row.attempts) == ("sent", "2", 2)


class TestWithdraw:
    def test_leaves_of_what_is_just_posted_the_way_to_delete_it(self, thread: Conversation) -> None:
        queue(thread, "flag:1", in_thread=False)
        queue(thread, "flag:2", in_thread=False)
        taken = posts.claim(account_id=thread.account_id, now=LATER)
        assert taken is not None
        assert posts.withdraw(StaffPost.objects.all(), now=LATER) == 1
        assert posts.withdrawn(account_id=thread.account_id, now=LATER) == []
        assert posts.record_sent(taken, message_id="9", channel_id="4")
        (row,) = posts.withdrawn(account_id=thread.account_id, now=LATER)
        assert (row.key, row.text, row.external_message_id, row.channel_id) == ("flag:1", "", "9", "4")
        assert claim(thread) is None


@pytest.mark.django_db(transaction=True)
class TestClaimAtOnce:
    def test_gives_each_post_to_one_poster(self) -> None:
        thread = make_thread(make_member())
        for number in range(4):
            queue(thread, f"flag:{number}", in_thread=False)
        taken = at_once(8, lambda _: claim(thread))
        keys = [key for key in taken if key]
        assert len(keys) == len(set(keys))


class TestPrune:
    def test_forgets_what_was_posted_long_ago(self, thread: Conversation) -> None:
        queue(thread, "flag:1", in_thread=False)
        taken = posts.claim(account_id=thread.account_id, now=LATER)
        assert taken is not None
        queue(thread, "flag:2", in_thread=False)
        assert prune(LATER + DAY) == 0
        posts.record_sent(taken, message_id="1")
        assert prune(LATER + DAY) == 1
        assert StaffPost.objects.get().key == "flag:2"

    def test_remembers_for_as_long_what_may_have_to_be_deleted_in_discord(self, thread: Conversation) -> None:
        queue(thread, "message:1")
        posts.queue([Post("flag:1", "Ada", user_id=thread.participant_id)], account_id=thread.account_id)
        StaffPost.objects.update(status="sent")
        assert prune(LATER, in_threads_before=NOON) == 0
        assert prune(LATER) == 1
        assert StaffPost.objects.get().key == "flag:1"
