"""`goal` and `birthday`."""

from datetime import timedelta
from typing import Any

import pytest

from bots import answers
from bots.operations import wishes
from followups import consent, planning
from followups.models import FollowUp, Goal, UserProfile
from tests.bots.operations.asking import ask_as
from tests.followups.factories import NOON, make_member

pytestmark = pytest.mark.django_db


def set_goal(member: UserProfile, text: str, when: str = "") -> str:
    """Set a goal as the commands do, and return the answer."""

    def operation(question: answers.Question) -> answers.Answer:
        return wishes.set_goal(question, text=text, when=when, now=NOON)

    return answers.answer_interaction(operation, ask_as(member), meets=False, now=NOON).text


def set_birthday(member: UserProfile, month: str, day: int) -> str:
    """Set a birthday as the commands do, and return the answer."""

    def operation(question: answers.Question) -> answers.Answer:
        return wishes.set_birthday(question, month=month, day=day, now=NOON)

    return answers.answer_interaction(operation, ask_as(member), meets=False, now=NOON).text


class TestGoal:
    def test_is_set_with_its_message_in_the_members_zone(self) -> None:
        member = make_member(timezone="Europe/Berlin")

        told = set_goal(member, "run 5 km on 2026-12-24")

        goal = Goal.objects.get()
        assert (goal.text, goal.check_in_at.isoformat()) == ("run 5 km", "2026-12-24T09:00:00+00:00")
        assert "“run 5 km”. I will ask you about it on 2026-12-24 at 10:00 (Europe/Berlin)" in told
        assert FollowUp.objects.get().pk == goal.follow_up_id

    def test_takes_the_time_by_itself(self) -> None:
        member = make_member()
        set_goal(member, "run in 2 weeks and swim", "in 3 weeks")
        assert Goal.objects.get().text == "run in 2 weeks and swim"

    def test_tells_the_time_that_is_planned_not_the_one_that_was_wished(self) -> None:
        member = make_member(paused_until=NOON + timedelta(days=3))
        told = set_goal(member, "run in 2 days")
        assert "I will ask you about it on 2026-11-21 at 12:00 (UTC), later than you said, because you paused" in told
        assert "I will ask you about it on 2026-11-21" in wishes.show_goal(ask_as(member)).text

    def test_says_that_what_was_skipped_will_not_come(self) -> None:
        member = make_member()
        set_goal(member, "run in 2 weeks")
        planning.cancel_followup(FollowUp.objects.get().pk, reason="cancelled by the member", now=NOON)
        assert "I will not ask you about it" in wishes.show_goal(ask_as(member)).text

    def test_says_in_the_members_words_why_it_would_come_too_late(self) -> None:
        told = set_goal(make_member(paused_until=NOON + timedelta(days=90)), "run in 2 days")
        assert "But I will not ask you about it, because you paused follow-ups" in told

    def test_says_that_nothing_will_come_of_it_without_a_yes(self) -> None:
        told = set_goal(make_member(opted_in=False), "run in 2 weeks")
        assert told.startswith("Noted: “run”.")
        assert wishes.NOT_OPTED_IN in told
        assert not FollowUp.objects.exists()

    def test_says_so_without_check_ins(self) -> None:
        member = make_member()
        consent.change_topics(user_id=member.pk, topics=["events"], source="api", evidence="1", actor="key", now=NOON)
        assert wishes.NO_CHECK_INS in set_goal(member, "run in 2 weeks")

    @pytest.mark.parametrize(
        ("text", "when", "words"),
        [
            ("run 5 km", "", "when shall I ask you"),
            ("", "in 2 weeks", "What is your goal"),
            ("in 2 weeks", "", "What is your goal"),
            ("run", "soon", "can't tell when"),
            ("run", "2026-11-01", "is past"),
            ("run", "in 0 days", "is past"),
            ("run", "in 3 months 2 days", "can't tell when"),
            ("run", "2031-01-01", "too far ahead"),
            ("x" * 5000, "in 2 weeks", "5,000 characters"),
            ("a\nb", "in 2 weeks", "printable characters, on one line"),
            ("a\x00b", "in 2 weeks", "printable characters, on one line"),
        ],
    )
    def test_refuses_kindly_and_stores_nothing(self, text: str, when: str, words: str) -> None:
        told = set_goal(make_member(), text, when)
        assert words in told
        assert len(told) < 300
        assert not Goal.objects.exists()

    def test_is_shown_and_closed(self) -> None:
        member = make_member()
        assert wishes.show_goal(ask_as(member)).text == wishes.NO_GOAL
        set_goal(member, "read *Ulysses* in 2 weeks")

        assert r"“read \*Ulysses\*”. I will ask you about it on 2026-12-02" in wishes.show_goal(ask_as(member)).text
        assert "closed" in wishes.clear_goal(ask_as(member), now=NOON).text
        assert wishes.clear_goal(ask_as(member), now=NOON).text == wishes.NO_GOAL
        assert FollowUp.objects.get().status == "cancelled"


class TestBirthday:
    @pytest.mark.parametrize(
        ("month", "number"), [("March", 3), ("mar", 3), ("3", 3), ("03", 3), (" sept. ", 9), ("DECEMBER", 12)]
    )
    def test_understands_months(self, month: str, number: int) -> None:
        member = make_member()
        told = set_birthday(member, month, 14)
        member.refresh_from_db()
        assert (member.birthday_month, member.birthday_day) == (number, 14)
        assert "I will congratulate you" in told

    def test_may_be_the_29th_of_february(self) -> None:
        assert "February 29" in set_birthday(make_member(), "2", 29)

    def test_says_that_nothing_will_come_of_it_without_a_yes(self) -> None:
        assert wishes.NOT_OPTED_IN in set_birthday(make_member(opted_in=False), "3", 14)

    @pytest.mark.parametrize(
        ("month", "day", "words"),
        [
            ("February", 30, "February has days from 1 to 29"),
            ("4", 31, "April has days from 1 to 30"),
            ("4", 0, "April has days"),
            ("4", -3, "April has days"),
            ("4", 10**30, "April has days"),
            ("13", 1, "no month “13”"),
            ("0", 1, "no month “0”"),
            ("ju", 1, "no month “ju”"),
            ("", 1, "no month"),
            ("9" * 5000, 1, "no month"),
            ("x" * 5000, 1, "no month"),
        ],
    )
    def test_refuses_kindly_and_stores_nothing(self, month: str, day: int, words: str) -> None:
        member = make_member()
        told = set_birthday(member, month, day)
        member.refresh_from_db()
        assert words in told
        assert len(told) < 300
        assert member.birthday_month is None

    def test_is_shown_and_forgotten(self) -> None:
        member: Any = make_member()
        assert wishes.show_birthday(ask_as(member), now=NOON).text == wishes.NO_BIRTHDAY
        set_birthday(member, "3", 14)
        assert "March 14" in wishes.show_birthday(ask_as(member), now=NOON).text
        wishes.clear_birthday(ask_as(member), now=NOON)
        assert wishes.show_birthday(ask_as(member), now=NOON).text == wishes.NO_BIRTHDAY
