"""`manage.py tiktok`, on the practice provider."""

import json
import re
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from jobs.models import ScheduledJob
from socialmedia.models import (
    Account,
    ApiUsage,
    AutomationAction,
    Comment,
    Post,
    PostSnapshot,
    SearchResult,
    SearchRun,
    SystemSetting,
    TrackingState,
)
from socialmedia.practice import posts
from socialmedia.practice.cast import PREFIX, Author
from socialmedia.practice.posts import MadeUpPost
from socialmedia.providers import practice
from socialmedia.tracking import checking, starting
from tests import processes, support
from tests.concurrency import at_once
from tests.socialmedia.post_factories import make_post, make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _practice(settings: Any) -> None:
    settings.TIKTOK_PROVIDER = "practice"
    settings.TIKTOK_REQUESTS_PER_SECOND, settings.TIKTOK_REQUESTS_PER_DAY = 1_000, 10_000


def tiktok(*arguments: str) -> tuple[str, str]:
    """What the command writes as results and as problems."""
    out, err = StringIO(), StringIO()
    call_command("tiktok", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> tuple[int, str]:
    """The exit code and the sentence of a command that could not do it."""
    with pytest.raises(CommandError) as raised:
        tiktok(*arguments)
    return raised.value.returncode, str(raised.value)


def objects(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in tiktok(*arguments, "--json")[0].splitlines()]


def published(word: str = "ada", *, hours_ago: float = 48, number: int = 0) -> MadeUpPost:
    return posts.published(Author(PREFIX + word), ago(hours_ago), number=number)


def ago(hours: float) -> datetime:
    return timezone.now().replace(microsecond=0) - timedelta(hours=hours)


def track(word: str = "ada", *, hours_ago: float = 40, **options: Any) -> Post:
    """A post of the practice network whose tracking began so many hours ago: the checks since are due."""
    number = options.pop("number", 0)
    made_up = published(word, hours_ago=hours_ago + 3, number=number)
    began_at = ago(hours_ago)
    with practice.at(began_at):
        return starting.track(made_up.url, by="test", now=began_at, **options).post


def is_empty() -> bool:
    tables = (Account, Post, PostSnapshot, Comment, SearchRun, SearchResult, AutomationAction, ScheduledJob)
    return not any(table.objects.exists() for table in tables)


class TestTrack:
    def test_stores_a_first_look_and_the_plan(self) -> None:
        out, _ = tiktok("track", published().url)

        post = Post.objects.get()
        snapshot = post.snapshots.get()
        assert f"Tracked: post {post.pk} of @practice.ada." in out
        assert f"views {snapshot.views_count:,}, likes {snapshot.likes_count:,}" in out
        assert re.search(r"Next check in (an|59|1) ", out)
        assert len(post.check_schedule) == 9

    def test_answers_programs_with_the_keys_of_the_seed(self) -> None:
        url = published().url
        (first,), (again,) = objects("track", url), objects("track", url)

        assert list(first) == ["id", "video_id", "author", "likes", "views", "next_check", "already_exists"]
        assert again == {**first, "already_exists": True}
        assert first["author"] == "practice.ada"
        assert (first["likes"], first["already_exists"]) == (PostSnapshot.objects.get().likes_count, False)

    def test_says_that_it_was_tracked_already(self) -> None:
        url = published().url
        tiktok("track", url)
        assert tiktok("track", url)[0].startswith("Tracked already: post ")

    def test_takes_offsets_of_its_own_and_the_time_of_publication(self) -> None:
        tiktok("track", published(hours_ago=5).url, "--offsets", "1,6,24", "--base", "posting")
        assert Post.objects.get().check_offsets == [6, 24]

    def test_says_hidden_for_what_is_hidden(self) -> None:
        assert "shares hidden, saves hidden" in tiktok("track", published("hidden").url)[0]

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["https://www.youtube.com/watch?v=1"], 2, "is not TikTok"),
            (["https://www.tiktok.com/@practice.ada"], 2, "the address of a profile"),
            ([""], 2, "write one or more characters"),
            (["GONE"], 1, "The post was deleted."),
            (["PRIVATE"], 1, "The post is private."),
            (["POST", "--offsets", "1,24,6"], 2, "Offset 3 (6) does not come after the one before it (24)."),
            (["POST", "--offsets", "1,1"], 2, "Offset 2 (1) does not come after"),
            (["POST", "--offsets=-1,6"], 2, "Offset 1 (-1) is not more than 0 hours."),
            (["POST", "--offsets", "1,soon"], 2, "Offset 2 (soon) is no number of hours."),
            (["POST", "--offsets", ""], 2, "Give 1 to 50 offsets"),
            (["POST", "--offsets", ",".join(map(str, range(1, 52)))], 2, "Give 1 to 50 offsets in hours"),
            (["POST", "--base", "birth"], 2, "invalid choice"),
        ],
    )
    def test_says_what_is_wrong_and_stores_nothing(self, arguments: list[str], code: int, sentence: str) -> None:
        urls = {"POST": "ada", "GONE": "gone", "PRIVATE": "private"}
        given = [published(urls[word]).url if word in urls else word for word in arguments]

        found = refused("track", *given)

        assert found[0] == code
        assert sentence in found[1]
        assert "\n" not in found[1]
        assert is_empty()

    def test_needs_a_key_for_the_real_provider(self, settings: Any) -> None:
        settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY = "rapidapi", ""

        code, sentence = refused("track", published().url)

        assert (code, is_empty(), ApiUsage.objects.count()) == (1, True, 0)
        assert "RAPIDAPI_KEY" in sentence


class TestCheck:
    def test_says_old_and_new_and_how_many(self) -> None:
        post = track()
        before = post.snapshots.get().views_count

        out, err = tiktok("check")

        after = post.snapshots.latest("captured_at").views_count
        assert before is not None
        assert after is not None
        assert out.startswith(f"{post.pk} @practice.ada: views {before:,} -> {after:,} (+{after - before:,}), likes ")
        assert "1 due." in err
        assert "1 checked, 0 failed, 0 gone." in err

    def test_writes_a_loss_with_its_sign(self) -> None:
        """The seed wrote "+-3"."""
        post = track("shrinking", hours_ago=40, offsets="21,39")
        with practice.at(ago(19)):
            checking.check(post.pk, now=ago(19))

        out, _ = tiktok("check")

        assert re.search(r"likes [\d,]+ -> [\d,]+ \(-[\d,]+\)", out)
        assert "+-" not in out

    def test_answers_programs_with_the_keys_of_the_seed(self) -> None:
        post, gone = track(), track("vanishing", hours_ago=50)

        measured, failed = sorted(objects("check"), key=lambda row: "error" in row)

        assert list(measured) == ["post_id", "video_id", "metrics"]
        assert list(measured["metrics"]) == ["likes", "views", "comments", "shares"]
        assert (measured["post_id"], failed["post_id"]) == (post.pk, gone.pk)
        assert failed["error"] == "The post was deleted."

    def test_takes_the_soonest_first_up_to_the_limit(self) -> None:
        later, sooner = track(hours_ago=10, number=1), track(hours_ago=30, number=2)

        out, err = tiktok("check", "--limit", "1")

        assert out.startswith(f"{sooner.pk} ")
        assert "There may be more" in err
        assert later.snapshots.count() == 1

    def test_has_nothing_to_do(self) -> None:
        assert tiktok("check") == ("", "Nothing is due.\n")

    def test_fails_when_nothing_could_be_checked(self) -> None:
        track("vanishing", hours_ago=50)
        assert refused("check") == (1, "Nothing could be checked.")

    def test_goes_on_behind_dead_posts(self) -> None:
        """ORIGINS 8.21."""
        dead = [track("vanishing", hours_ago=60, number=number) for number in range(10)]
        live = track(hours_ago=50)

        out, err = tiktok("check")

        assert out.startswith(f"{live.pk} ")
        assert "1 checked, 10 failed, 0 gone." in err
        assert {post.snapshots.count() for post in dead} == {1}

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_make_one_snapshot(self) -> None:
        tracked = [track(hours_ago=30, number=number) for number in range(3)]
        at_once(2, lambda _: tiktok("check"))
        assert [post.snapshots.count() for post in tracked] == [2, 2, 2]


class TestList:
    def test_shows_only_tracked_posts_the_newest_tracking_first(self) -> None:
        """ORIGINS 8.26."""
        old, new = track(hours_ago=40, number=1), track(hours_ago=4, number=2)
        make_post(tracking_state=TrackingState.UNTRACKED)
        tiktok("check")

        rows, (out, _) = objects("list"), tiktok("list")

        assert [row["id"] for row in rows] == [new.pk, old.pk]
        assert rows[1]["current_views"] == old.snapshots.latest("captured_at").views_count
        assert "▁█" in out
        assert out.splitlines()[1].startswith(str(new.pk))

    def test_draws_a_post_since_it_was_last_put_under_tracking(self) -> None:
        post = make_post(tracking_round=2)
        make_snapshot(post, hours=-1, views=9_000, tracking_round=1)
        make_snapshot(post, views=5)
        assert "█▁" not in tiktok("list")[0]

    def test_has_the_keys_of_the_seed(self) -> None:
        track()
        (row,) = objects("list")
        wanted = "id external_post_id post_url caption tracking_complete checks_completed next_check_at username"
        assert set(row) >= {*wanted.split(), "current_likes", "current_views"}

    def test_filters_by_state_and_stops_at_the_limit(self) -> None:
        first, second = track(number=1), track(number=2)
        tiktok("stop", str(first.pk))

        assert [row["id"] for row in objects("list", "--state", "stopped")] == [first.pk]
        assert [row["id"] for row in objects("list", "--state", "active")] == [second.pk]
        assert "There may be more" in tiktok("list", "--limit", "1")[1]
        assert tiktok("list", "--state", "complete")[1].startswith("There are no such posts")


class TestAnalytics:
    def test_is_found_by_either_id_and_by_the_address(self) -> None:
        post = track()
        found = [objects("analytics", key) for key in (str(post.pk), post.external_post_id, post.post_url)]
        assert [rows[0]["post_id"] for rows in found] == [post.pk] * 3

    def test_has_the_keys_of_both_seeds(self) -> None:
        post = track()
        tiktok("check")

        (found,) = objects("analytics", str(post.pk))

        first, last = post.snapshots.order_by("captured_at")
        wanted = (
            "post_id video_id author url caption title tracking_started tracking_complete is_complete checks_completed "
            "total_checks checks_remaining next_check current_metrics current initial_metrics growth growth_rate "
            "total_snapshots"
        )
        assert set(found) >= set(wanted.split())
        assert found["growth"]["views"] == last.views_count - first.views_count
        assert found["growth_rate"]["views_per_hour"] > 0

    def test_draws_the_curve_and_signs_for_people(self) -> None:
        post = track()
        tiktok("check")
        out, _ = tiktok("analytics", str(post.pk))
        assert re.search(r"views +[\d,]+ +[\d,]+ +\+[\d,]+ +\+[\d,.]+ +▁[▁-█]*", out)
        assert re.search(r"shares +[\d,]+ ", out)

    def test_says_hidden_and_gone(self) -> None:
        hidden, gone = track("hidden"), track("vanishing", hours_ago=60)
        for hours in (25, 23, 19, 1):
            with practice.at(ago(hours)):
                checking.check(gone.pk, now=ago(hours))

        assert re.search(r"shares +hidden +hidden +- ", tiktok("analytics", str(hidden.pk))[0])
        assert re.search(r"state +unavailable since .*: The post was deleted\.", tiktok("analytics", str(gone.pk))[0])

    @pytest.mark.parametrize("key", ["0", "42", "9" * 30, "https://www.tiktok.com/@ada/video/7", "nobody", "x\x1b[2J"])
    def test_says_of_an_unknown_one_that_it_is_unknown(self, key: str) -> None:
        """ORIGINS 8.30."""
        out, err = StringIO(), StringIO()
        with pytest.raises(CommandError) as raised:
            call_command("tiktok", "analytics", key, "--json", stdout=out, stderr=err)

        assert raised.value.returncode == 1
        assert json.loads(out.getvalue()) == {"error": str(raised.value)}
        assert "\x1b" not in str(raised.value)

    def test_says_that_nothing_was_measured_yet(self) -> None:
        post = make_post()
        code, sentence = refused("analytics", str(post.pk))
        assert (code, sentence) == (1, "Nothing has been measured of this post yet.")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestProcess:
    def test_ends_with_one_sentence_and_a_code(self) -> None:
        """ORIGINS 8.30."""
        done = support.manage("tiktok", "analytics", "42", env=processes.environment())
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "CommandError: No post has the id 42: `tiktok list` shows those under tracking.\n"


class TestComments:
    def test_fetches_and_shows_them(self) -> None:
        post = track("viral", number=1)

        out, err = tiktok("comments", str(post.pk), "--fetch", "--limit", "20")

        assert Comment.objects.filter(post=post, is_reply=False).count() == 20
        replies = Comment.objects.filter(post=post, is_reply=True).count()
        lines = out.splitlines()
        assert len(lines) == 1 + 20 + replies
        answered = [before for before, line in pairwise(lines) if "↳" in line and "↳" not in before]
        assert len(answered) * 2 == replies > 0
        assert "20 new" in err
        assert {"id", "comment_text", "author_username", "likes_count"} <= set(objects("comments", str(post.pk))[0])

    def test_says_that_none_is_stored(self) -> None:
        out, err = tiktok("comments", str(track().pk))
        assert (out, err) == ("", "No comment is stored: --fetch asks the provider.\n")

    def test_knows_no_strange_id(self) -> None:
        assert refused("comments", "42", "--fetch")[0] == 1
        assert is_empty()

    def test_says_why_the_provider_has_none(self) -> None:
        post = track("vanishing", hours_ago=60)
        assert refused("comments", str(post.pk), "--fetch") == (1, "The post was deleted.")


class TestSearch:
    @pytest.mark.parametrize(
        ("kind", "keys"),
        [
            ("user", {"username", "title", "subtitle", "followers", "verified", "url"}),
            ("video", {"title", "subtitle", "author", "views", "likes", "url"}),
            ("hashtag", {"name", "title", "subtitle", "views", "posts", "url"}),
        ],
    )
    def test_finds_and_keeps(self, kind: str, keys: set[str]) -> None:
        found = objects("search", kind, "old", "boats", "--count", "3")

        assert [set(row) for row in found] == [keys] * 3
        assert (SearchRun.objects.get().query, SearchResult.objects.count()) == ("old boats", 3)
        assert len(tiktok("search", kind, "old boats", "--count", "3")[0].splitlines()) == 4

    def test_finds_nothing(self) -> None:
        assert tiktok("search", "video", "nothing") == ("", "Nothing was found.\n")

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["user", ""], 2, "write one or more characters"),
            (["user", "  "], 2, "Say what to search for."),
            (["hashtag", "#"], 2, "Say what to search for."),
            (["video", "x" * 256], 2, "at most 255"),
            (["sound", "x"], 2, "invalid choice"),
            (["user", "x", "--count", "0"], 2, "from 1 to 50"),
            (["user", "x", "--account", "stranger"], 1, "None of our TikTok accounts is 'stranger'."),
        ],
    )
    def test_says_what_is_wrong_and_stores_nothing(self, arguments: list[str], code: int, sentence: str) -> None:
        found = refused("search", *arguments)

        assert found[0] == code
        assert sentence in found[1]
        assert (is_empty(), ApiUsage.objects.count()) == (True, 0)

    def test_needs_a_key_for_the_real_provider(self, settings: Any) -> None:
        settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY = "rapidapi", ""
        code, sentence = refused("search", "user", "boats")
        assert (code, is_empty()) == (1, True)
        assert "RAPIDAPI_KEY" in sentence

    def test_acts_in_the_name_of_our_account(self) -> None:
        Account.objects.create(platform="tiktok", username="harbor", is_own=True)
        tiktok("search", "user", "boats", "--account", "@harbor")
        assert AutomationAction.objects.get().action_type == "search"
        SystemSetting.objects.filter(pk="automation_rate_limits").update(setting_value={"search": "often"})
        code, sentence = refused("search", "user", "boats", "--account", "@harbor")
        assert (code, AutomationAction.objects.count()) == (1, 1)
        assert "The setting automation_rate_limits is broken" in sentence


class TestSteering:
    def test_stops_resumes_and_tracks_anew(self) -> None:
        post = track(hours_ago=2)
        key = str(post.pk)

        assert tiktok("stop", key)[0] == f"Stopped: post {key}. It is stopped: no check is planned.\n"
        assert tiktok("track", post.post_url)[0].endswith("It is stopped: no check is planned.\n")
        assert tiktok("resume", post.external_post_id)[0].startswith(f"Resumed: post {key}. Next check in ")
        tiktok("stop", post.post_url)
        (again,) = objects("restart", key)

        post.refresh_from_db()
        assert (again["state"], post.tracking_round, post.snapshots.count()) == ("active", 2, 2)

    @pytest.mark.parametrize(("action", "words"), [("resume", "is tracked now"), ("restart", "is tracked now")])
    def test_says_what_is_in_the_way(self, action: str, words: str) -> None:
        code, sentence = refused(action, str(track(hours_ago=1).pk))
        assert code == 1
        assert words in sentence

    @pytest.mark.parametrize("action", ["stop", "resume", "restart"])
    def test_knows_no_strange_id(self, action: str) -> None:
        assert refused(action, "42") == (1, "No post has the id 42: `tiktok list` shows those under tracking.")
