"""Follow-ups and health over REST: parse, one call, render."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from followups import health, nearby, planning
from followups.api.serializers import (
    FollowUpFilterSerializer,
    FollowUpSerializer,
    HealthSerializer,
    NearbySerializer,
    NewFollowUpSerializer,
    PlanSerializer,
    RescheduleSerializer,
)
from followups.models import FollowUp
from followups.policy import Decision
from jobs.api.base import Conflict, find_or_404

SCOPES = {"read": "followups:read", "write": "followups:write"}
REFUSED = OpenApiResponse(description="The policy refused: `gate` and the reason say why.")
TOO_LATE = OpenApiResponse(description="It is no longer pending.")


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict,
        "gate": decision.gate,
        "reason": decision.reason,
        "until": decision.until and decision.until.isoformat(),
    }


class FollowUpsView(GenericAPIView[FollowUp]):
    """All follow-ups."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES
    keyset = ("scheduled_at", "id")
    queryset = FollowUp.objects.all()
    serializer_class = FollowUpSerializer

    @extend_schema(parameters=[FollowUpFilterSerializer], operation_id="followups_list")
    def get(self, request: Request) -> Response:
        """List follow-ups, the latest due first."""
        asked = FollowUpFilterSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = self.paginate_queryset(self._selected(asked.validated_data)) or []
        return self.get_paginated_response(FollowUpSerializer(page, many=True).data)

    @staticmethod
    def _selected(asked: Mapping[str, Any]) -> QuerySet[FollowUp]:
        columns = {
            "status": "status",
            "trigger": "trigger_type",
            "user_id": "user_id",
            "due_before": "scheduled_at__lt",
        }
        return FollowUp.objects.filter(**{columns[name]: value for name, value in asked.items()})

    @extend_schema(
        request=NewFollowUpSerializer,
        responses={201: PlanSerializer, 200: PlanSerializer, 409: REFUSED},
        operation_id="followups_plan",
    )
    def post(self, request: Request) -> Response:
        """Plan a follow-up: 201; 200 with `created: false` when this occasion is planned already; 409 with `gate`
        when the policy refuses (no consent, for example).
        """
        asked = NewFollowUpSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            plan = planning.plan(**asked.validated_data, now=timezone.now())
        except planning.CannotPlan as error:
            raise ValidationError(str(error), code="cannot_plan") from None
        decision = _decision(plan.decision)
        if plan.follow_up is None:
            error_ = {"code": "refused", "detail": plan.decision.reason, "attr": None}
            return Response({"type": "client_error", "errors": [error_], **decision}, status=409)
        body = {
            "created": plan.created,
            "follow_up": FollowUpSerializer(plan.follow_up).data,
            "reason": plan.reason,
            "decision": decision,
            "nearby": NearbySerializer(nearby.of(plan.follow_up), many=True).data,
        }
        return Response(body, status=201 if plan.created else 200)


class FollowUpView(APIView):
    """One follow-up."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=FollowUpSerializer, operation_id="followups_one")
    def get(self, request: Request, follow_up_id: str) -> Response:
        """Show one follow-up."""
        found = find_or_404(FollowUp.objects.all(), follow_up_id, "follow-up")
        return Response(FollowUpSerializer(found).data)


class CancelFollowUpView(APIView):
    """Cancelling."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=None, responses={200: FollowUpSerializer, 409: TOO_LATE}, operation_id="followups_cancel")
    def post(self, request: Request, follow_up_id: str) -> Response:
        """Cancel a pending follow-up. 409 when it is not pending or its message is already on the wire."""
        found = find_or_404(FollowUp.objects.all(), follow_up_id, "follow-up")
        reason = f"{planning.BY_HAND} the API key {request.auth}"[:255]  # the column's length
        cancelled = planning.cancel_followup(follow_up_id, reason=reason, now=timezone.now())
        found.refresh_from_db()
        if not cancelled:
            state = "its message is already on the wire" if found.status == "pending" else f"it is {found.status}"
            raise Conflict(f"This follow-up cannot be cancelled any more: {state}.")
        return Response(FollowUpSerializer(found).data)


class RescheduleFollowUpView(APIView):
    """Moving to another time."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(
        request=RescheduleSerializer,
        responses={200: FollowUpSerializer, 409: TOO_LATE},
        operation_id="followups_reschedule",
    )
    def post(self, request: Request, follow_up_id: str) -> Response:
        """Move a pending follow-up and its job. 409 when it is not pending, or its message is written already."""
        found = find_or_404(FollowUp.objects.all(), follow_up_id, "follow-up")
        asked = RescheduleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            moved = planning.reschedule_followup(found.pk, **asked.validated_data, now=timezone.now())
        except planning.CannotPlan as error:
            raise ValidationError({"due_at": [str(error)]}) from None
        found.refresh_from_db()
        if not moved:
            state = "its message is written already" if found.status == "pending" else f"it is {found.status}"
            raise Conflict(f"This follow-up cannot be moved any more: {state}.")
        return Response(FollowUpSerializer(found).data)


class HealthView(APIView):
    """The scheduler's health: 200 when it works (healthy or degraded), 503 when it does not."""

    required_scopes: ClassVar[dict[str, str]] = {"read": "jobs:read"}

    @extend_schema(responses={200: HealthSerializer, 503: HealthSerializer}, operation_id="scheduler_health")
    def get(self, request: Request) -> Response:
        """Report the scheduler's health."""
        report = health.health_check(now=timezone.now())
        return Response(report, status=503 if report["status"] == "unhealthy" else 200)

    def handle_exception(self, exc: Exception) -> Response:
        """Say `unhealthy` when the database is away: then not even the key can be checked."""
        if isinstance(exc, OperationalError | InterfaceError):
            body = {"status": "unhealthy", "scheduler_running": False, "error": "The database does not answer."}
            return Response(body, status=503)
        return super().handle_exception(exc)


@extend_schema(exclude=True)
class SeedHealthView(HealthView):
    """The same at the seed documents' address; the schema describes the one under /api/v1/."""
