"""Members: the profile behind an account."""

from typing import Any

import pytest

from followups import members
from followups.models import FollowUpHistory, UserProfile
from socialmedia import accounts
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_sent
from tests.socialmedia.factories import make_person


@pytest.mark.django_db
class TestRemember:
    def test_makes_a_profile_that_is_not_opted_in(self) -> None:
        account = make_person(username="ada", display_name="Ada")

        profile = members.remember(account)

        assert (profile.pk, profile.name) == (account.external_id, "Ada")
        assert profile.follow_ups_enabled is False

    def test_gives_the_same_one_again(self) -> None:
        account = make_person()

        assert members.remember(account) == members.remember(account)
        assert UserProfile.objects.count() == 1

    def test_keeps_the_name_that_somebody_chose(self) -> None:
        account = make_person(display_name="Ada")
        members.remember(account)
        UserProfile.objects.update(name="Countess")

        assert members.remember(account).name == "Countess"

    def test_fills_an_empty_name(self) -> None:
        account = make_person(display_name="Ada")
        members.remember(account)
        UserProfile.objects.update(name="")

        assert members.remember(account).name == "Ada"


@pytest.mark.django_db(transaction=True)
class TestRememberAtOnce:
    def test_makes_one(self) -> None:
        account = make_person()

        profiles = at_once(4, lambda _: members.remember(account))

        assert len({profile.pk for profile in profiles}) == UserProfile.objects.count() == 1


@pytest.mark.django_db
class TestLeaving:
    def test_is_noted_until_they_are_back(self) -> None:
        member = make_member()

        assert members.note_left(member.pk, at=NOON)
        assert members.note_left(member.pk, at=NOON + HOUR)
        member.refresh_from_db()
        assert member.left_at == NOON
        assert not members.note_joined(member.pk, at=NOON - HOUR)
        assert members.note_joined(member.pk, at=NOON + HOUR)
        member.refresh_from_db()
        assert member.left_at is None


@pytest.mark.django_db
class TestLeavingUnheard:
    def test_marks_many_at_once_and_none_twice(self) -> None:
        first, second, here = (make_member() for _ in range(3))
        members.note_left(second.pk, at=NOON - HOUR)

        assert members.note_all_left([first.pk, second.pk, "unknown"], at=NOON) == 1

        left = dict(UserProfile.objects.values_list("pk", "left_at"))
        assert left == {first.pk: NOON, second.pk: NOON - HOUR, here.pk: None}

    def test_charges_a_follow_up_of_the_day_before(self) -> None:
        member, other = make_member(), make_member()
        sent = make_sent(member, at=NOON - HOUR)
        make_sent(other, at=NOON - 2 * DAY)

        members.note_all_left([member.pk, other.pk], at=NOON)

        assert [row.pk for row in FollowUpHistory.objects.filter(harm="left")] == [sent.pk]

    def test_unmarks_who_is_back_but_not_who_left_since(self) -> None:
        back, gone = make_member(left_at=NOON - HOUR), make_member(left_at=NOON + HOUR)

        assert members.note_all_back([back.pk, gone.pk], at=NOON) == 1

        back.refresh_from_db()
        gone.refresh_from_db()
        assert (back.left_at, gone.left_at) == (None, NOON + HOUR)

    def test_takes_a_fixed_number_of_queries(self, django_assert_max_num_queries: Any) -> None:
        everybody = [make_member().pk for _ in range(20)]

        with django_assert_max_num_queries(6):
            members.note_all_left(everybody, at=NOON)
        with django_assert_max_num_queries(4):
            members.note_all_back(everybody, at=NOON)

    def test_pages_know_who_is_here_and_who_is_not(self) -> None:
        here = sorted(make_member().pk for _ in range(3))
        left = make_member(left_at=NOON).pk
        make_member(opted_in=False)
        members.remember(accounts.remember(platform="tiktok", external_id="1", username="x", now=NOON))

        first = members.present_ids(limit=2)
        assert first + members.present_ids(after=first[-1], limit=2) == here
        assert members.absent_ids(limit=2) == [left]
