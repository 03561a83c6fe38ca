"""Who is asking: the key in `Authorization: Bearer <key>`, and when it was last used."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.models import ApiToken

USE_IS_NOTED_EVERY = timedelta(minutes=1)


def note_use(token: ApiToken) -> None:
    """Record the time, at most once a minute: the condition is in the statement, so a busy key costs no row lock."""
    now = timezone.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


class KeyAuthentication(TokenAuthentication):
    """knox's own, for keys that are not text as well, and with the time of the last use."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """Return the key's user and the key."""
        found: tuple[Any, ApiToken] | None = super().authenticate(request)  # type: ignore[no-untyped-call]
        if found is not None:
            note_use(found[1])
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """Refuse what cannot be a key (not UTF-8, NUL characters) before the database does."""
        try:
            if "\x00" in token.decode("utf-8"):
                raise AuthenticationFailed("Invalid token.")
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
        found: tuple[Any, ApiToken] = super().authenticate_credentials(token)  # type: ignore[no-untyped-call]
        return found
