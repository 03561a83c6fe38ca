"""Who wrote a post: one row for each person of a network, however often they rename themselves."""

from datetime import datetime
from typing import Final

from django.db.models import Q

from socialmedia.models import Account
from socialmedia.providers.base import Person

_ROOM: Final = 200
"""Of a handle's 255 characters, so that an id fits behind it."""


class NoAuthor(ValueError):
    """An answer does not say whose post it is: neither id nor handle. Such posts must not become one stranger's."""


def remember(person: Person, *, platform: str, now: datetime) -> Account:
    """Find or add the account of somebody as a provider sees them, and lock it. The id goes before the handle, which
    may have been somebody else's before. Needs a transaction, and comes before any lock on a post.

    Raises:
        NoAuthor: they have neither id nor handle.
    """
    if not (person.external_id or person.username):
        raise NoAuthor("The provider does not say whose post this is: neither the author's id nor their handle.")
    while True:
        account = _known(person, platform)
        if account is not None:
            return _refreshed(account, person, now=now)
        # Of two who add the same person, one adds and the other waits for that; then both find them.
        added = Account(
            platform=platform,
            external_id=person.external_id or None,
            username=_free_handle(person, platform, own_id=None, now=now),
            display_name=person.display_name,
            profile_pic_url=person.avatar_url,
            updated_at=now,
        )
        Account.objects.bulk_create([added], ignore_conflicts=True)


def _known(person: Person, platform: str) -> Account | None:
    """The row with their id; else the one with their handle, if that row can be theirs."""
    asked = Q(external_id=person.external_id) if person.external_id else Q()
    if person.username:
        asked |= Q(username=person.username)
    rows = Account.objects.select_for_update(no_key=True).filter(asked, platform=platform).order_by("pk")
    found = list(rows)
    for account in found:
        if person.external_id and account.external_id == person.external_id:
            return account
    for account in found:
        if not (person.external_id and account.external_id):
            return account
    return None


def _refreshed(account: Account, person: Person, *, now: datetime) -> Account:
    """Take over what is new of them; nothing is written while all is known. What staff set is never touched."""
    said = {
        "external_id": account.external_id or person.external_id or None,
        "display_name": person.display_name or account.display_name,
        "profile_pic_url": person.avatar_url or account.profile_pic_url,
    }
    if person.username and person.username != account.username:
        said["username"] = _free_handle(person, account.platform, own_id=account.pk, now=now)
    changes = {field: value for field, value in said.items() if getattr(account, field) != value}
    if changes:
        Account.objects.filter(pk=account.pk).update(**changes, updated_at=now)
        for field, value in changes.items():
            setattr(account, field, value)
    return account


def _free_handle(person: Person, platform: str, *, own_id: int | None, now: datetime) -> str:
    """Their handle. Whoever had it before has another one by now, which we do not know yet, and gives way; only one of
    our own accounts keeps it.
    """
    if not person.username:
        return _aside("", person.external_id)
    rows = Account.objects.select_for_update(no_key=True).filter(platform=platform, username=person.username)
    holder = next((account for account in rows if account.pk != own_id), None)
    if holder is None:
        return person.username
    if holder.is_own:
        return _aside(person.username, person.external_id)
    Account.objects.filter(pk=holder.pk).update(username=_aside(holder.username, str(holder.pk)), updated_at=now)
    return person.username


def _aside(handle: str, of: str) -> str:
    """A handle that nobody can have: networks allow no tilde in theirs."""
    return f"{handle[:_ROOM]}~{of}"
