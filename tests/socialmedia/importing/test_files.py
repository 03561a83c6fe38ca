"""MediaPoster's files are taken over: each whole or not at all, and as often as one likes."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from socialmedia.importing import files
from socialmedia.importing.reports import Report
from socialmedia.models import Account, AccountSnapshot, Comment, Post, PostSnapshot, TrackingState
from tests.fakes import tiktok_posts
from tests.fakes.tiktok_posts import VIDEO_ID
from tests.socialmedia.post_factories import make_creator, make_post

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
START = datetime(2026, 5, 1, 9, 30)
HOUR = timedelta(hours=1)
NINE = (1, 6, 12, 24, 48, 72, 168, 336, 720)
EMOJI = "Grüße 🌍 שלום 1️⃣"


def entry(hours: float, views: Any = 100, **counters: Any) -> dict[str, Any]:
    at = (START + hours * HOUR).isoformat()
    return {"timestamp": at, "likes": 5, "comments": 1, "shares": 0, "views": views, "saves": 2, **counters}


def tracker(**changes: Any) -> dict[str, Any]:
    return {
        "url": f"https://www.tiktok.com/@ada/video/{VIDEO_ID}",
        "video_id": VIDEO_ID,
        "author": "ada",
        "title": EMOJI,
        "created_at": START.isoformat(),
        "check_schedule": [(START + hours * HOUR).isoformat() for hours in NINE],
        "completed_checks": [START.isoformat()],
        "next_check": (START + HOUR).isoformat(),
        "metrics_history": [entry(0), entry(1.01, 200), entry(1.1, 210), entry(13, 300)],
        "is_complete": False,
        **changes,
    }


def extracted(**changes: Any) -> dict[str, Any]:
    comments = [{**tiktok_posts.comment(number), "text": EMOJI} for number in range(3)]
    user = {"id": tiktok_posts.ADA["id"], "uniqueId": "ada.makes", "signature": EMOJI, "verified": True}
    stats = {"followerCount": 5_000_000_000, "followingCount": 2, "videoCount": 3, "heartCount": 4}
    return {
        "video_info": {"code": 0, "msg": "success", "data": tiktok_posts.normal_video()},
        "all_comments": [*comments, {"text": "no id"}],
        "user_info": {"code": 0, "msg": "success", "data": {"user": user, "stats": stats}},
        **changes,
    }


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def take(*paths: Path, **options: Any) -> Report:
    return files.take_over(paths, **{"zone": UTC, "now": NOW, **options})


class TestTrackers:
    def test_become_a_stopped_post_and_its_planned_snapshots(self, tmp_path: Path) -> None:
        report = take(write(tmp_path, f"{VIDEO_ID}.json", tracker()))
        assert report.problems == []
        post = Post.objects.get()
        assert (post.external_post_id, post.account.username, post.caption) == (VIDEO_ID, "ada", EMOJI)
        assert post.tracking_started_at == START.replace(tzinfo=UTC)
        assert (post.tracking_state, post.checks_completed) == (TrackingState.STOPPED, 3)
        assert post.check_offsets == list(NINE)
        kept = list(post.snapshots.order_by("captured_at"))
        assert [one.views_count for one in kept] == [100, 200, 300]
        # The third stands for those after 6 and after 12 hours.
        assert [(one.check_index, one.covers) for one in kept] == [(0, 1), (1, 1), (3, 2)]
        assert kept[2].planned_at == (START + 12 * HOUR).replace(tzinfo=UTC)
        assert str(kept[0].engagement_rate) == "6.00"

    def test_go_on_with_the_next_planned_check_when_that_is_asked_for(self, tmp_path: Path) -> None:
        take(write(tmp_path, "1.json", tracker()), is_resumed=True)
        post = Post.objects.get()
        assert (post.tracking_state, post.checks_completed) == (TrackingState.ACTIVE, 6)
        assert post.next_check_at == (START + 168 * HOUR).replace(tzinfo=UTC)

    @pytest.mark.parametrize("is_resumed", [True, False])
    def test_are_complete_once_their_times_are_over(self, tmp_path: Path, *, is_resumed: bool) -> None:
        later = (START + 800 * HOUR).replace(tzinfo=UTC)
        take(write(tmp_path, "1.json", tracker()), is_resumed=is_resumed, now=later)
        post = Post.objects.get()
        assert (post.tracking_state, post.tracking_complete, post.next_check_at) == ("complete", True, None)

    def test_are_thinned_when_they_never_ended(self, tmp_path: Path) -> None:
        """ORIGINS T-B1."""
        history = [entry(number / 12 + 0.02, number) for number in range(8_000)]
        report = take(write(tmp_path, "1.json", tracker(metrics_history=history)))
        assert PostSnapshot.objects.count() == 10
        assert report.of("tracked_posts").changed == {"entry of a long history left away": 7_990}

    def test_know_absent_counters_from_zero(self, tmp_path: Path) -> None:
        broken = entry(0, "1200", likes=None, comments=-4, saves=True)
        take(write(tmp_path, "1.json", tracker(metrics_history=[broken])))
        snapshot = PostSnapshot.objects.get()
        assert (snapshot.views_count, snapshot.shares_count, snapshot.likes_count) == (1200, 0, None)
        assert snapshot.metric_states == {"likes": "hidden", "comments": "hidden", "saves": "hidden"}

    def test_are_read_in_the_zone_that_is_named(self, tmp_path: Path) -> None:
        take(write(tmp_path, "1.json", tracker()), zone=ZoneInfo("America/Los_Angeles"))
        assert Post.objects.get().tracking_started_at == (START + 7 * HOUR).replace(tzinfo=UTC)

    def test_without_an_author_ask_the_address(self, tmp_path: Path) -> None:
        take(write(tmp_path, "1.json", tracker(author="unknown")))
        assert Account.objects.get().username == "ada"

    def test_add_nothing_the_second_time(self, tmp_path: Path) -> None:
        path = write(tmp_path, "1.json", tracker())
        take(path)
        before = list(PostSnapshot.objects.values()), list(Post.objects.values())
        report = take(path, now=NOW + HOUR)
        assert (list(PostSnapshot.objects.values()), list(Post.objects.values())) == before
        assert report.of("social_media_post_analytics").known == 3

    def test_leave_how_a_post_is_tracked_here(self, tmp_path: Path) -> None:
        here = make_post(make_creator(), external_post_id=VIDEO_ID)
        take(write(tmp_path, "1.json", tracker()))
        here.refresh_from_db()
        assert here.tracking_state == TrackingState.ACTIVE
        assert {one.check_index for one in here.snapshots.all()} == {None}

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"video_id": "../../etc"}, "its video_id is not the id of a post"),
            ({"video_id": 12.5}, "its video_id is not the id of a post"),
            ({"metrics_history": {"a": 1}}, "its metrics_history is not a list"),
            ({"check_schedule": ["soon"]}, "its check_schedule is not a list of times"),
            ({"check_schedule": "soon"}, "its check_schedule is not a list of times"),
            ({"author": "", "url": "https://example.org/"}, "it does not say whose post it is"),
            ({"created_at": None, "metrics_history": [], "check_schedule": []}, "it does not say when tracking began"),
        ],
    )
    def test_of_the_wrong_shape_are_left_out(self, tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
        path = write(tmp_path, "1.json", tracker(**changes))
        assert take(path).problems == [f"files {path}: {reason}"]
        assert not Post.objects.exists()

    def test_with_broken_entries_keep_the_others(self, tmp_path: Path) -> None:
        history = [7, {"timestamp": "never"}, {}, entry(2)]
        report = take(write(tmp_path, "1.json", tracker(metrics_history=history)))
        assert PostSnapshot.objects.count() == 1
        assert report.of("tracked_posts").changed == {"entry without a time left away": 3}


class TestExtracts:
    NAME = f"api_data_{VIDEO_ID}_20260501_143000.json"

    def test_become_a_post_with_comments_and_its_authors_day(self, tmp_path: Path) -> None:
        report = take(write(tmp_path, self.NAME, extracted()))
        assert report.problems == []
        post, snapshot, day = Post.objects.get(), PostSnapshot.objects.get(), AccountSnapshot.objects.get()
        at = datetime(2026, 5, 1, 14, 30, tzinfo=UTC)
        assert (post.external_post_id, post.tracking_state) == (VIDEO_ID, TrackingState.UNTRACKED)
        assert (snapshot.captured_at, snapshot.views_count, snapshot.provider) == (at, 15_200, "rapidapi")
        assert snapshot.raw_data["play_count"] == 15_200
        assert (day.snapshot_date, day.followers_count) == (at.date(), 5_000_000_000)
        assert (post.account.bio, post.account.is_verified, post.account.is_own) == (EMOJI, True, False)
        assert Comment.objects.count() == 3
        assert {one.comment_text for one in Comment.objects.all()} == {EMOJI}
        assert report.of("extracted_data").changed == {"comment without an id left away": 1}

    def test_of_several_moments_add_a_snapshot_each(self, tmp_path: Path) -> None:
        write(tmp_path, self.NAME, extracted())
        write(tmp_path, self.NAME.replace("143000", "183000"), extracted())
        for _ in range(2):
            take(tmp_path)
            counts = (PostSnapshot.objects.count(), Comment.objects.count(), Post.objects.count())
            assert counts == (2, 3, 1)

    def test_leave_strangers_profiles_away(self, tmp_path: Path) -> None:
        stranger = {"data": {"user": {"id": "5", "uniqueId": "someone"}, "stats": {}}}
        take(write(tmp_path, self.NAME, extracted(user_info=stranger)))
        assert (Account.objects.count(), AccountSnapshot.objects.count()) == (1, 0)

    @pytest.mark.parametrize(
        ("name", "changes", "reason"),
        [
            ("api_data_1_yesterday.json", {}, "its name does not say when it was written"),
            ("api_data_1_20261399_999999.json", {}, "its name does not say when it was written"),
            (NAME, {"video_info": {"code": -1, "msg": "Url parsing is failed!"}}, "it holds no post"),
            (NAME, {"video_info": None}, "it holds no post"),
            (NAME, {"all_comments": "many"}, "its all_comments is not a list"),
            (NAME, {"video_info": {"data": {"id": VIDEO_ID}}}, "it does not say whose post it is"),
        ],
    )
    def test_that_say_too_little_are_left_out(
        self, tmp_path: Path, name: str, changes: dict[str, Any], reason: str
    ) -> None:
        (problem,) = take(write(tmp_path, name, extracted(**changes))).problems
        assert f"{name}: {reason}" in problem
        assert not Account.objects.exists()


class TestTakeOver:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ('{"video_id": 1,\n"metr', "its JSON is broken in line 2"),
            ("", "its JSON is broken in line 1"),
            ("[1, 2]", "it holds no JSON object"),
            ('{"name": "package"}', "it is neither a tracked post nor extracted data of MediaPoster"),
            ('{"a": NaN}', "it is not JSON in UTF-8"),
            ("[" * 100_000, "it is not JSON in UTF-8"),
        ],
    )
    def test_names_each_file_that_is_none_and_takes_the_others(self, tmp_path: Path, content: str, reason: str) -> None:
        write(tmp_path, "deep/down/good.json", tracker())
        path = write(tmp_path, "bad.json", content)
        report = take(tmp_path)
        assert report.problems == [f"files {path}: {reason}"]
        assert (report.of("files").read, report.of("files").added) == (2, 1)
        assert Post.objects.count() == 1

    def test_names_what_is_no_file(self, tmp_path: Path) -> None:
        pipe, other = tmp_path / "pipe", tmp_path / "latin.json"
        os.mkfifo(pipe)
        other.write_bytes(b'{"title": "Gr\xfc\xdfe"}')
        assert take(tmp_path / "none.json", pipe, other).problems == [
            f"files {tmp_path / 'none.json'}: there is no such file",
            f"files {pipe}: it is not a file",
            f"files {other}: it is not JSON in UTF-8",
        ]

    def test_names_what_is_too_large(self, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(files, "LARGEST_BYTES", 100)
        (problem,) = take(write(tmp_path, "1.json", tracker())).problems
        assert "it is larger than" in problem

    def test_passes_lists_of_endpoints_by(self, tmp_path: Path) -> None:
        report = take(write(tmp_path, "api_endpoints_discovered.json", {"working": [], "failed": []}))
        assert (report.total_left_out, len(report.remarks)) == (0, 1)

    def test_says_that_a_folder_is_empty(self, tmp_path: Path) -> None:
        assert take(tmp_path).remarks == [f"{tmp_path} has no JSON files."]

    def test_tries_everything_and_keeps_nothing(self, tmp_path: Path) -> None:
        report = take(write(tmp_path, "1.json", tracker()), is_trial=True)
        assert report.of("social_media_posts").added == 1
        assert not Post.objects.exists()
