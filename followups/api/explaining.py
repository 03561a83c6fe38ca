"""Why and what if, over REST: the policy's answers, its ledger, and the forecast."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from followups import simulation, whatif, why
from followups.api.serializers import DecisionSerializer, FollowUpSerializer
from followups.models import ConsentState, PolicyDecision, Trigger, UserProfile
from followups.policy import Gate, Verdict
from followups.simulation import Forecast
from jobs.api.base import AwareDateTimeField, StrictSerializer, find_or_404

READ = {"read": "followups:read", "write": "followups:read"}
MOST_STEPS = 1_000


class LedgerSerializer(serializers.ModelSerializer[PolicyDecision]):
    """One answer of the policy, as it was given."""

    trigger = serializers.CharField(source="trigger_type", read_only=True)
    inputs = serializers.DictField(read_only=True, help_text="The facts that the gate saw.")

    class Meta:
        model = PolicyDecision
        fields = [
            "id",
            "decided_at",
            "user_id",
            "follow_up_id",
            "trigger",
            "asked_by",
            "verdict",
            "gate",
            "reason",
            "held_until",
            "inputs",
        ]
        read_only_fields = fields


class LedgerFilterSerializer(StrictSerializer):
    """Which answers to list."""

    user_id = serializers.CharField(max_length=255, required=False)
    follow_up_id = serializers.CharField(max_length=255, required=False)
    verdict = serializers.ChoiceField(choices=[(verdict.value, verdict.value) for verdict in Verdict], required=False)
    gate = serializers.ChoiceField(choices=[(gate.value, gate.value) for gate in Gate], required=False)
    since = AwareDateTimeField(required=False)


class WhySerializer(serializers.Serializer[object]):
    """Why a member would, or would not, get each kind of follow-up."""

    user_id = serializers.CharField()
    consent = serializers.ChoiceField(choices=ConsentState.choices, allow_null=True, help_text="Null: never asked.")
    topics = serializers.ListField(child=serializers.CharField())
    answers = serializers.DictField(child=DecisionSerializer(), help_text="By trigger: if one were due now.")
    planned = FollowUpSerializer(many=True)
    decisions = LedgerSerializer(many=True, help_text="The newest ones.")


class SimulationSerializer(StrictSerializer):
    """What to forecast."""

    days = serializers.IntegerField(min_value=1, max_value=simulation.LONGEST.days, default=30)
    user_id = serializers.CharField(max_length=255, default="", allow_blank=True, help_text="Only this member.")
    changes = serializers.DictField(
        child=serializers.JSONField(),
        default=dict,
        help_text="Settings to compare with, by their names in the environment.",
    )
    steps = serializers.IntegerField(min_value=0, max_value=MOST_STEPS, default=100, help_text="Single answers.")


class StepSerializer(serializers.Serializer[object]):
    """One answer on the way."""

    at = serializers.DateTimeField()
    user_id = serializers.CharField()
    trigger = serializers.ChoiceField(choices=Trigger.choices)
    decision = DecisionSerializer()


class ForecastSerializer(serializers.Serializer[object]):
    """What would happen under one set of settings."""

    changes = serializers.DictField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    members = serializers.IntegerField(help_text="Looked at: those who opted in.")
    messages = serializers.IntegerField()
    by_trigger = serializers.DictField(child=serializers.IntegerField())
    by_day = serializers.DictField(child=serializers.IntegerField(), help_text="By date in UTC.")
    held = serializers.DictField(child=serializers.IntegerField(), help_text="By gate: held at least once.")
    dropped = serializers.DictField(child=serializers.IntegerField(), help_text="By gate.")
    waiting = serializers.IntegerField(help_text="Still held at the end.")
    steps = StepSerializer(many=True)


class WhyView(APIView):
    """Why a member gets a message or not."""

    required_scopes: ClassVar[dict[str, str]] = READ

    @extend_schema(responses=WhySerializer, operation_id="members_why")
    def get(self, request: Request, user_id: str) -> Response:
        """Say what the policy would answer now for each trigger, what is planned, and what was decided lately."""
        find_or_404(UserProfile.objects.all(), user_id, "member")
        found = why.explain(user_id, now=timezone.now())
        body = {
            "user_id": user_id,
            "consent": found.receipt.state if found.receipt else None,
            "topics": found.profile.topics,
            "answers": {trigger: asdict(decision) for trigger, decision in found.answers.items()},
            "planned": found.planned,
            "decisions": found.decisions,
        }
        return Response(WhySerializer(body).data)


class LedgerView(GenericAPIView[PolicyDecision]):
    """The ledger of decisions."""

    required_scopes: ClassVar[dict[str, str]] = READ
    keyset = ("decided_at", "id")
    queryset = PolicyDecision.objects.all()
    serializer_class = LedgerSerializer

    @extend_schema(parameters=[LedgerFilterSerializer], operation_id="decisions_list")
    def get(self, request: Request) -> Response:
        """List the policy's answers, the newest first."""
        asked = LedgerFilterSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = self.paginate_queryset(self._selected(asked.validated_data)) or []
        return self.get_paginated_response(LedgerSerializer(page, many=True).data)

    @staticmethod
    def _selected(asked: Mapping[str, Any]) -> QuerySet[PolicyDecision]:
        return PolicyDecision.objects.filter(
            **{"decided_at__gte" if name == "since" else name: value for name, value in asked.items()}
        )


class SimulationView(APIView):
    """The forecast."""

    required_scopes: ClassVar[dict[str, str]] = READ

    @extend_schema(
        request=SimulationSerializer, responses=ForecastSerializer(many=True), operation_id="followups_simulate"
    )
    def post(self, request: Request) -> Response:
        """Forecast the coming days: as things are and, with `changes`, as they would be. Sends and writes nothing."""
        asked = SimulationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        policies = [{}, values["changes"]] if values["changes"] else [{}]
        try:
            forecasts = simulation.simulate(
                now=timezone.now(),
                days=values["days"],
                member=values["user_id"],
                changes=policies,
                most_steps=values["steps"],
            )
        except whatif.BadSetting as error:
            raise ValidationError({"changes": [str(error)]}) from None
        except simulation.CannotSimulate as error:
            raise ValidationError({"user_id": [str(error)]}) from None
        rows = [_forecast(change, forecast) for change, forecast in zip(policies, forecasts, strict=True)]
        return Response(ForecastSerializer(rows, many=True).data)


def _forecast(changes: Mapping[str, Any], forecast: Forecast) -> dict[str, Any]:
    return {
        **{name: getattr(forecast, name) for name in ("since", "until", "members", "held", "dropped", "waiting")},
        "changes": changes,
        "messages": forecast.total,
        "by_trigger": forecast.by_trigger(),
        "by_day": {day.isoformat(): number for day, number in sorted(forecast.by_day().items())},
        "steps": [{**asdict(step), "decision": asdict(step.decision)} for step in forecast.steps],
    }
