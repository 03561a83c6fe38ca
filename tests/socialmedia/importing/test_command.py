"""`manage.py import_mediaposter`: what it prints, and how it ends."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from socialmedia.models import Post
from tests.concurrency import at_once
from tests.socialmedia.importing.test_database import HOUR, START, schedule, take
from tests.socialmedia.importing.test_files import tracker, write
from tests.socialmedia.importing.theirs import MediaPoster

pytestmark = pytest.mark.django_db


class Run:
    """One call of the command."""

    def __init__(self, *arguments: Any) -> None:
        out, problems = StringIO(), StringIO()
        self.code, self.sentence = 0, ""
        try:
            call_command("import_mediaposter", *map(str, arguments), stdout=out, stderr=problems)
        except CommandError as error:
            self.code, self.sentence = error.returncode, str(error)
        self.out, self.problems = out.getvalue(), problems.getvalue()


class TestDatabase:
    def test_says_what_came_and_ends_well(self, theirs: MediaPoster) -> None:
        theirs.post(theirs.account(), tracking_started_at=START, check_schedule=schedule(START), legacy_score=1)
        run = Run("database", theirs.url)
        assert (run.code, run.sentence) == (0, "")
        row = next(line for line in run.out.splitlines() if line.startswith("social_media_posts "))
        assert row.split() == ["social_media_posts", "1", "1", "0", "0"]
        assert "social_media_posts: no place here for legacy_score." in run.problems
        assert "social_media_posts: 1 x next check taken from the schedule." in run.problems

    def test_names_what_was_left_out_and_ends_badly(self, theirs: MediaPoster) -> None:
        theirs.post(theirs.account(), media_type="hologram")
        run = Run("database", theirs.url)
        assert (run.code, run.sentence) == (1, "1 could not be taken over; the others were.")
        assert "social_media_posts 1: " in run.problems

    def test_prints_one_object_as_json(self, theirs: MediaPoster) -> None:
        theirs.account()
        found = json.loads(Run("database", theirs.url, "--json", "--dry-run").out)
        assert (found["dry_run"], found["left_out"]) == (True, 0)
        accounts = found["tables"]["social_media_accounts"]
        assert accounts == {"read": 1, "added": 1, "known": 0, "left_out": 0, "changed": {}}

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (("database", "mysql://a"), 1, "not the URL of a PostgreSQL database"),
            (("database", "postgresql://a", "--timezone", "Mars/Base"), 2, "is not a time zone"),
            (("database", "postgresql://a", "--timezone", "../etc/passwd"), 2, "is not a time zone"),
            (("database",), 2, "required"),
            (("files",), 2, "required"),
            (("everything",), 2, "invalid choice"),
        ],
    )
    def test_refuses_in_one_sentence(self, arguments: tuple[str, ...], code: int, words: str) -> None:
        run = Run(*arguments)
        assert run.code == code
        assert words in run.sentence
        assert "\n" not in run.sentence

    @pytest.mark.django_db(transaction=True)
    def test_runs_twice_at_the_same_moment_without_doubles(self, theirs: MediaPoster) -> None:
        ada = theirs.account()
        thread = theirs.conversation(ada)
        for number in range(20):
            theirs.message(thread, f"Message {number}", START + number * HOUR)
            theirs.post(ada, str(number + 1))
        reports = at_once(2, lambda _: take(theirs))
        for table, count in (("social_media_messages", 20), ("social_media_posts", 20)):
            assert sum(report.of(table).added for report in reports) == count
            assert sum(report.of(table).known for report in reports) == count
        assert [report.problems for report in reports] == [[], []]


class TestFiles:
    def test_says_what_came_and_names_what_did_not(self, tmp_path: Path) -> None:
        write(tmp_path, "good.json", tracker())
        bad = write(tmp_path, "bad.json", "{")
        run = Run("files", tmp_path)
        assert (run.code, Post.objects.count()) == (1, 1)
        assert f"files {bad}: its JSON is broken in line 1" in run.problems
        assert Run("files", tmp_path / "good.json", "--resume").code == 0
