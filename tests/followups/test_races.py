"""Everything that concerns one member, at the same moment."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from followups import cancelling, delivery, execution, members, planning, responses
from followups.models import FollowUp, PolicyDecision, Trigger, UserProfile
from jobs import enqueue
from jobs.errors import Snooze
from jobs.registry import Attempt
from socialmedia import inbox
from socialmedia.models import Message
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    make_automated,
    make_member,
    make_plan,
    make_sent,
    make_thread,
    opt_out,
    start_job,
)


def receive(member: UserProfile, number: int) -> None:
    """Take in a private message as the bot does: the member's row first, then the conversation."""
    with transaction.atomic():
        profile = members.lock(member.pk)
        message = inbox.record_inbound(
            conversation=make_thread(member), external_message_id=str(number), text="Hi", sent_at=NOON, now=NOON
        )
        assert message is not None
        responses.record_activity(profile, at=NOON, is_private=True, now=NOON)


@pytest.mark.django_db(transaction=True)
class TestOneMember:
    def test_at_once_neither_deadlocks_nor_leaves_a_message_behind(self) -> None:
        """Message in, follow-up out, delivery recorded, sweep and opt-out together; the opt-out has the last word."""
        for number in range(12):
            member = make_member(last_interaction=NOON - 5 * DAY)
            make_thread(member)
            attempts = [start_job(make_plan(member, trigger=trigger)) for trigger in ("custom", "inactivity")]
            arrived = make_automated(member)

            def act(
                index: int,
                member: UserProfile = member,
                attempts: list = attempts,
                arrived: Message = arrived,
                number: int = number,
            ) -> None:
                if index == 0:
                    receive(member, number)
                elif index == 1:
                    opt_out(member)
                elif index == 2:
                    planning.plan_quiet_members(now=NOON)
                    cancelling.close_stranded(now=NOON)
                elif index == 3:
                    delivery.on_failed(arrived, reason="50007", unreachable=True, now=NOON)
                else:
                    with contextlib.suppress(Snooze):
                        execution.execute(attempts[index - 4], now=NOON)

            at_once(6, act)

            assert not FollowUp.objects.filter(user=member, status="pending").exists()
            assert not Message.objects.filter(conversation__participant_id=member.pk, status="queued").exists()


# Not birthdays: a limit does not hold those, it drops them.
KINDS = [kind for kind in Trigger.values if kind != Trigger.BIRTHDAY]
LEAST_GAP = "user_profiles_frequency_range"


@pytest.fixture
def no_gap(settings: Any, transactional_db: None) -> Iterator[None]:
    """Let two follow-ups go at the same moment, which the least gap of an hour forbids: the limits must do the work."""
    settings.FOLLOW_UP_MIN_HOURS_BETWEEN = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [LEAST_GAP])
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE user_profiles DROP CONSTRAINT {LEAST_GAP}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("UPDATE user_profiles SET follow_up_frequency_hours = 1")
        cursor.execute(f"ALTER TABLE user_profiles ADD CONSTRAINT {LEAST_GAP} {definition}")


def make_candidates(member: UserProfile, number: int) -> list[Attempt[planning.FollowUpMessage]]:
    """So many due follow-ups, more than one may plan, of every kind in turn, each with its job at work."""
    make_thread(member)
    made = []
    for index in range(number):
        candidate = FollowUp(
            user=member,
            trigger_type=KINDS[index % len(KINDS)],
            scheduled_at=NOON,
            dedupe_key=f"{member.pk}:{index}",
        )
        payload = planning.FollowUpMessage(follow_up_id=candidate.pk)
        candidate.job_id = enqueue.schedule_job(planning.JOB_TYPE, NOON, payload).job_id
        candidate.save()
        made.append(start_job(candidate))
    return made


def passed(attempts: list[Attempt[planning.FollowUpMessage]], *, now: datetime = NOON) -> int:
    """Run all at the same moment and count those that got into the outbox."""

    def run(index: int) -> None:
        with contextlib.suppress(Snooze):
            execution.execute(attempts[index], now=now)

    at_once(len(attempts), run)
    ids = [attempt.payload.follow_up_id for attempt in attempts]
    return Message.objects.filter(follow_up__in=ids).count()


@pytest.mark.usefixtures("no_gap")
class TestWeeklyCap:
    """ORIGINS 8.9: concurrent candidates never both see the last free place."""

    def test_lets_two_of_fifty_pass(self) -> None:
        member = make_member(follow_up_frequency_hours=0, last_interaction=NOON - 40 * DAY)
        attempts = make_candidates(member, 50)

        assert passed(attempts) == 2

        answers = PolicyDecision.objects.filter(asked_by="execution").values_list("verdict", "gate")
        counted = Counter(answers)
        assert counted["send", ""] == 2
        assert set(counted) <= {("send", ""), ("hold", "weekly_cap"), ("hold", "trigger_cap")}
        assert counted["hold", "weekly_cap"] > 0
        sent = FollowUp.objects.filter(message__isnull=False).values_list("trigger_type", flat=True)
        assert len(set(sent)) == 2

    def test_gives_the_last_place_to_one_of_two(self) -> None:
        for _ in range(5):
            member = make_member(follow_up_frequency_hours=0, last_interaction=NOON - 40 * DAY)
            make_sent(member, at=NOON - 3 * DAY)

            assert passed(make_candidates(member, 2)) == 1

            (held,) = PolicyDecision.objects.filter(user_id=member.pk, verdict="hold")
            assert (held.gate, held.held_until) == ("weekly_cap", NOON + 4 * DAY)


@pytest.mark.django_db(transaction=True)
class TestGap:
    def test_lets_one_pass_at_a_time_and_the_cap_two_in_all(self) -> None:
        """With the gap that every member has: one now, one when it is over, and then no more."""
        member = make_member(last_interaction=NOON - 40 * DAY)
        make_candidates(member, 12)
        written = []
        for days in (0, 2, 4):
            now = NOON + days * DAY + HOUR
            waiting = FollowUp.objects.filter(status="pending", message=None)
            written.append(passed([start_job(follow_up) for follow_up in waiting], now=now))
            for follow_up in FollowUp.objects.filter(status="pending", message__isnull=False):
                assert follow_up.message is not None
                delivery.on_sent(follow_up.message, now=now)

        assert written == [1, 1, 0]
