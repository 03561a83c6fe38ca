"""Our own accounts where no bot logs in."""

from typing import Any

import pytest

from socialmedia import own_accounts
from socialmedia.models import Account
from socialmedia.own_accounts import BadAccount
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON, make_bot
from tests.socialmedia.post_factories import make_creator

pytestmark = pytest.mark.django_db


def add(username: str = "our.shop", platform: str = "tiktok", **values: Any) -> Account:
    return own_accounts.add(platform=platform, username=username, now=NOON, **values)


class TestAdd:
    def test_makes_an_account_ours(self) -> None:
        account = add(" @Our.Shop ", timezone="Europe/Berlin")
        assert (account.username, account.is_own, account.is_active) == ("our.shop", True, True)
        assert account.timezone == "Europe/Berlin"

    def test_takes_one_that_is_known_from_its_posts(self) -> None:
        known = make_creator("our.shop")
        assert add() == known
        assert Account.objects.get().is_own

    def test_again_brings_it_back_into_use_and_keeps_its_zone(self) -> None:
        account = add(timezone="Asia/Tokyo")
        own_accounts.set_active(account.pk, is_active=False, now=NOON)
        account = add()
        assert (account.is_active, account.timezone) == (True, "Asia/Tokyo")

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"platform": "discord"}, "platform"),
            ({"platform": "myspace"}, "platform"),
            ({"username": ""}, "username"),
            ({"username": "a"}, "username"),
            ({"username": "two words"}, "username"),
            ({"username": "https://www.tiktok.com/@ada"}, "username"),
            ({"username": "a" * 256, "platform": "instagram"}, "username"),
            ({"username": "a\x00b", "platform": "instagram"}, "username"),
            ({"timezone": "Berlin"}, "timezone"),
            ({"timezone": "../../etc/passwd"}, "timezone"),
        ],
    )
    def test_refuses_what_cannot_be(self, values: dict[str, str], field: str) -> None:
        with pytest.raises(BadAccount) as refused:
            add(**values)
        assert refused.value.field == field
        assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAddAtOnce:
    def test_makes_one(self) -> None:
        at_once(5, lambda index: add())
        assert Account.objects.get().is_own


class TestSetting:
    def test_a_zone(self) -> None:
        account = add(timezone="Asia/Tokyo")
        own_accounts.set_zone(account.pk, timezone="UTC", now=NOON)
        account.refresh_from_db()
        assert account.timezone == "UTC"
        with pytest.raises(BadAccount, match="not a known time zone"):
            own_accounts.set_zone(account.pk, timezone="Mars", now=NOON)
        with pytest.raises(BadAccount, match="Only our own"):
            own_accounts.set_zone(make_creator("ada").pk, timezone="UTC", now=NOON)

    def test_out_of_use_and_back(self) -> None:
        account = add()
        changes = [own_accounts.set_active(account.pk, is_active=active, now=NOON) for active in (False, False, True)]
        assert changes == [True, False, True]
        assert not own_accounts.set_active(make_bot().pk, is_active=False, now=NOON), "a bot retires otherwise"
        assert not own_accounts.set_active(make_creator("ada").pk, is_active=False, now=NOON)

    def test_whether_figures_are_collected(self) -> None:
        ada = make_creator("ada")
        changes = [own_accounts.set_monitored(ada.pk, is_monitored=on, now=NOON) for on in (False, False, True)]
        assert changes == [True, False, True]
