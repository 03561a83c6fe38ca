"""What a follow-up did to its member."""

from datetime import timedelta

import pytest

from followups import delivery, harm, members
from followups.models import FollowUpHistory, Harm
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    make_automated,
    make_member,
    make_queued,
    make_sent,
    opt_out,
)

pytestmark = pytest.mark.django_db


def harm_of(sent: FollowUpHistory) -> str:
    """What it did."""
    sent.refresh_from_db()
    return sent.harm


class TestNote:
    def test_charges_the_latest_that_reached_the_member(self) -> None:
        member = make_member()
        older, latest = make_sent(member, at=NOON - 20 * HOUR), make_sent(member, at=NOON - HOUR)
        later, other = make_sent(member, at=NOON + HOUR), make_sent(make_member(), at=NOON - HOUR)
        assert harm.note(member.pk, Harm.LEFT, at=NOON)
        assert [harm_of(sent) for sent in (older, latest, later, other)] == ["", "left", "", ""]
        assert latest.harm_at == NOON

    def test_ends_after_a_day(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - DAY)
        assert not harm.note(member.pk, Harm.LEFT, at=NOON + SECOND)
        assert harm_of(sent) == ""
        assert harm.note(member.pk, Harm.LEFT, at=NOON)

    def test_keeps_the_first(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        assert harm.note(member.pk, Harm.NEGATIVE_REPLY, at=NOON)
        assert not harm.note(member.pk, Harm.OPT_OUT, at=NOON + HOUR)
        assert (harm_of(sent), sent.harm_at) == ("negative_reply", NOON)


class TestOccasions:
    def test_opting_out(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        opt_out(member)
        assert harm_of(sent) == "opt_out"

    def test_not_a_no_without_a_yes_before(self) -> None:
        member = make_member(opted_in=False)
        sent = make_sent(member, at=NOON - HOUR)
        opt_out(member)
        assert harm_of(sent) == ""

    def test_refusing_messages(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        delivery.on_failed(make_automated(member), reason="50007", unreachable=True, now=NOON)
        assert harm_of(sent) == "block"

    def test_not_a_failure_of_ours(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        delivery.on_failed(make_automated(member), reason="too long", unreachable=False, now=NOON)
        assert harm_of(sent) == ""

    def test_leaving(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        assert members.note_left(member.pk, at=NOON)
        assert harm_of(sent) == "left"


class TestNoteEarlier:
    def test_finds_what_came_before_the_record(self) -> None:
        member = make_member()
        queued = make_queued(member)
        members.note_left(member.pk, at=NOON + timedelta(seconds=2))
        assert queued.message is not None
        delivery.on_sent(queued.message, now=NOON)
        sent = FollowUpHistory.objects.get()
        assert (sent.harm, sent.harm_at) == ("left", NOON + timedelta(seconds=2))

    def test_is_not_what_was_so_before_it_was_sent(self) -> None:
        member = make_member()
        queued = make_queued(member)
        members.note_left(member.pk, at=NOON - SECOND)
        assert queued.message is not None
        delivery.on_sent(queued.message, now=NOON)
        assert FollowUpHistory.objects.get().harm == ""
