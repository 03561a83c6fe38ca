"""Storing comments."""

from datetime import timedelta
from typing import Any

import pytest

from socialmedia import comments
from socialmedia.models import Comment, Post
from tests.concurrency import at_once
from tests.fakes.scripted import comment, person
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_creator, make_post

pytestmark = pytest.mark.django_db


def store(post: Post, *seen: Any, now: Any = NOON) -> comments.Stored:
    return comments.store(post.pk, seen, parser_version=1, now=now)


def known(number: int | str) -> Comment:
    return Comment.objects.get(external_comment_id=f"c{number}")


class TestStore:
    def test_keeps_who_wrote_what_when(self) -> None:
        post = make_post()
        assert store(post, comment(1, commented_at=NOON, reply_total=4)) == comments.Stored(
            new=frozenset({"c1"}), known=frozenset()
        )
        row = known(1)
        assert (row.author_username, row.author_display_name, row.author_id) == (
            "ben_cooks",
            "ben_cooks, in words",
            "b1",
        )
        assert (row.comment_text, row.likes_count, row.commented_at, row.api_reply_count) == ("I love this", 3, NOON, 4)
        assert (row.platform, row.is_reply, row.raw_data, row.parser_version) == ("tiktok", False, {"id": "c1"}, 1)
        assert (row.sentiment, row.edited_at) == ("positive", None)
        assert row.sentiment_score is not None
        assert row.sentiment_score > 0

    def test_brings_likes_and_words_up_to_date(self) -> None:  # ORIGINS 8.25
        post, later = make_post(), NOON + timedelta(hours=1)
        store(post, comment(1, likes=3), comment(2))
        stored = store(post, comment(1, "I hate this", likes=9), comment(2), now=later)
        assert stored == comments.Stored(new=frozenset(), known=frozenset({"c1", "c2"}))
        row = known(1)
        assert (row.comment_text, row.likes_count, row.sentiment) == ("I hate this", 9, "negative")
        assert (row.edited_at, row.updated_at) == (later, later)
        assert known(2).edited_at is None

    def test_takes_the_later_of_one_given_twice(self) -> None:
        post = make_post()
        store(post, comment(1, likes=1), comment(2), comment(1, likes=2))
        assert Comment.objects.count() == 2
        assert known(1).likes_count == 2

    def test_leaves_likes_empty_that_the_network_does_not_say(self) -> None:
        store(make_post(), comment(1, likes=None), comment(2, likes=0), comment(3, likes=2**70))
        assert [known(number).likes_count for number in (1, 2, 3)] == [None, 0, None]

    def test_never_moves_a_comment_to_another_post(self) -> None:
        first, second = make_post(), make_post()
        store(first, comment(1, "Mine"))
        assert store(second, comment(1, "Stolen"), comment(2)) == comments.Stored(
            new=frozenset({"c2"}), known=frozenset()
        )
        assert (known(1).post_id, known(1).comment_text) == (first.pk, "Mine")

    def test_ties_answers_to_their_comments_whichever_comes_first(self) -> None:
        post = make_post()
        store(post, comment(2, parent_external_id="c1"))
        assert (known(2).is_reply, known(2).parent_comment) == (True, None)
        store(post, comment(1, reply_total=2), comment(3, parent_external_id="c1"))
        assert known(2).parent_comment == known(3).parent_comment == known(1)
        assert (known(1).replies_count, known(1).api_reply_count, known(1).is_reply) == (2, 2, False)
        store(post, comment(2, parent_external_id="c1"), comment(4, parent_external_id="c1"))
        assert known(1).replies_count == 3, "counted once each"

    def test_ties_nothing_across_posts_or_to_itself(self) -> None:
        store(make_post(), comment(1))
        store(make_post(), comment(2, parent_external_id="c1"), comment(3, parent_external_id="c3"))
        assert (known(2).parent_comment, known(2).is_reply) == (None, True)
        assert (known(3).parent_comment, known(3).is_reply) == (None, False)

    def test_knows_the_posts_own_author(self) -> None:
        creator = make_creator("ada")
        post = make_post(creator)
        store(post, comment(1, author=person("ADA", "")), comment(2, author=person("", "")), comment(3))
        creator.external_id = "a1"
        creator.save()
        store(post, comment(4, author=person("renamed", "a1")), comment(5, author=person("ada", "other")))
        assert [known(number).is_creator_reply for number in range(1, 6)] == [True, False, False, True, False]

    @pytest.mark.parametrize(
        "text", ["nul \x00 here", "half \ud83d one", "مرحبا 👩\u200d💻", "a" * 10_000, "b" * 20_000, "", "\\u0000"]
    )
    def test_stores_any_words(self, text: str) -> None:
        store(make_post(), comment(1, text, raw={"text": text, "n": float("nan"), "deep": [[{text: None}]]}))
        assert known(1).comment_text == text[:10_000].replace("\x00", "\ufffd").replace("\ud83d", "?")

    def test_refuses_a_post_that_is_not_there(self) -> None:
        with pytest.raises(comments.NoSuchPost, match="There is no post 7 here"):
            comments.store(7, [comment(1)], parser_version=1, now=NOON)


@pytest.mark.django_db(transaction=True)
class TestStoreAtOnce:
    def test_stores_each_once(self) -> None:
        post = make_post()
        page = [comment(number, reply_total=1) for number in range(20)]
        answers = [comment(f"r{number}", parent_external_id=f"c{number}") for number in range(20)]

        def one(index: int) -> int:
            rows = [*page, *answers] if index % 2 else [*reversed(answers), *reversed(page)]
            return len(store(post, *rows).new)

        assert sum(at_once(6, one)) == 40
        assert set(Comment.objects.filter(is_reply=False).values_list("replies_count", flat=True)) == {1}
