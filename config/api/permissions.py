"""What a key may do: a view names its scopes, the key must hold the one for the kind of request."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from config.models import ApiToken

if TYPE_CHECKING:  # the settings load this module while DRF loads its views
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """Keys only, never a browser's session: a view declares `required_scopes = {"read": ..., "write": ...}`."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say yes when the key holds the scope. A view without a declaration is closed to everybody."""
        if not isinstance(request.auth, ApiToken):
            return False
        needed = getattr(view, "required_scopes", {}).get("read" if request.method in SAFE_METHODS else "write")
        if needed is None:
            return False
        self.message = f"This key may not do that: it lacks the scope {needed}."
        return needed in request.auth.scopes
