"""Members: the profile behind an account."""

import pytest

from followups import members
from followups.models import UserProfile
from tests.concurrency import at_once
from tests.followups.factories import HOUR, NOON, make_member
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
