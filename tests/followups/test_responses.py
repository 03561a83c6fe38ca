"""Answers: what a member's own message changes."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from followups import delivery, responses
from followups.models import FollowUp, FollowUpHistory, Holdout, UserProfile
from jobs.models import ScheduledJob
from socialmedia import outbox
from socialmedia.models import Message
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
    say,
)


def write(
    member: UserProfile, *, at: datetime = NOON, is_private: bool = True, now: datetime | None = None
) -> responses.Reaction:
    """The member writes a message."""
    reaction = responses.record_activity(member, at=at, is_private=is_private, now=now or max(at, NOON))
    member.refresh_from_db()
    return reaction


@pytest.mark.django_db
class TestActivity:
    def test_is_counted_with_its_times(self) -> None:
        member = make_member(last_interaction=None)

        write(member, at=NOON - HOUR)
        write(member, at=NOON, is_private=False)

        assert member.interaction_count == 2
        assert (member.first_interaction, member.last_interaction) == (NOON - HOUR, NOON)

    def test_never_moves_back_when_messages_come_out_of_order(self) -> None:
        member = make_member(last_interaction=None)

        for hours in (2, 5, 1, 3):
            write(member, at=NOON - hours * HOUR)

        assert (member.first_interaction, member.last_interaction) == (NOON - 5 * HOUR, NOON - HOUR)
        assert member.interaction_count == 4

    def test_is_never_in_the_future(self) -> None:
        member = make_member()

        write(member, at=NOON + DAY, now=NOON)

        assert member.last_interaction == NOON

    def test_makes_an_unreachable_member_reachable(self) -> None:
        member = make_member(unreachable_since=NOON - HOUR)

        write(member, is_private=False)

        assert member.unreachable_since is None

    def test_from_before_does_not(self) -> None:
        member = make_member(unreachable_since=NOON - HOUR)

        write(member, at=NOON - 2 * HOUR)

        assert member.unreachable_since == NOON - HOUR

    def test_answers_the_re_engagements(self) -> None:
        member = make_member(re_engagements_unanswered=2)

        write(member, at=NOON - 4 * DAY)
        assert member.re_engagements_unanswered == 2, "one from before the silence is no answer to it"
        write(member)
        assert member.re_engagements_unanswered == 0

    def test_of_somebody_who_is_gone_changes_nothing(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT followups_count_activity('nobody', 3, now(), now())")
            assert cursor.fetchone() == (3,)


@pytest.mark.django_db
class TestRelationship:
    @pytest.mark.parametrize(
        ("level", "counted", "fresh", "then"),
        [
            (1, 0, 2, 1),
            (1, 0, 3, 2),
            (1, 0, 25, 4),
            (1, 24, 1, 2),
            (1, 100, 2, 3),
            (2, 9, 1, 3),
            (3, 0, 24, 3),
            (4, 0, 1, 4),
            (4, 0, 100, 4),
            (0, 100, 1, 0),
            (7, 100, 1, 7),
        ],
    )
    def test_takes_many_as_one_by_one(self, level: int, counted: int, fresh: int, then: int) -> None:
        """ORIGINS C21: one step at a time, never down."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT followups_relationship_level(%s, %s, %s)", [level, counted, fresh])
            assert cursor.fetchone() == (then,)
            for number in range(fresh):
                cursor.execute("SELECT followups_relationship_level(%s, %s, 1)", [level, counted + number])
                (level,) = cursor.fetchone()
        assert level == then

    def test_grows_at_three_ten_and_twenty_five(self) -> None:
        member = make_member()

        levels = []
        for _ in range(26):
            write(member)
            levels.append(member.relationship_level)

        assert levels == [1] * 2 + [2] * 7 + [3] * 15 + [4] * 2

    def test_grows_one_step_at_a_time(self) -> None:
        member = make_member(interaction_count=100)

        write(member)
        assert member.relationship_level == 2
        write(member)
        assert member.relationship_level == 3

    def test_never_shrinks(self) -> None:
        member = make_member(relationship_level=4)

        write(member)

        assert member.relationship_level == 4


@pytest.mark.django_db
class TestAttribution:
    def test_goes_to_the_latest_follow_up_once(self) -> None:  # ORIGINS 8.10
        member = make_member()
        older, latest = make_sent(member, at=NOON - 2 * DAY), make_sent(member, at=NOON - HOUR)

        first = write(member)
        second = write(member, at=NOON + HOUR)

        older.refresh_from_db()
        latest.refresh_from_db()
        assert (first.answered_follow_up, second.answered_follow_up) == (latest.pk, None)
        assert (latest.response_received, latest.response_time) == (True, NOON)
        assert older.response_received is False

    def test_ignores_public_messages(self) -> None:
        member = make_member()
        make_sent(member, at=NOON - HOUR)

        assert write(member, is_private=False).answered_follow_up is None
        assert not FollowUpHistory.objects.filter(response_received=True).exists()

    def test_ignores_messages_from_before(self) -> None:
        member = make_member()
        make_sent(member, at=NOON - HOUR)

        assert write(member, at=NOON - 2 * HOUR).answered_follow_up is None

    def test_ends_with_the_window(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON)

        assert write(member, at=NOON + 168 * HOUR + timedelta(seconds=1)).answered_follow_up is None
        assert write(member, at=NOON + 168 * HOUR).answered_follow_up == sent.pk

    def test_is_nobody_elses(self) -> None:
        make_sent(make_member(), at=NOON - HOUR)

        assert write(make_member()).answered_follow_up is None


@pytest.mark.django_db
class TestReturn:
    def test_is_the_first_message_anywhere_after_it(self) -> None:
        member = make_member()
        older, latest = make_sent(member, at=NOON - 2 * DAY), make_sent(member, at=NOON - HOUR)
        elsewhere = make_sent(make_member(), at=NOON - HOUR)

        write(member, at=NOON, is_private=False)
        write(member, at=NOON + HOUR)

        for sent in (older, latest, elsewhere):
            sent.refresh_from_db()
        assert (older.returned_at, latest.returned_at, elsewhere.returned_at) == (NOON, NOON, None)

    def test_is_corrected_by_an_earlier_message_that_comes_late(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - 3 * HOUR)

        for hours in (0, 2, 1):
            write(member, at=NOON - hours * HOUR)

        sent.refresh_from_db()
        assert sent.returned_at == NOON - 2 * HOUR

    def test_ends_with_the_window_and_is_not_before(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON)

        for at in (NOON - SECOND, NOON, NOON + 168 * HOUR + SECOND):
            write(member, at=at)
            sent.refresh_from_db()
            assert sent.returned_at is None
        write(member, at=NOON + 168 * HOUR)
        sent.refresh_from_db()
        assert sent.returned_at == NOON + 168 * HOUR

    def test_is_noted_for_what_was_kept_back_too(self) -> None:
        member = make_member()
        plan = make_plan(member)
        held = Holdout.objects.create(follow_up=plan, user=member, trigger_type="custom", held_at=NOON - HOUR)

        write(member, is_private=False)
        write(member, at=NOON + HOUR)

        held.refresh_from_db()
        assert held.returned_at == NOON

    def test_is_noted_when_it_came_before_the_record(self) -> None:
        member = make_member()
        queued = make_queued(member)
        say(member, "hi", at=NOON + 2 * SECOND)
        assert queued.message is not None

        delivery.on_sent(queued.message, now=NOON + SECOND)

        assert FollowUpHistory.objects.get().returned_at == NOON + 2 * SECOND


@pytest.mark.django_db
class TestReaction:
    """PEERS 28: reactions are counted apart."""

    def sent(self) -> FollowUpHistory:
        queued = make_queued(make_member())
        Message.objects.filter(pk=queued.message_id).update(external_message_id="4711")
        assert queued.message is not None
        delivery.on_sent(queued.message, now=NOON)
        return FollowUpHistory.objects.get()

    def react(self, user_id: str, *, to: str = "4711", now: datetime = NOON + HOUR) -> bool:
        return responses.record_reaction(external_message_id=to, user_id=user_id, now=now)

    def test_is_noted_once_and_is_neither_answer_nor_message(self) -> None:
        sent = self.sent()
        before = UserProfile.objects.filter(pk=sent.user_id).values().get()

        assert self.react(sent.user_id)
        assert not self.react(sent.user_id, now=NOON + DAY)

        sent.refresh_from_db()
        assert (sent.reacted_at, sent.response_received, sent.returned_at) == (NOON + HOUR, False, None)
        assert UserProfile.objects.filter(pk=sent.user_id).values().get() == before

    def test_leaves_room_for_the_answer(self) -> None:
        sent = self.sent()
        self.react(sent.user_id)
        member = UserProfile.objects.get(pk=sent.user_id)
        assert write(member, at=NOON + 2 * HOUR).answered_follow_up == sent.pk

    def test_to_something_else_or_by_somebody_else_changes_nothing(self) -> None:
        sent = self.sent()
        assert not self.react(sent.user_id, to="4712")
        assert not self.react(make_member().pk)
        sent.refresh_from_db()
        assert sent.reacted_at is None


@pytest.mark.django_db
class TestTimeToAnswer:
    def test_is_known_once_there_is_an_answer(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        assert sent.time_to_answer is None

        write(member)

        sent.refresh_from_db()
        assert sent.time_to_answer == HOUR


@pytest.mark.django_db
class TestMootPlans:
    def test_are_cancelled_with_their_jobs(self) -> None:
        member = make_member(last_interaction=NOON - 90 * DAY)
        quiet, away = make_plan(member, trigger="inactivity"), make_plan(member, trigger="re_engagement")
        kept = make_plan(member, trigger="custom")

        assert write(member).cancelled == 2

        reasons = dict(FollowUp.objects.values_list("pk", "reason"))
        assert reasons == {quiet.pk: "member wrote", away.pk: "member wrote", kept.pk: ""}
        assert ScheduledJob.objects.filter(status="cancelled").count() == 2

    def test_take_their_queued_message_along(self) -> None:
        member = make_member()
        follow_up = make_queued(member, trigger="inactivity")

        assert write(member, is_private=False).cancelled == 1

        follow_up.refresh_from_db()
        assert follow_up.message is not None
        assert (follow_up.status, follow_up.message.status) == ("cancelled", "suppressed")

    def test_are_left_when_the_message_is_on_the_wire(self) -> None:
        member = make_member()
        follow_up = make_queued(member, trigger="inactivity")
        outbox.claim(account=make_thread(member).account, limit=1, lease=timedelta(seconds=30))

        assert write(member).cancelled == 0

        follow_up.refresh_from_db()
        assert follow_up.status == "pending"

    def test_are_left_by_an_old_message(self) -> None:
        member = make_member(last_interaction=NOON - 90 * DAY)
        make_plan(member, trigger="inactivity")

        assert write(member, at=NOON - 80 * DAY).cancelled == 0


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_counts_each_and_answers_once(self) -> None:
        member = make_member()
        make_sent(member, at=NOON - HOUR)

        reactions = at_once(4, lambda index: responses.record_activity(member, at=NOON, is_private=True, now=NOON))

        member.refresh_from_db()
        assert member.interaction_count == 4
        assert sum(reaction.answered_follow_up is not None for reaction in reactions) == 1


@pytest.mark.django_db
class TestSignOfLife:
    def test_ends_a_silence_and_counts_no_message(self) -> None:
        member = make_member(interaction_count=4, re_engagements_unanswered=1, quiet_after=DAY)

        assert responses.note_sign_of_life(member.pk, at=NOON)

        member.refresh_from_db()
        assert (member.last_interaction, member.interaction_count) == (NOON, 4)
        assert (member.quiet_due_at, member.re_engagements_unanswered) == (NOON + DAY, 0)

    def test_is_written_once_a_minute(self) -> None:
        member = make_member()

        assert responses.note_sign_of_life(member.pk, at=NOON)
        assert not responses.note_sign_of_life(member.pk, at=NOON + 59 * SECOND)
        assert responses.note_sign_of_life(member.pk, at=NOON + 61 * SECOND)

    def test_of_a_stranger_makes_nobody(self) -> None:
        assert not responses.note_sign_of_life("12345", at=NOON)
        assert not UserProfile.objects.exists()
