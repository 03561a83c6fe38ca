"""Our own accounts on networks that no bot logs in to: staff name them, and say in which zone they live.

A Discord bot makes itself known when it logs in, and `manage.py retire_account` takes it out of use.
"""

import re
from datetime import datetime
from typing import Final

from django.db import transaction

from jobs import timing
from socialmedia.models import Account, Platform

PLATFORMS: Final = [(value, label) for value, label in Platform.choices if value != Platform.DISCORD]
_TIKTOK: Final = re.compile(r"[a-z0-9_.]{2,24}")
_ANY: Final = re.compile(r"[^\s/@\x00-\x1f\ud800-\udfff]{1,255}")
_LONGEST_ZONE: Final = 64


class BadAccount(ValueError):
    """The account cannot be so; `field` names what is wrong, the message says how to mend it. Nothing was stored."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def add(*, platform: str, username: str, timezone: str = "", now: datetime) -> Account:
    """Make an account one of ours: a new one, or one that is known from its posts. Again, it is in use again.

    Raises BadAccount.
    """
    if platform not in dict(PLATFORMS):
        raise BadAccount("platform", f"{platform!r} is no network on which staff add accounts.")
    known_as, zone = handle(platform, username), _zone(timezone)
    with transaction.atomic():
        account, _ = Account.objects.select_for_update(no_key=True).get_or_create(platform=platform, username=known_as)
        account.is_own, account.is_active, account.updated_at = True, True, now
        account.timezone = zone or account.timezone
        account.save(update_fields=["is_own", "is_active", "updated_at", "timezone"])
    return account


def set_zone(account_id: int, *, timezone: str, now: datetime) -> None:
    """Let an account of ours live in this zone; empty: in the community's. Its daily limits count by it at once.

    Raises BadAccount.
    """
    ours = Account.objects.filter(pk=account_id, is_own=True)
    if not ours.update(timezone=_zone(timezone), updated_at=now):
        raise BadAccount("timezone", "Only our own accounts have a zone.")


def set_active(account_id: int, *, is_active: bool, now: datetime) -> bool:
    """Take an account of ours out of use, or into it again. False when it is so already, is not ours, or a bot."""
    ours = Account.objects.filter(pk=account_id, is_own=True).exclude(platform=Platform.DISCORD)
    return bool(ours.exclude(is_active=is_active).update(is_active=is_active, updated_at=now))


def set_monitored(account_id: int, *, is_monitored: bool, now: datetime) -> bool:
    """Collect an account's figures day by day, or no more. False when it is so already."""
    others = Account.objects.filter(pk=account_id).exclude(monitoring_enabled=is_monitored)
    return bool(others.update(monitoring_enabled=is_monitored, updated_at=now))


def handle(platform: str, username: str) -> str:
    """Return the handle as it is kept. Raises BadAccount for what is none."""
    name = username.strip().removeprefix("@")
    if platform == Platform.TIKTOK:
        name = name.lower()
        if not _TIKTOK.fullmatch(name):
            raise BadAccount(
                "username", "A TikTok handle has 2 to 24 letters, digits, dots and underscores, like ada.makes."
            )
    if not _ANY.fullmatch(name):
        raise BadAccount("username", "A handle has 1 to 255 characters, without spaces, @ and slashes.")
    return name


def _zone(name: str) -> str:
    name = name.strip()
    if not name:
        return ""
    try:
        timing.find_zone(name)
    except timing.UnknownZone as error:
        raise BadAccount("timezone", str(error)) from error
    if len(name) > _LONGEST_ZONE or name == "localtime":
        raise BadAccount("timezone", "Write an IANA name like 'Europe/Berlin' or 'UTC'.")
    return name
