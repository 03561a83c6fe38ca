"""Accounts are remembered once and kept current."""

import pytest

from socialmedia import accounts
from socialmedia.models import Account
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON, make_bot, make_person


@pytest.mark.django_db
class TestRemember:
    def test_creates_at_the_first_meeting(self) -> None:
        account = accounts.remember(
            platform="discord",
            external_id="1",
            username="ada",
            display_name="Ada",
            avatar_url="https://cdn/1",
            now=NOON,
        )
        stored = Account.objects.get(pk=account.pk)
        assert (stored.external_id, stored.username, stored.display_name, stored.profile_pic_url) == (
            "1",
            "ada",
            "Ada",
            "https://cdn/1",
        )
        assert (stored.account_type, stored.is_own) == ("member", False)

    def test_follows_a_new_name(self) -> None:
        first = make_person("1", username="ada")
        again = make_person("1", username="ada_l")
        assert again.pk == first.pk
        assert Account.objects.get().username == "ada_l"

    def test_lets_two_people_use_one_name_on_discord(self) -> None:
        assert make_person("1", username="ada").pk != make_person("2", username="ada").pk

    def test_returns_the_row_when_nothing_changed(self) -> None:
        first = make_person("1")
        assert make_person("1").pk == first.pk
        assert Account.objects.get().updated_at == first.updated_at

    def test_never_forgets_that_an_account_is_ours(self) -> None:
        bot = make_bot()
        accounts.remember(
            platform="discord", external_id=bot.external_id or "", username="checkback", is_bot=True, now=NOON
        )
        assert Account.objects.get().is_own


@pytest.mark.django_db(transaction=True)
class TestRememberAtOnce:
    def test_makes_one_account(self) -> None:
        keys = at_once(8, lambda number: make_person("1", username=f"ada{number}").pk)
        assert len(set(keys)) == 1
        assert Account.objects.count() == 1
