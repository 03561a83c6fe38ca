"""Knowing that somebody was forgotten without knowing who: a digest of their id, keyed with SECRET_KEY."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Max
from django.utils.encoding import force_bytes

from followups.models import ErasureReceipt


def digest(user_id: str) -> str:
    """Return what an erasure's receipt keeps of the member's id."""
    return _digests(user_id)[0]


def was_forgotten(user_id: str) -> bool:
    """Whether somebody with this id was ever forgotten, under this SECRET_KEY or one of SECRET_KEY_FALLBACKS."""
    return bool(erased_at([user_id]))


def erased_at(user_ids: Iterable[str]) -> dict[str, datetime]:
    """When those of them who were forgotten were (the last time). One query; none at all has its digest computed
    while nobody was ever forgotten.
    """
    if not ErasureReceipt.objects.exists():
        return {}
    owners = {each: user_id for user_id in user_ids for each in _digests(user_id)}
    found = ErasureReceipt.objects.filter(digest__in=list(owners)).values_list("digest").annotate(Max("erased_at"))
    latest: dict[str, datetime] = {}
    for known, at in found.order_by():
        latest[owners[known]] = max(at, latest.get(owners[known], at))
    return latest


def _digests(user_id: str) -> list[str]:
    """By every key in use, the newest first."""
    keys = [force_bytes(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return [hmac.new(key, user_id.encode(), hashlib.sha256).hexdigest() for key in keys]
