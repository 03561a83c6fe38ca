"""Making API keys. The key itself exists only in the answer; the database keeps its digest."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from config.models import SCOPES, ApiToken

PROGRAMS = "programs"


class BadKey(ValueError):
    """The key cannot be made as asked; the message says what to mend."""


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, with the secret that nobody will see again."""

    token: ApiToken
    secret: str


def create(*, name: str, scopes: Sequence[str], username: str = "") -> NewKey:
    """Make a key. Without a user it belongs to `programs`, who cannot log in.

    Raises:
        BadKey: no name, no or unknown scopes, or an unknown user.
    """
    name = name.strip()
    unknown = sorted(set(scopes) - set(SCOPES))
    if not name or len(name) > 100:
        raise BadKey("Give the key a name of 1 to 100 characters: it is written into receipts and logs.")
    if unknown or not scopes:
        raise BadKey(f"Unknown scopes: {', '.join(unknown) or '(none given)'}. There are: {', '.join(SCOPES)}.")
    token, secret = ApiToken.objects.create(  # type: ignore[no-untyped-call]
        user=_owner(username), name=name, scopes=[scope for scope in SCOPES if scope in scopes]
    )
    return NewKey(token, secret)


def _owner(username: str) -> User:
    if username:
        found = User.objects.filter(username=username).first()
        if found is None:
            raise BadKey(f"There is no user {username!r}.")
        return found
    owner, made = User.objects.get_or_create(username=PROGRAMS)
    if made:
        owner.set_unusable_password()
        owner.save(update_fields=["password"])
    return owner
