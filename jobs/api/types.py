"""Job types over REST: their rules, and pausing them."""

from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import pauses, registry
from jobs.api.base import Conflict, StrictSerializer
from jobs.models import JobPause

SCOPES = {"read": "jobs:read", "write": "jobs:write"}
CONFLICT = OpenApiResponse(description="It is so already.")


class PauseSerializer(serializers.ModelSerializer[JobPause]):
    """A pause."""

    class Meta:
        model = JobPause
        fields = ["job_type", "paused_at", "paused_by", "reason"]
        read_only_fields = fields


class JobTypeSerializer(serializers.Serializer[Any]):
    """A job type and how the engine treats its jobs. Durations are in seconds; null means no limit."""

    job_type = serializers.CharField()
    is_repeatable = serializers.BooleanField(help_text="False: after a crash a job is left to a person.")
    timeout_seconds = serializers.FloatField(allow_null=True)
    max_retries = serializers.IntegerField()
    max_lateness_seconds = serializers.FloatField(allow_null=True)
    priority = serializers.IntegerField()
    concurrency = serializers.IntegerField(allow_null=True)
    rate_count = serializers.IntegerField(allow_null=True, help_text="So many starts ...")
    rate_seconds = serializers.FloatField(allow_null=True, help_text="... in this time.")
    pause = PauseSerializer(allow_null=True)


class JobTypesSerializer(serializers.Serializer[Any]):
    """All of them."""

    everything = PauseSerializer(allow_null=True, help_text="The pause of everything, if there is one.")
    job_types = JobTypeSerializer(many=True)


class NewPauseSerializer(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=255, default="", allow_blank=True)


class JobTypesView(APIView):
    """The registered types."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=JobTypesSerializer, operation_id="job_types_list")
    def get(self, request: Request) -> Response:
        """List the job types with their rules and pauses."""
        paused = {pause.job_type: pause for pause in pauses.paused()}
        types = [
            {"job_type": name, **registry.find(name).policy.as_json(), "pause": paused.get(name)}
            for name in registry.job_types()
        ]
        found = {"everything": paused.get(pauses.EVERYTHING), "job_types": types}
        return Response(JobTypesSerializer(found).data)


class PauseJobTypeView(APIView):
    """Pausing."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(
        request=NewPauseSerializer, responses={200: PauseSerializer, 409: CONFLICT}, operation_id="job_types_pause"
    )
    def post(self, request: Request, job_type: str) -> Response:
        """Start no more jobs of this type, or, with `*`, of any. 409 when it is paused already."""
        asked = NewPauseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        now: datetime = timezone.now()
        try:
            paused = pauses.pause(job_type, by=str(request.user), reason=asked.validated_data["reason"], now=now)
        except registry.UnknownJobType as error:
            raise NotFound(str(error)) from None
        if not paused:
            raise Conflict(f"{job_type} is paused already.")
        return Response(PauseSerializer(JobPause.objects.get(pk=job_type)).data)


class ResumeJobTypeView(APIView):
    """Resuming."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=None, responses={204: None, 409: CONFLICT}, operation_id="job_types_resume")
    def post(self, request: Request, job_type: str) -> Response:
        """End the pause of this type, or, with `*`, of everything. 409 when it is not paused."""
        if "\x00" in job_type or not pauses.resume(job_type, by=str(request.user)):
            raise Conflict(f"{job_type!r} is not paused.")
        return Response(status=204)
