"""Flags for staff."""

import pytest
from django.db import IntegrityError, transaction

from followups import flags
from followups.models import StaffFlag
from tests.concurrency import at_once
from tests.followups.factories import HOUR, NOON, make_member, say


@pytest.mark.django_db
class TestRaise:
    def test_counts_up_the_open_one(self) -> None:
        member = make_member()
        first = flags.raise_flag(kind="escalation", user_id=member.pk, detail="one", now=NOON)
        message = say(member, "hello")
        second = flags.raise_flag(kind="escalation", user_id=member.pk, detail="two", message=message, now=NOON + HOUR)
        assert (second.pk, second.times, second.detail, second.message) == (first.pk, 2, "two", message)
        assert (second.raised_at, second.last_raised_at) == (NOON, NOON + HOUR)

    def test_keeps_members_kinds_and_subjects_apart(self) -> None:
        for user_id in (make_member().pk, make_member().pk, None):
            for kind in ("escalation", "harm"):
                for subject in ("", "birthday"):
                    flags.raise_flag(kind=kind, user_id=user_id, subject=subject, detail="x", now=NOON)
        assert StaffFlag.objects.filter(times=1).count() == StaffFlag.objects.count() == 12

    def test_refuses_an_unknown_kind(self) -> None:
        with pytest.raises(IntegrityError, match="staff_flags_kind_known"), transaction.atomic():
            flags.raise_flag(kind="boredom", detail="x", now=NOON)

    def test_raises_anew_after_it_was_settled(self) -> None:
        first = flags.raise_flag(kind="harm", subject="birthday", detail="x", now=NOON)
        assert flags.settle(first.pk, by="boss", note="paused it", now=NOON)
        second = flags.raise_flag(kind="harm", subject="birthday", detail="x", now=NOON)
        assert (second.pk == first.pk, second.times) == (False, 1)


@pytest.mark.django_db
class TestSettle:
    def test_is_done_once(self) -> None:
        flag = flags.raise_flag(kind="harm", detail="x", now=NOON)
        assert flags.settle(flag.pk, by="boss", note="called them", now=NOON)
        assert not flags.settle(flag.pk, by="other", note="me, too", now=NOON + HOUR)
        flag.refresh_from_db()
        assert (flag.settled_by, flag.note, flag.settled_at) == ("boss", "called them", NOON)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_raises_one_and_counts_each(self) -> None:
        member = make_member()
        at_once(6, lambda number: flags.raise_flag(kind="escalation", user_id=member.pk, detail=str(number), now=NOON))
        assert StaffFlag.objects.get().times == 6
