"""Everything that concerns one member, at the same moment."""

import contextlib

import pytest
from django.db import transaction

from followups import cancelling, delivery, execution, members, planning, responses
from followups.models import FollowUp, UserProfile
from jobs.errors import Snooze
from socialmedia import inbox
from socialmedia.models import Message
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    NOON,
    make_automated,
    make_member,
    make_plan,
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
