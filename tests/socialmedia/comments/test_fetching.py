"""Fetching comments."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from socialmedia import comments
from socialmedia.models import Comment
from socialmedia.providers.base import Gone, NotOffered, Page, TooMany, Unreachable
from tests.fakes.scripted import Scripted, comment, configured
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_creator, make_post

pytestmark = pytest.mark.django_db
PATIENCE = timedelta(seconds=0.4)
BUSY = TooMany("Too many.", retry_after=timedelta(seconds=9))


@pytest.fixture
def provider(settings: Any) -> Iterator[Scripted]:
    with configured(settings) as scripted:
        yield scripted


def fetch(**values: Any) -> comments.Fetched:
    post = values.pop("post", None) or make_post()
    return comments.fetch(post.pk, patience=PATIENCE, now=NOON, **values)


def page(*numbers: int, cursor: str | None = None, **values: Any) -> Page[Any]:
    return Page([comment(number, **values) for number in numbers], cursor)


class TestFetch:
    def test_follows_the_pages_and_stores_each_comment_once(self, provider: Scripted) -> None:
        provider.pages = {"": page(1, 2, cursor="50"), "50": page(2, 3, cursor="100"), "100": page(4)}
        result = fetch()
        assert (result.pages, result.new, result.updated, result.is_complete) == (3, 4, 0, True)
        assert Comment.objects.count() == 4
        again = fetch(post=Comment.objects.first().post)
        assert (again.new, again.updated) == (0, 4)

    @pytest.mark.parametrize("cursor", ["0", "50", ""])
    def test_does_not_go_round_in_circles(self, provider: Scripted, cursor: str) -> None:
        provider.pages = {"": page(1, cursor="50"), "50": page(2, cursor=cursor)}
        assert fetch().new == 2
        assert len(provider.asked) == 2

    def test_ends_at_an_empty_page(self, provider: Scripted) -> None:
        provider.pages = {"": page(1, cursor="50"), "50": page(cursor="100")}
        assert (fetch().is_complete, len(provider.asked)) == (True, 2)

    def test_asks_for_no_more_than_wanted(self, provider: Scripted) -> None:
        provider.pages = {"": page(*range(50), cursor="50"), "50": page(*range(50, 100), cursor="100")}
        result = fetch(most=60)
        assert provider.asked == ["comments  50", "comments 50 10"]
        assert Comment.objects.count() == 60
        assert result.missing == ["There are more than the 60 asked for."]

    def test_keeps_what_came_before_an_error_and_says_so(self, provider: Scripted) -> None:
        provider.pages = {"": page(1, 2, cursor="50"), "50": Unreachable("No usable answer.")}
        result = fetch()
        assert (result.pages, result.new, result.is_complete) == (1, 2, False)
        assert result.words == "2 new, 0 known, 0 answers, from 1 page. It ended early: No usable answer."
        assert Comment.objects.count() == 2

    @pytest.mark.parametrize("error", [Gone("Gone."), BUSY])
    def test_says_that_nothing_came(self, provider: Scripted, error: Any) -> None:
        provider.pages = {"": error}
        with pytest.raises(type(error)):
            fetch()
        assert not Comment.objects.exists()

    def test_keeps_what_came_before_a_crash(self, provider: Scripted) -> None:
        provider.pages = {"": page(1, 2, cursor="50"), "50": page(3)}
        provider.before = lambda: 1 / 0 if len(provider.asked) > 1 else None
        with pytest.raises(ZeroDivisionError):
            fetch()
        assert Comment.objects.count() == 2

    def test_refuses_what_nobody_can_answer(self, provider: Scripted) -> None:
        with pytest.raises(comments.NoSuchPost):
            comments.fetch(7, patience=PATIENCE, now=NOON)
        creator = make_creator()
        creator.platform = "instagram"
        creator.save()
        with pytest.raises(NotOffered, match="knows nothing of Instagram"):
            fetch(post=make_post(creator))
        assert not provider.asked


class TestAnswers:
    def test_are_asked_for_where_more_are_counted_than_stored(self, provider: Scripted) -> None:
        provider.pages = {"": Page([comment(1, reply_total=2), comment(2)], None)}
        provider.answers = {"c1": {"": page(11, cursor="50"), "50": page(12, parent_external_id="c1")}}
        result = fetch()
        assert (result.new, result.replies, result.pages, result.is_complete) == (2, 2, 3, True)
        thread = Comment.objects.get(external_comment_id="c1")
        assert set(thread.replies.values_list("external_comment_id", flat=True)) == {"c11", "c12"}
        assert thread.replies_count == 2
        fetch(post=thread.post)
        assert provider.asked[3:] == ["comments  50"], "they are all there"

    def test_of_one_that_is_gone_do_not_hold_up_the_others(self, provider: Scripted) -> None:
        provider.pages = {"": Page([comment(1, reply_total=9), comment(2, reply_total=1)], None)}
        provider.answers = {"c2": {"": page(21)}}
        assert (fetch().replies, fetch().is_complete) == (1, True)

    def test_that_fail_take_nothing_away(self, provider: Scripted) -> None:
        provider.pages = {"": Page([comment(1, reply_total=9), comment(2, reply_total=1)], None)}
        provider.answers = {"c1": {"": BUSY}, "c2": {"": page(21)}}
        result = fetch()
        assert (result.new, result.replies, result.missing) == (2, 0, ["The answers ended early: Too many."])

    def test_are_bounded(self, provider: Scripted) -> None:
        provider.pages = {"": Page([comment(n, reply_total=1) for n in range(20)], None)}
        provider.answers = {f"c{n}": {"": page(100 + n)} for n in range(20)}
        result = fetch()
        assert (result.replies, len(provider.asked)) == (10, 11)
        assert result.missing == ["There are more answers than one fetch asks for."]
