"""Booked events over REST: parse, one call, render."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from followups import events
from followups.api.serializers import FollowUpSerializer
from followups.events import Booked, BookingCancelled, BookingExists
from followups.models import Booking, BookingStatus
from followups.planning import CannotPlan
from jobs.api.base import AwareDateTimeField, Conflict, StrictSerializer, find_or_404

SCOPES = {"read": "followups:read", "write": "followups:write"}
EXISTS = OpenApiResponse(description="A live booking has this `booking_id`: `event` is it.")
CANCELLED = OpenApiResponse(description="The booking is cancelled.")


class EventSerializer(serializers.ModelSerializer[Booking]):
    """One booked event."""

    user_id = serializers.CharField(read_only=True)
    follow_up_delay_hours = serializers.SerializerMethodField()

    class Meta:
        model = Booking
        fields = [
            "id",
            "booking_id",
            "user_id",
            "name",
            "event_at",
            "follow_up_delay_hours",
            "conversation_id",
            "status",
            "follow_up_id",
            "created_at",
            "updated_at",
            "cancelled_at",
        ]
        read_only_fields = fields

    def get_follow_up_delay_hours(self, booking: Booking) -> float:
        """How long after the event we check back."""
        return booking.follow_up_delay / timedelta(hours=1)


class BookedSerializer(serializers.Serializer[object]):
    """The event, and what became of its follow-up."""

    event = EventSerializer()
    follow_up = FollowUpSerializer(allow_null=True, help_text="Its own, or the one of an event nearby.")
    is_planned = serializers.BooleanField(help_text="This request planned or moved the follow-up.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it did not.")


class CalledOffSerializer(serializers.Serializer[object]):
    """The cancelled event, and what that changed."""

    event = EventSerializer()
    changed = serializers.BooleanField(help_text="False: it was cancelled before.")
    stopped_follow_up = serializers.BooleanField()
    followed = BookedSerializer(many=True, help_text="Events nearby that now have a follow-up of their own.")


class NewEventSerializer(StrictSerializer):
    """What it takes to note a booking."""

    user_id = serializers.CharField(max_length=255, help_text="The member.")
    event_at = AwareDateTimeField(help_text="When it takes place; of the past, too.")
    name = serializers.CharField(max_length=255, default="", allow_blank=True, help_text="The event, in words.")
    booking_id = serializers.CharField(
        max_length=255, default="", allow_blank=True, help_text="Your own id; one live booking has it."
    )
    conversation_id = serializers.CharField(max_length=255, default="", allow_blank=True)
    follow_up_delay_hours = serializers.FloatField(
        required=False, min_value=0, max_value=8760, help_text="More than 0; by default FOLLOWUP_DELAY_HOURS."
    )

    def to_internal_value(self, data: Any) -> Any:
        """Bring the hours to a duration."""
        value = super().to_internal_value(data)
        if "follow_up_delay_hours" in value:
            value["delay"] = timedelta(hours=value.pop("follow_up_delay_hours"))
        return value


class ChangeEventSerializer(StrictSerializer):
    """What to change."""

    event_at = AwareDateTimeField(required=False)
    name = serializers.CharField(max_length=255, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Give event_at, name, or both.")
        return attrs


class EventFilterSerializer(StrictSerializer):
    """Which events to list."""

    user_id = serializers.CharField(max_length=255, required=False)
    booking_id = serializers.CharField(max_length=255, required=False)
    status = serializers.ChoiceField(choices=BookingStatus.choices, required=False)
    before = AwareDateTimeField(required=False)
    since = AwareDateTimeField(required=False)


def _shown(booked: Booked) -> dict[str, Any]:
    follow_up = None if booked.follow_up is None else FollowUpSerializer(booked.follow_up).data
    return {
        "event": EventSerializer(booked.booking).data,
        "follow_up": follow_up,
        "is_planned": booked.is_planned,
        "reason": booked.reason,
    }


class EventsView(GenericAPIView[Booking]):
    """All booked events."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES
    keyset = ("event_at", "id")
    queryset = Booking.objects.all()
    serializer_class = EventSerializer

    @extend_schema(parameters=[EventFilterSerializer], operation_id="events_list")
    def get(self, request: Request) -> Response:
        """List events, the latest first."""
        asked = EventFilterSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = self.paginate_queryset(self._selected(asked.validated_data)) or []
        return self.get_paginated_response(EventSerializer(page, many=True).data)

    @staticmethod
    def _selected(asked: Mapping[str, Any]) -> QuerySet[Booking]:
        columns = {"before": "event_at__lt", "since": "event_at__gte"}
        return Booking.objects.filter(**{columns.get(name, name): value for name, value in asked.items()})

    @extend_schema(
        request=NewEventSerializer, responses={201: BookedSerializer, 409: EXISTS}, operation_id="events_book"
    )
    def post(self, request: Request) -> Response:
        """Note a booking and plan its follow-up. `reason` says why there is none, or none of its own; the booking is
        stored all the same. 409 when a live booking has the same `booking_id`.
        """
        asked = NewEventSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            booked = events.book(**asked.validated_data, now=timezone.now())
        except BookingExists as error:
            error_ = {"code": "booking_exists", "detail": str(error), "attr": "booking_id"}
            shown = EventSerializer(error.existing).data
            return Response({"type": "client_error", "errors": [error_], "event": shown}, status=409)
        except CannotPlan as error:
            raise ValidationError(str(error), code="cannot_book") from None
        return Response(_shown(booked), status=201)


class EventView(APIView):
    """One event."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=EventSerializer, operation_id="events_one")
    def get(self, request: Request, event_id: int) -> Response:
        """Show one event."""
        return Response(EventSerializer(find_or_404(Booking.objects.all(), str(event_id), "event")).data)

    @extend_schema(
        request=ChangeEventSerializer, responses={200: BookedSerializer, 409: CANCELLED}, operation_id="events_change"
    )
    def patch(self, request: Request, event_id: int) -> Response:
        """Move or rename an event, with its follow-up. 409 when it is cancelled."""
        found = find_or_404(Booking.objects.all(), str(event_id), "event")
        asked = ChangeEventSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            return Response(_shown(events.change(found.pk, **asked.validated_data, now=timezone.now())))
        except BookingCancelled as error:
            raise Conflict(str(error)) from None
        except CannotPlan as error:
            raise ValidationError(str(error), code="cannot_move") from None


class CancelEventView(APIView):
    """Cancelling."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=None, responses={200: CalledOffSerializer}, operation_id="events_cancel")
    def post(self, request: Request, event_id: int) -> Response:
        """Cancel an event with its follow-up. Cancelling twice changes nothing."""
        found = find_or_404(Booking.objects.all(), str(event_id), "event")
        done = events.cancel(found.pk, now=timezone.now())
        done.booking.refresh_from_db()
        body = {
            "event": EventSerializer(done.booking).data,
            "changed": done.changed,
            "stopped_follow_up": done.stopped_follow_up,
            "followed": [_shown(booked) for booked in done.followed],
        }
        return Response(body)
