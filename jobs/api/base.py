"""What the API of every app shares: strict input, named conflicts, rows found by id."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound

M = TypeVar("M", bound=Model)


class Conflict(APIException):
    """The request is well formed, but the state of things forbids it."""

    status_code = 409
    default_code = "conflict"


class AwareDateTimeField(serializers.DateTimeField):
    """An instant. Without an offset from UTC nobody knows which, so such a value is refused, not guessed."""

    def enforce_timezone(self, value: datetime) -> datetime:
        """Refuse naive times; bring the others to UTC."""
        if timezone.is_naive(value):
            raise serializers.ValidationError(
                "Say which time zone is meant: end the time with Z or an offset, like 2027-03-01T09:00:00+01:00.",
                code="naive",
            )
        return super().enforce_timezone(value)

    def default_timezone(self) -> tzinfo | None:
        """Name the project's zone, UTC."""
        return timezone.get_default_timezone()


class StrictSerializer(serializers.Serializer[Any]):
    """Input that must be understood whole: a field nobody knows is an error, not a silent typo."""

    not_fields: ClassVar[frozenset[str]] = frozenset({"cursor", "page_size"})

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields together with whatever else is wrong."""
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields and name not in self.not_fields)
            known = ", ".join(sorted(self.fields)) or "none"
            errors = {name: [f"There is no such field here (there are: {known})."] for name in unknown[:20]}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                errors.update(error.detail)
            raise serializers.ValidationError(errors or error.detail) from None
        if errors:
            raise serializers.ValidationError(errors)
        return value


def find_or_404(rows: QuerySet[M], pk: str, what: str) -> M:
    """Return the row with this text key. Raises NotFound, also for ids that PostgreSQL would not take."""
    found = None if "\x00" in pk else rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no {what} with this id.")
    return found
