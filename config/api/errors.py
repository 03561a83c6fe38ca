"""Errors as the API tells them: one shape for all (`type`, `errors` with `code`, `detail`, `attr`)."""

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import APIException


class DatabaseDown(APIException):
    """PostgreSQL does not answer."""

    status_code = 503
    default_detail = "The database does not answer. Try again later."
    default_code = "database_unavailable"


class Handler(ExceptionHandler):
    """A database that is away is a 503, which a program may try again, not a 500."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Name the exceptions that are not DRF's own."""
        if isinstance(exc, OperationalError | InterfaceError):
            return DatabaseDown()
        return super().convert_known_exceptions(exc)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address: JSON under /api/, a page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.page_not_found(request, exception)
    error = {"code": "not_found", "detail": "There is nothing at this address.", "attr": None}
    return JsonResponse({"type": "client_error", "errors": [error]}, status=404)
