"""`manage.py tiktok track|check|list|analytics|comments|search|stop|resume|restart|reparse`: posts, from a shell."""

from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from getpass import getuser
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from jobs import terminal
from socialmedia import comments, reparsing, searching
from socialmedia.actions import LimitReached
from socialmedia.metrics import analytics
from socialmedia.models import (
    Account,
    CheckBase,
    PendingCheckback,
    Platform,
    Post,
    SearchKind,
    SearchStatus,
    TrackingState,
)
from socialmedia.providers.addresses import NotAPost
from socialmedia.providers.base import Metric, ProviderError
from socialmedia.rules import BrokenSetting
from socialmedia.searching import BadSearch
from socialmedia.shell import discoveries, finding, posts, quiet
from socialmedia.tracking import checking, starting, stopping
from socialmedia.tracking.checking import Outcome
from socialmedia.tracking.plan import BadOffsets
from socialmedia.tracking.starting import CannotTrack
from socialmedia.tracking.states import UnknownPost, WrongState

MOST_LISTED: Final = 10_000
MOST_CHECKED: Final = 100_000
MOST_COMMENTS: Final = 10_000
PATIENCE: Final = timedelta(seconds=60)
"""Somebody at a shell rather waits for a place in the provider's budget than tries again."""
_OUTCOMES: Final = {Outcome.MEASURED: "checked", Outcome.FAILED: "failed", Outcome.GONE: "gone"}


class Command(terminal.ActionCommand):
    help = (
        "Put TikTok posts under tracking, check those that are due, look at their figures and comments, and search. "
        "Results go to standard output, problems to standard error. Exit codes: 0, done; 1, it could not be done; "
        "2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        names = ("track", "check", "list", "analytics", "comments", "search", "stop", "resume", "restart", "reparse")
        actions = self.begin(parser, *names)
        _add_track(actions)
        check = terminal.action(actions, "check", "Check the posts that are due now, soonest first.")
        check.add_argument("--limit", type=_number(MOST_CHECKED), default=100, help="At most so many (default 100).")
        listing = terminal.action(actions, "list", "List tracked posts, newest tracking first. --json: one per line.")
        listing.add_argument("--limit", type=_number(MOST_LISTED), default=50, help="At most so many (default 50).")
        listing.add_argument("--state", choices=_TRACKED, help="Only these.")
        _add_post(terminal.action(actions, "analytics", "Show what a post has, how it grew, and its curve."))
        remarks = terminal.action(actions, "comments", "Show the comments below a post, newest first, with answers.")
        _add_post(remarks)
        remarks.add_argument("--fetch", action="store_true", help="Ask the provider first.")
        remarks.add_argument("--limit", type=_number(MOST_COMMENTS), default=50, help="At most so many (default 50).")
        _add_search(actions)
        _add_post(terminal.action(actions, "stop", "Stop checking a post. What was measured stays."))
        _add_post(terminal.action(actions, "resume", "Go on with the plan of a stopped post."))
        _add_post(terminal.action(actions, "restart", "Track a post anew: a new plan from now on."))
        terminal.action(actions, "reparse", "Read stored answers again that an older parser has read.")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Do one action, and say in one sentence what was in the way."""
        self.by = f"{getuser()} (shell)"
        try:
            with quiet.quietly():
                getattr(self, f"_{action}")(**options)
        except (NotAPost, BadOffsets, BadSearch) as error:
            raise CommandError(terminal.printable(str(error)), returncode=terminal.USAGE) from None
        except (finding.UnknownPost, CannotTrack, WrongState, ProviderError, LimitReached, BrokenSetting) as error:
            raise CommandError(terminal.printable(str(error))) from None

    # --- tracking ---

    def _track(self, *, url: str, offsets: str | None, base: str | None, **options: Any) -> None:
        done = starting.track(url, offsets=offsets, base=base, by=self.by, patience=PATIENCE, now=self.now)
        post = Post.objects.select_related("account").get(pk=done.post.pk)
        if self.is_json:
            shown = posts.counters(done.snapshot, (Metric.LIKES, Metric.VIEWS))
            self.write_objects(
                [
                    {
                        "id": post.pk,
                        "video_id": post.external_post_id,
                        "author": post.account.username,
                        **shown,
                        "next_check": post.next_check_at,
                        "already_exists": not done.is_new,
                    }
                ]
            )
            return
        said = "Tracked" if done.is_new else "Tracked already"
        self.stdout.write(f"{said}: post {post.pk} of @{terminal.printable(post.account.username)}.")
        if done.snapshot is not None:
            self.stdout.write(posts.summary(done.snapshot))
        self.stdout.write(self._standing(post))

    def _check(self, *, limit: int, **options: Any) -> None:
        due = checking.due(limit, now=self.now)
        self.remark(f"{len(due):,} due." if due else "Nothing is due.")
        outcomes = Counter(self._look(row) for row in due)
        if due:
            named = ", ".join(f"{outcomes[outcome]:,} {words}" for outcome, words in _OUTCOMES.items())
            self.remark(f"{named}." + (" There may be more: raise --limit." if len(due) == limit else ""))
        if outcomes[Outcome.FAILED] and not outcomes[Outcome.MEASURED] + outcomes[Outcome.GONE]:
            raise CommandError("Nothing could be checked.")

    def _look(self, row: PendingCheckback) -> Outcome:
        """Check one post, by the clock of this moment: a run can take long."""
        try:
            checked = checking.check(row.pk, patience=PATIENCE, now=timezone.now())
        except UnknownPost:  # deleted meanwhile
            return Outcome.NOT_TRACKED
        known = {"post_id": row.pk, "video_id": row.external_post_id}
        name = f"{row.pk} @{terminal.printable(row.account_username)}"
        if checked.snapshot is not None and checked.outcome == Outcome.MEASURED:
            if self.is_json:
                self.write_objects([{**known, "metrics": posts.counters(checked.snapshot, posts.CHECKED)}])
            else:
                self.stdout.write(f"{name}: {posts.difference(checked.before, checked.snapshot)}")
        elif checked.error is not None:
            if self.is_json:
                self.write_objects([{**known, "error": str(checked.error)}])
            gone = "gone for good: " if checked.outcome == Outcome.GONE else ""
            self.remark(f"{name}: {gone}{terminal.printable(str(checked.error))}")
        return checked.outcome

    def _stop(self, *, post: str, **options: Any) -> None:
        self._steer(stopping.stop, post, "Stopped")

    def _resume(self, *, post: str, **options: Any) -> None:
        self._steer(stopping.resume, post, "Resumed")

    def _restart(self, *, post: str, **options: Any) -> None:
        self._steer(partial(stopping.restart, patience=PATIENCE), post, "Tracked anew")

    def _reparse(self, **options: Any) -> None:
        found = reparsing.reparse(progress=lambda done: self.remark(f"{done:,} read."))
        if self.is_json:
            self.write_objects([asdict(found)])
            return
        unreadable = f"; {found.unreadable:,} say nothing and stay" if found.unreadable else ""
        self.stdout.write(f"Read again: {found.snapshots:,} snapshots, {found.comments:,} comments{unreadable}.")

    def _steer(self, operation: Callable[..., object], text: str, said: str) -> None:
        post = finding.post(text)
        operation(post.pk, by=self.by, now=self.now)
        post.refresh_from_db()
        if self.is_json:
            shown = {"id": post.pk, "video_id": post.external_post_id, "state": post.tracking_state}
            self.write_objects([{**shown, "next_check": post.next_check_at}])
            return
        self.stdout.write(f"{said}: post {post.pk}. {self._standing(post)}")

    def _standing(self, post: Post) -> str:
        """Whether a post is checked again, and when."""
        if post.next_check_at is None:
            return f"It is {post.get_tracking_state_display().lower()}: no check is planned."
        return f"Next check {terminal.relative(post.next_check_at, self.now)}."

    # --- figures ---

    def _list(self, *, limit: int, state: str | None, **options: Any) -> None:
        rows = analytics.tracked(limit, state)
        if self.is_json:
            self.write_objects(rows)
        elif not rows:
            self.remark("There are no such posts: `tiktok track URL` puts one under tracking.")
        else:
            self.draw(posts.listed(rows, now=self.now))
            if len(rows) == limit:
                self.remark(f"There may be more: raise --limit (at most {MOST_LISTED:,}).")

    def _analytics(self, *, post: str, **options: Any) -> None:
        try:
            row = finding.post(post)
        except finding.UnknownPost as error:
            if self.is_json:
                self.write_objects([{"error": terminal.printable(str(error))}])
            raise
        found = analytics.of_post(row.pk)
        if self.is_json:
            self.write_objects([found])
        else:
            self.draw(posts.facts(found, row, now=self.now))
        if "error" in found:
            raise CommandError(found["error"])
        if not self.is_json:
            self.stdout.write("")
            self.draw(posts.measured(found))

    # --- comments and searches ---

    def _comments(self, *, post: str, fetch: bool, limit: int, **options: Any) -> None:
        row = finding.post(post)
        if fetch:
            self.remark("Asking the provider ...")
            self.remark(comments.fetch(row.pk, most=limit, patience=PATIENCE, now=self.now).words)
        rows = discoveries.threads(row, limit=limit)
        if self.is_json:
            self.write_objects(discoveries.comment(one) for one in rows)
        elif rows:
            self.draw(discoveries.comments(rows, now=self.now))
        else:
            self.remark("No comment is stored" + ("." if fetch else ": --fetch asks the provider."))

    def _search(self, *, kind: str, words: list[str], count: int | None, account: str | None, **options: Any) -> None:
        run = searching.search(
            kind,
            " ".join(words),
            count=count,
            account=_own_account(account) if account else None,
            by=self.by,
            patience=PATIENCE,
            now=self.now,
        )
        if run.status == SearchStatus.FAILED:
            raise CommandError(terminal.printable(run.error_message))
        rows = run.results.defer("raw_data").order_by("position")
        if self.is_json:
            self.write_objects(discoveries.result(row, kind) for row in rows)
        elif rows:
            self.draw(discoveries.results(rows, kind))
        else:
            self.remark("Nothing was found.")


def _add_track(actions: Any) -> None:
    parser = terminal.action(actions, "track", "Put a post under tracking: a first look now, then the plan's checks.")
    parser.add_argument("url", metavar="URL", type=terminal.text, help="The post's address, also a short link.")
    parser.add_argument("--offsets", metavar="HOURS", help="Hours of the checks, like 1,6,24 (default: the setting).")
    parser.add_argument("--base", choices=CheckBase.values, help="From when they count (default: the setting).")


def _add_search(actions: Any) -> None:
    parser = terminal.action(actions, "search", "Search people, videos or hashtags. What was found is kept.")
    parser.add_argument("kind", choices=SearchKind.values, help="What to look for.")
    parser.add_argument("words", metavar="WORDS", nargs="+", type=terminal.text, help="The words.")
    parser.add_argument("--count", type=_number(searching.MOST), help="At most so many (default 20; 10 hashtags).")
    parser.add_argument("--account", metavar="HANDLE", help="In the name of one of our accounts, within its limits.")


def _add_post(parser: CommandParser) -> None:
    parser.add_argument("post", metavar="ID", type=terminal.text, help="Our id, the network's, or the address.")


def _number(most: int) -> Callable[[str], int]:
    def whole(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= most:
            raise ArgumentTypeError(f"write a whole number from 1 to {most:,}, not {value!r}.")
        return int(value)

    return whole


def _own_account(handle: str) -> Account:
    found = Account.objects.filter(platform=Platform.TIKTOK, is_own=True, username=handle.removeprefix("@")).first()
    if found is None:
        raise CommandError(f"None of our TikTok accounts is {terminal.printable(handle)!r}.")
    return found


_TRACKED: Final[Sequence[str]] = [state for state in TrackingState.values if state != TrackingState.UNTRACKED]
