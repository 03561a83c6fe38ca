"""Members: the profile behind an account."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from followups import harm
from followups.models import Harm, UserProfile
from socialmedia.models import Account, Platform


def remember(account: Account) -> UserProfile:
    """Return the profile of this person's account, created (not opted in) at the first meeting.

    A profile without a name takes the account's; a name it has is never overwritten.
    """
    name = account.display_name or account.username
    profile, created = UserProfile.objects.get_or_create(
        account=account, defaults={"user_id": _user_id(account), "name": name}
    )
    if not created and not profile.name and name:
        UserProfile.objects.filter(pk=profile.pk, name="").update(name=name)
        profile.refresh_from_db(fields=["name"])
    return profile


def lock(user_id: str) -> UserProfile:
    """Lock the member's row until the transaction ends, and return it. The first lock of every change about them.

    Foreign keys to the row are not held up. Raises UserProfile.DoesNotExist.
    """
    return UserProfile.objects.select_for_update(no_key=True).get(pk=user_id)


def note_left(user_id: str, *, at: datetime) -> bool:
    """Note that the member left the community. False when nobody with this id is known."""
    with transaction.atomic():
        if not UserProfile.objects.filter(pk=user_id).update(left_at=Coalesce("left_at", at)):
            return False
        harm.note(user_id, Harm.LEFT, at=at)
    return True


def note_joined(user_id: str, *, at: datetime) -> bool:
    """Note that the member is back. False when they were not gone, or left after `at`."""
    return bool(UserProfile.objects.filter(Q(left_at__lte=at), pk=user_id).update(left_at=None))


def present_ids(*, after: str = "", limit: int) -> list[str]:
    """Discord members who have opted in and are not known to have left, by id: a page, after the one given."""
    theirs = UserProfile.objects.filter(follow_ups_enabled=True, left_at=None, account__platform=Platform.DISCORD)
    return list(theirs.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])


def absent_ids(*, after: str = "", limit: int) -> list[str]:
    """Discord members who are known to have left, by id: a page, after the one given."""
    theirs = UserProfile.objects.filter(left_at__isnull=False, account__platform=Platform.DISCORD)
    return list(theirs.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])


def note_all_left(user_ids: Sequence[str], *, at: datetime) -> int:
    """Note that these members were found to have left, as `note_left` does for one. Returns how many were not known
    to have left.
    """
    with transaction.atomic():
        rows = UserProfile.objects.filter(pk__in=user_ids, left_at=None).select_for_update(no_key=True)
        gone = list(rows.order_by("pk").values_list("pk", flat=True))
        UserProfile.objects.filter(pk__in=gone).update(left_at=at)
        harm.note_all(gone, Harm.LEFT, at=at)
    return len(gone)


def note_all_back(user_ids: Sequence[str], *, at: datetime) -> int:
    """Note that these members were found to be here. Returns how many were known to have left before `at`."""
    with transaction.atomic():
        rows = UserProfile.objects.filter(pk__in=user_ids, left_at__lte=at).select_for_update(no_key=True)
        back = list(rows.order_by("pk").values_list("pk", flat=True))
        return UserProfile.objects.filter(pk__in=back).update(left_at=None)


def _user_id(account: Account) -> str:
    """The network's id on Discord; elsewhere with the network's name, because two networks may use one id."""
    if account.platform == Platform.DISCORD:
        return str(account.external_id)
    return f"{account.platform}:{account.external_id or account.username}"
