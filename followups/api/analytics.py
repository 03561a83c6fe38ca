"""What follow-ups achieve, and the campaigns, over REST: parse, one call, render."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from followups import campaigns
from followups.analytics import hours, overview, rates
from followups.analytics.rates import By
from followups.api.views import SCOPES
from followups.models import Campaign, Trigger, UserProfile
from jobs.api.base import AwareDateTimeField, Conflict, StrictSerializer, find_or_404
from jobs.figures import Span

DEFAULT_SPAN = timedelta(days=30)
CONFLICT = OpenApiResponse(description="It is so already.")


@extend_schema_field(OpenApiTypes.DOUBLE)
class SecondsField(serializers.Field[Any, Any, float, Any]):
    """A length of time, in seconds."""

    def to_representation(self, value: timedelta) -> float:
        """Say it in seconds."""
        return value.total_seconds()


class IntervalSerializer(serializers.Serializer[object]):
    """Where the true value lies, by all likelihood (95 percent)."""

    low = serializers.FloatField()
    high = serializers.FloatField()


class RateSerializer(serializers.Serializer[object]):
    """What came of a group of follow-ups. All but `sent` and what is too young is of those old enough to judge."""

    key = serializers.CharField(allow_blank=True, help_text="What they have in common; empty: not known, or all.")
    name = serializers.CharField(source="label", help_text="The same for people.")
    sent = serializers.IntegerField()
    too_young = serializers.IntegerField(source="young", help_text="So new that answers may still come: not judged.")
    answered_so_far = serializers.IntegerField(source="young_answered", help_text="Of those too young.")
    judged = serializers.IntegerField(source="answered.of", help_text="Old enough to judge.")
    answered = serializers.IntegerField(source="answered.hits")
    response_rate = serializers.FloatField(source="answered.value", allow_null=True, help_text="0 to 1.")
    interval = IntervalSerializer(source="answered.interval", allow_null=True)
    average_seconds = SecondsField(source="average", allow_null=True, help_text="From sending to the answer.")
    median_seconds = SecondsField(source="quartiles.median", allow_null=True)
    first_quartile_seconds = SecondsField(source="quartiles.low", allow_null=True)
    third_quartile_seconds = SecondsField(source="quartiles.high", allow_null=True)
    reacted = serializers.IntegerField(source="reacted.hits")
    returned = serializers.IntegerField(source="returned.hits", help_text="Members who then wrote anywhere.")
    harmed = serializers.IntegerField(
        source="harmed.hits", help_text="Opted out, blocked, left or answered unhappily within 24 hours."
    )
    harm_rate = serializers.FloatField(source="harmed.value", allow_null=True)
    in_words = serializers.CharField()


class ResultsSerializer(serializers.Serializer[object]):
    """The figures of a span."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by = serializers.CharField()
    total = RateSerializer()
    groups = RateSerializer(many=True, help_text=f"The largest first, at most {rates.MOST_GROUPS}.")


class LiftSerializer(serializers.Serializer[object]):
    """Who came back with a message, and who without one."""

    contacted = serializers.IntegerField(source="contacted.of")
    contacted_returned = serializers.IntegerField(source="contacted.hits")
    held_out = serializers.IntegerField(source="held_out.of")
    held_out_returned = serializers.IntegerField(source="held_out.hits")
    difference = serializers.FloatField(allow_null=True, help_text="Of the two shares; null while too little is known.")
    interval = IntervalSerializer(allow_null=True)
    in_words = serializers.CharField()


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    """What is set for all follow-ups of one trigger."""

    trigger = serializers.CharField(source="trigger_type", read_only=True)

    class Meta:
        model = Campaign
        fields = ["trigger", "paused_at", "paused_by", "pause_reason", "judged_from", "holdout_percent"]
        read_only_fields = fields


class CampaignResultSerializer(serializers.Serializer[object]):
    """A campaign, and what it achieved in the last 30 days."""

    campaign = CampaignSerializer()
    results = RateSerializer(source="rate")
    lift = LiftSerializer(allow_null=True, help_text="Null where nobody is ever held out.")


class AskedSerializer(StrictSerializer):
    """Which figures."""

    since = AwareDateTimeField(required=False, help_text="By default 30 days before `until`.")
    until = AwareDateTimeField(required=False, help_text="By default now.")
    by = serializers.ChoiceField(choices=[by.value for by in By], default=By.TRIGGER.value)
    user_id = serializers.CharField(max_length=255, required=False, help_text="Only those to this member.")


class CampaignPauseSerializer(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=campaigns.LONGEST_REASON, help_text="Why it is paused.")


class HoldoutSerializer(StrictSerializer):
    """How many are held out."""

    holdout_percent = serializers.IntegerField(
        allow_null=True, min_value=0, max_value=campaigns.MOST_HELD_OUT, help_text="Null: as the settings say."
    )


class FollowUpAnalyticsView(APIView):
    """The figures."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(parameters=[AskedSerializer], responses=ResultsSerializer, operation_id="analytics_followups")
    def get(self, request: Request) -> Response:
        """Show how many follow-ups of a span were answered, how fast, and what else they did, by group."""
        asked = AskedSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        now = timezone.now()
        over, by = _span(asked.validated_data, now=now), By(asked.validated_data["by"])
        user_id = asked.validated_data.get("user_id", "")
        if user_id:
            find_or_404(UserProfile.objects.all(), user_id, "member")
        body = {
            "since": over.since,
            "until": over.until,
            "by": by.value,
            "total": rates.overall(over, user_id=user_id, now=now),
            "groups": rates.grouped(over, by, user_id=user_id, now=now),
        }
        return Response(ResultsSerializer(body).data)


class BestHourSerializer(serializers.Serializer[object]):
    """An hour of the day."""

    hour = serializers.IntegerField(allow_null=True, help_text="0 to 23; null while too little is known.")
    in_words = serializers.CharField()


class BestHourView(APIView):
    """When a member is about."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=BestHourSerializer, operation_id="analytics_member_best_hour")
    def get(self, request: Request, user_id: str) -> Response:
        """Show the hour of the member's own day at which they write most."""
        member = find_or_404(UserProfile.objects.select_related("account"), user_id, "member")
        best = hours.of_member(member, now=timezone.now())
        found = {"hour": None, "in_words": "Too little is known."} if best is None else best
        return Response(BestHourSerializer(found).data)


class CampaignsView(APIView):
    """The campaigns."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=CampaignResultSerializer(many=True), operation_id="campaigns_list")
    def get(self, request: Request) -> Response:
        """List the campaigns with their state, and what they achieved in the last 30 days."""
        now = timezone.now()
        results = overview.of_campaigns(Span(now - DEFAULT_SPAN, now), now=now)
        return Response(CampaignResultSerializer(results, many=True).data)


class CampaignView(APIView):
    """One campaign."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=HoldoutSerializer, responses=CampaignSerializer, operation_id="campaigns_set_holdout")
    def patch(self, request: Request, trigger: str) -> Response:
        """Keep so many percent of the members without these messages, to measure what those do."""
        asked = HoldoutSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        _known(trigger)
        percent = asked.validated_data["holdout_percent"]
        try:
            campaigns.set_holdout(trigger, percent, by=str(request.auth), now=timezone.now())
        except campaigns.CannotHoldOut as error:
            raise ValidationError({"holdout_percent": [str(error)]}) from None
        return _shown(trigger)


class PauseCampaignView(APIView):
    """Pausing."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(
        request=CampaignPauseSerializer,
        responses={200: CampaignSerializer, 409: CONFLICT},
        operation_id="campaigns_pause",
    )
    def post(self, request: Request, trigger: str) -> Response:
        """Send nothing of this trigger until somebody resumes it. 409 when it is paused already."""
        asked = CampaignPauseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        _known(trigger)
        reason = asked.validated_data["reason"]
        if not campaigns.pause(trigger, by=str(request.auth), reason=reason, now=timezone.now()):
            raise Conflict(f"{trigger} is paused already.")
        return _shown(trigger)


class ResumeCampaignView(APIView):
    """Resuming."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=None, responses={200: CampaignSerializer, 409: CONFLICT}, operation_id="campaigns_resume")
    def post(self, request: Request, trigger: str) -> Response:
        """Send it again; harm it did before no longer counts. 409 when it is not paused."""
        _known(trigger)
        if not campaigns.resume(trigger, by=str(request.auth), now=timezone.now()):
            raise Conflict(f"{trigger} is not paused.")
        return _shown(trigger)


def _known(trigger: str) -> None:
    if trigger not in set(Trigger):
        raise NotFound(f"There is no campaign {trigger!r}; there are: {', '.join(Trigger.values)}.")


def _shown(trigger: str) -> Response:
    return Response(CampaignSerializer(Campaign.objects.get(pk=trigger)).data)


def _span(asked: dict[str, Any], *, now: datetime) -> Span:
    try:
        until = asked.get("until", now)
        return rates.span(asked.get("since", until - DEFAULT_SPAN), until)
    except rates.BadSpan as error:
        raise ValidationError({"since": [str(error)]}) from None
    except OverflowError:
        raise ValidationError({"until": ["There is no time 30 days before."]}) from None
