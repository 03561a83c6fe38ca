"""How members usually come and go."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from followups import responses, rhythm
from followups.models import Rhythm, UserProfile
from jobs import enqueue, runner
from socialmedia import activity, inbox
from socialmedia.activity import ChannelRef
from socialmedia.models import ListeningGap
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_thread

CHANNEL = ChannelRef(external_id="77", name="general", guild_id="55", guild_name="Harbor")
_ids = count(1)


def writes(member: UserProfile, *times: datetime) -> None:
    """They wrote in a channel."""
    for at in sorted(times):
        activity.record(message_id=next(_ids), channel=CHANNEL, author=member.account, sent_at=at)
        responses.record_activity(member, at=at, is_private=False, now=NOON)


def writes_on(member: UserProfile, days_ago: Iterable[float]) -> None:
    writes(member, *(NOON - days * DAY for days in days_ago))


def learnt(member: UserProfile, *, now: datetime = NOON) -> Rhythm:
    """Their rhythm, computed."""
    rhythm.compute(now=now)
    return Rhythm.objects.get(user=member)


def newcomer(**changes: Any) -> UserProfile:
    return make_member(last_interaction=None, **changes)


class TestInWords:
    @pytest.mark.parametrize(
        ("low", "high", "silent", "words"),
        [
            (2, 4, 11, "usually every 2-4 days, now 11"),
            (1.6, 4.4, 11.9, "usually every 2-4 days, now 11"),
            (3, 3, 8, "usually every 3 days, now 8"),
            (1, 1, 4, "usually every day, now 4 days"),
            (1, 1.2, 1.5, "usually every day, now 1 day"),
            (1, 3, 0.5, "usually every 1-3 days, now 0"),
            (0, 0, 2, "usually every day, now 2 days"),
        ],
    )
    def test_says_what_is_usual_and_what_is_now(self, low: float, high: float, silent: float, words: str) -> None:
        assert rhythm.in_words(low * DAY, high * DAY, silent * DAY) == words

    @pytest.mark.django_db
    def test_says_the_same_as_the_database(self) -> None:
        """The ledger's reason is written by the sweep's statement."""
        lengths = [timedelta(hours=hours) for hours in (0, 11, 12, 24, 35, 36, 37, 60, 84, 500)]
        cases = [(low, high, silent) for low in lengths for high in lengths if high >= low for silent in lengths]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT followups_rhythm_in_words(low, high, silent)"
                " FROM unnest(%s::interval[], %s::interval[], %s::interval[]) WITH ORDINALITY"
                " AS t (low, high, silent, place) ORDER BY place",
                [list(column) for column in zip(*cases, strict=True)],
            )
            assert [words for (words,) in cursor.fetchall()] == [rhythm.in_words(*case) for case in cases]


class TestScore:
    def test_is_one_when_silence_becomes_unusual(self) -> None:
        assert rhythm.score(6 * DAY, 6 * DAY) == 1.0
        assert rhythm.score(3 * DAY, 6 * DAY) == 0.5
        assert rhythm.score(-HOUR, 6 * DAY) == 0.0


@pytest.mark.django_db
class TestCompute:
    def test_learns_from_the_gaps_between_active_days(self) -> None:
        member = newcomer()
        writes_on(member, [0, 2, 4, 6, 8, 12, 12.1])

        found = learnt(member)

        assert (found.gaps, found.usual_low, found.usual_high, found.rare) == (5, 2 * DAY, 2 * DAY, 3.2 * DAY)
        member.refresh_from_db()
        assert member.quiet_after == 4.8 * DAY, "one and a half rare gaps"
        assert member.quiet_due_at == NOON + 4.8 * DAY

    def test_knows_too_little_from_four_gaps(self) -> None:
        member = newcomer()
        writes_on(member, [0, 2, 4, 6, 8])

        assert learnt(member).gaps == 4
        assert rhythm.of(member) is None
        member.refresh_from_db()
        assert (member.quiet_after, member.quiet_due_at) == (None, None)

    def test_forgets_what_is_too_old(self) -> None:
        member = newcomer()
        writes_on(member, [0, 1, 2, 3, 4, 5, 170, 200, 300, 400])

        assert learnt(member).gaps == 6

    def test_counts_what_was_written_in_private_imported_and_commands(self) -> None:
        member = newcomer()
        thread = make_thread(member)
        for number, metadata in enumerate([{}, {"imported": True}, {"command": True}] * 2):
            at = NOON - number * DAY
            inbox.record_inbound(
                conversation=thread,
                external_message_id=str(number),
                text="Hello.",
                sent_at=at,
                metadata=metadata,
                now=NOON,
            )
            responses.record_activity(member, at=at, is_private=True, now=NOON)

        assert learnt(member).gaps == 5

    @pytest.mark.parametrize(("zone", "gaps"), [("UTC", 5), ("Pacific/Auckland", 11), ("No/Where", 5), ("", 5)])
    def test_takes_days_as_the_member_does(self, zone: str, gaps: int) -> None:
        """10:30 and 11:30 UTC: noon lies elsewhere, and midnight is in between in Auckland."""
        member = newcomer(timezone=zone)
        start = datetime(2026, 11, 2, tzinfo=UTC)
        for day in range(0, 12, 2):
            writes(member, start + day * DAY + 10.5 * HOUR, start + day * DAY + 11.5 * HOUR)

        assert learnt(member).gaps == gaps

    def test_gives_people_of_the_week_their_weekend(self) -> None:
        """Monday to Friday only: a weekend is not unusual, a week is."""
        member = newcomer()
        friday = datetime(2026, 11, 13, 12, tzinfo=UTC)
        writes(member, *(friday - day * DAY for day in range(60) if (friday - day * DAY).weekday() < 5))

        found = learnt(member)

        member.refresh_from_db()
        assert member.quiet_due_at is not None
        assert friday + 3 * DAY < member.quiet_due_at < friday + 7 * DAY
        assert found.weekdays[5:] == [0, 0]
        assert sum(found.weekdays) == pytest.approx(1)

    def test_shortens_gaps_in_which_nobody_listened(self) -> None:
        """PEERS 39: who writes daily has not paused for five days because we did."""
        member = newcomer()
        writes_on(member, [0, 5, 6, 7, 8, 9, 10])
        ListeningGap.objects.create(began_at=NOON - 4.5 * DAY, ended_at=NOON - 0.5 * DAY)

        found = learnt(member)

        assert (found.gaps, found.rare) == (6, DAY)

    @pytest.mark.parametrize(("days", "after"), [(1, 2 * DAY), (10, 15 * DAY), (35, 52.5 * DAY)])
    def test_keeps_within_bounds(self, days: int, after: timedelta) -> None:
        member = newcomer()
        writes_on(member, range(0, min(6 * days, 180), days))
        if days == 35:
            writes_on(member, [178])

        learnt(member)

        member.refresh_from_db()
        assert member.quiet_after is not None
        assert abs(member.quiet_after - after) < 3 * DAY
        assert 2 * DAY <= member.quiet_after <= rhythm.LONGEST

    def test_is_done_once_until_they_write_on_another_day(self) -> None:
        member = newcomer()
        writes_on(member, [1, 2, 3, 4, 5, 6])
        assert rhythm.compute(now=NOON - DAY) == 1

        writes(member, NOON - DAY + HOUR)
        assert rhythm.compute(now=NOON) == 0
        writes(member, NOON)
        assert rhythm.compute(now=NOON) == 1
        assert Rhythm.objects.get().gaps == 6

    def test_follows_what_becomes_known_of_the_past(self) -> None:
        """As by an import, or messages that were read late."""
        member = newcomer()
        writes_on(member, [0, 1, 2])
        assert learnt(member).gaps == 2

        writes_on(member, [10, 20, 30])

        assert learnt(member).gaps == 5

    def test_works_in_batches(self) -> None:
        for _ in range(5):
            writes_on(newcomer(), [0])

        assert [rhythm.compute(now=NOON, limit=2) for _ in range(4)] == [2, 2, 1, 0]

    def test_does_nothing_when_switched_off(self, settings: Any) -> None:
        settings.FOLLOW_UP_PERSONAL_RHYTHM = False
        member = newcomer()
        writes_on(member, [0, 1, 2, 3, 4, 5])

        assert rhythm.compute(now=NOON) == 0
        assert rhythm.of(member) is None

    def test_costs_the_same_number_of_queries_for_many(self, django_assert_num_queries: Any) -> None:
        for _ in range(20):
            writes_on(newcomer(), [0, 1])
        with django_assert_num_queries(4):  # two statements and the savepoint around them
            assert rhythm.compute(now=NOON) == 20


@pytest.mark.django_db
class TestQuietDueAt:
    def test_moves_with_each_message(self) -> None:
        member = newcomer()
        writes_on(member, [2, 4, 6, 8, 10, 12])
        learnt(member)

        writes(member, NOON)

        member.refresh_from_db()
        assert member.quiet_after is not None
        assert member.quiet_due_at == NOON + member.quiet_after

    def test_does_not_move_back(self) -> None:
        member = newcomer()
        writes_on(member, [0, 2, 4, 6, 8, 10])
        learnt(member)
        member.refresh_from_db()

        writes(member, NOON - 5 * DAY)

        due = member.quiet_due_at
        member.refresh_from_db()
        assert member.quiet_due_at == due


@pytest.mark.django_db(transaction=True)
class TestComputeAtOnce:
    def test_leaves_whom_somebody_else_is_changing(self) -> None:
        members = [newcomer() for _ in range(20)]
        for member in members:
            writes_on(member, range(1, 8))

        def act(index: int) -> None:
            if index < 2:
                rhythm.compute(now=NOON)
            else:
                for member in members:
                    responses.record_activity(member, at=NOON, is_private=False, now=NOON)

        at_once(3, act)
        rhythm.compute(now=NOON)

        assert not Rhythm.objects.filter(computed_at=None).exists()
        for member in UserProfile.objects.all():
            assert member.quiet_after is not None
            assert member.quiet_due_at == NOON + member.quiet_after


@pytest.mark.django_db
class TestHandler:
    def test_computes_what_is_out_of_date(self) -> None:
        member = make_member(last_interaction=None)
        writes_on(member, [0, 1])

        job = enqueue.schedule_job("member_rhythms", timezone.now() - HOUR, {})
        runner.run_once()

        job.refresh_from_db()
        assert job.status == "completed", job.error_message
        assert Rhythm.objects.get(user=member).computed_at is not None
