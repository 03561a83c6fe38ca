"""Pages by position, not by number: stable while rows come and go, and as cheap on page 10,000 as on the first."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

if TYPE_CHECKING:  # the settings load this module while DRF loads its views
    from rest_framework.views import APIView


class KeysetPagination(BasePagination):
    """Newest first by the view's `keyset` (a time column and the primary key, each in descending order).

    DRF's own CursorPagination counts rows of equal time by an offset that it caps at 1,000: ten thousand jobs due
    at the same second would make it serve the same page for ever.
    """

    page_size = 50
    largest_page = 500
    next_link: str | None = None

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: "APIView | None" = None
    ) -> list[Any] | None:
        """Return one page, and remember the address of the next."""
        time, key = view.keyset  # type: ignore[union-attr]
        size = self._page_size(request)
        if position := request.query_params.get("cursor"):
            at, pk = self._decode(position, type(queryset.model._meta.pk.to_python("1")))  # noqa: SLF001
            queryset = queryset.filter(
                Q(**{f"{time}__lt": at}) | Q(**{time: at, f"{key}__lt": pk}), **{f"{time}__lte": at}
            )
        rows = list(queryset.order_by(f"-{time}", f"-{key}")[: size + 1])
        if len(rows) > size:
            rows = rows[:size]
            self.next_link = replace_query_param(
                request.build_absolute_uri(), "cursor", self._encode(rows[-1], time, key)
            )
        return rows

    def _page_size(self, request: Request) -> int:
        asked = request.query_params.get("page_size")
        if asked is None:
            return self.page_size
        if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked[:9]) <= self.largest_page:
            raise ValidationError({"page_size": [f"Write a whole number from 1 to {self.largest_page}."]})
        return int(asked)

    @staticmethod
    def _encode(row: Model, time: str, key: str) -> str:
        position = json.dumps([getattr(row, time).isoformat(), getattr(row, key)])
        return base64.urlsafe_b64encode(position.encode()).decode()

    @staticmethod
    def _decode(position: str, key_type: type) -> tuple[datetime, Any]:
        try:
            at, pk = json.loads(base64.urlsafe_b64decode(position.encode()))
            moment = parse_datetime(at)
            if moment is None or moment.tzinfo is None or type(pk) is not key_type or "\x00" in str(pk):
                raise ValueError("not one of ours")
            str(pk).encode()
            moment = moment.astimezone(UTC)  # PostgreSQL knows fewer offsets than Python
        except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
            raise ValidationError({"cursor": ["This is not a cursor of ours: take it from `next`."]}) from None
        return moment, pk

    def get_paginated_response(self, data: Any) -> Response:
        """Wrap one page."""
        return Response({"next": self.next_link, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page."""
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": "string",
                    "nullable": True,
                    "format": "uri",
                    "description": "Address of the next page; null on the last.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        """Describe the query parameters."""
        return [
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "Where to go on; part of `next`.",
            },
            {
                "name": "page_size",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": self.largest_page, "default": self.page_size},
                "description": "Rows on a page.",
            },
        ]
