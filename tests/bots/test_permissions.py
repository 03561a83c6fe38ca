"""Permissions: who belongs to the team."""

from dataclasses import replace

import pytest

from bots import conf
from bots.conf import BotSettings
from bots.permissions import Standing, is_named, is_staff

HERE, ELSEWHERE = 10, 11


def settings(
    *, users: set[int] = frozenset(), roles: set[int] = frozenset(), guilds: tuple[int, ...] = ()
) -> BotSettings:  # type: ignore[assignment]
    """The settings with these people, roles and communities."""
    return replace(conf.current(), staff_users=frozenset(users), staff_roles=frozenset(roles), command_guilds=guilds)


class TestIsStaff:
    @pytest.mark.parametrize(
        ("standing", "chosen", "is_one"),
        [
            # anybody
            (Standing(1), settings(), False),
            (Standing(1, HERE), settings(), False),
            (Standing(1, HERE, role_ids=frozenset({5})), settings(), False),
            # administrators, by Discord's permission, where it counts
            (Standing(1, HERE, is_administrator=True), settings(), True),
            (Standing(1, HERE, is_administrator=True), settings(guilds=(HERE,)), True),
            (Standing(1, ELSEWHERE, is_administrator=True), settings(guilds=(HERE,)), False),
            (Standing(1, None, is_administrator=True), settings(), False),
            # anybody may invite the bot to a community of their own
            (Standing(1, HERE, is_administrator=True, communities=2), settings(), False),
            (Standing(1, HERE, is_administrator=True, communities=2), settings(guilds=(HERE,)), True),
            (Standing(1, HERE, role_ids=frozenset({6}), communities=2), settings(roles={6}), True),
            # who is named, everywhere
            (Standing(1), settings(users={1}), True),
            (Standing(1, HERE), settings(users={1}), True),
            (Standing(1, ELSEWHERE), settings(users={1}, guilds=(HERE,)), True),
            (Standing(2), settings(users={1}), False),
            # roles, in a community
            (Standing(1, HERE, role_ids=frozenset({5, 6})), settings(roles={6, 7}), True),
            (Standing(1, HERE, role_ids=frozenset({5})), settings(roles={6}), False),
            (Standing(1, ELSEWHERE, role_ids=frozenset({6})), settings(roles={6}, guilds=(HERE,)), False),
            (Standing(1, None, role_ids=frozenset({6})), settings(roles={6}), False),
        ],
    )
    def test_judges(self, standing: Standing, chosen: BotSettings, is_one: bool) -> None:
        assert is_staff(standing, chosen) is is_one


class TestIsNamed:
    def test_is_not_about_permissions(self) -> None:
        assert is_named(Standing(1), settings(users={1}))
        assert not is_named(Standing(2, HERE, is_administrator=True), settings(users={1}))
