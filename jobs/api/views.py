"""Jobs over REST: parse, one call, render."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import enqueue, lifecycle, stats
from jobs.api.base import Conflict, find_or_404
from jobs.api.serializers import (
    JobDetailSerializer,
    JobFilterSerializer,
    JobSerializer,
    NewJobSerializer,
    NewTimeSerializer,
)
from jobs.models import JobStatus, ScheduledJob
from jobs.querysets import JobQuerySet

SCOPES = {"read": "jobs:read", "write": "jobs:write"}
CONFLICT = OpenApiResponse(description="The state of things forbids it; the sentence says why.")


class JobsView(GenericAPIView[ScheduledJob]):
    """All jobs."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES
    keyset = ("scheduled_time", "job_id")
    queryset = ScheduledJob.objects.all()
    serializer_class = JobSerializer

    @extend_schema(parameters=[JobFilterSerializer], operation_id="jobs_list")
    def get(self, request: Request) -> Response:
        """List jobs, the latest due first."""
        asked = JobFilterSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = self.paginate_queryset(self._selected(**asked.validated_data)) or []
        return self.get_paginated_response(JobSerializer(page, many=True).data)

    @staticmethod
    def _selected(**asked: Any) -> JobQuerySet:
        rows: JobQuerySet = ScheduledJob.objects.all()
        before = asked.pop("due_before", None)
        if before is not None:
            rows = rows.due_before(before, only_pending=asked.get("status") == JobStatus.PENDING)
        return rows.filter(**asked)

    @extend_schema(
        request=NewJobSerializer, responses={201: JobSerializer, 409: CONFLICT}, operation_id="jobs_schedule"
    )
    def post(self, request: Request) -> Response:
        """Schedule a job. 409 with `existing_job_id` when a live job holds the unique key."""
        asked = NewJobSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        lateness = values.pop("max_lateness_seconds")
        try:
            job = enqueue.schedule_job(
                values.pop("job_type"),
                values.pop("scheduled_time"),
                values.pop("payload"),
                max_lateness=None if lateness is None else timedelta(seconds=lateness),
                **values,
            )
        except enqueue.UniqueKeyTaken as taken:
            error = {"code": "unique_key_taken", "detail": str(taken), "attr": "unique_key"}
            body = {"type": "client_error", "errors": [error], "existing_job_id": taken.existing.job_id}
            return Response(body, status=409)
        except enqueue.InvalidJob as error:
            field = {"max_lateness": "max_lateness_seconds"}.get(error.field, error.field)
            raise ValidationError({field: [str(error)]}) from None
        return Response(JobSerializer(job).data, status=201)


def _shown(job_id: str) -> Response:
    report = None if "\x00" in job_id else stats.job_status(job_id)
    if report is None:
        find_or_404(ScheduledJob.objects.all(), job_id, "job")
        raise Conflict("The job has just been deleted.")
    body = JobSerializer(report.job).data
    body["attempts"] = JobDetailSerializer().fields["attempts"].to_representation(report.attempts)
    return Response(body)


class JobView(APIView):
    """One job."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=JobDetailSerializer, operation_id="jobs_one")
    def get(self, request: Request, job_id: str) -> Response:
        """Show one job with its attempts."""
        return _shown(job_id)


class JobTransitionView(APIView):
    """Something done to one job: one conditional statement decides whether its state allows it."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES
    change: ClassVar[Callable[..., bool]]
    needed: ClassVar[str]

    def _apply(self, job_id: str, *arguments: object) -> Response:
        job = find_or_404(ScheduledJob.objects.all(), job_id, "job")
        if not type(self).change(job_id, *arguments, now=timezone.now()):
            job.refresh_from_db(fields=["status"])
            raise Conflict(f"Only a {self.needed} job can be changed like this; this one is {job.status}.")
        return _shown(job_id)


class CancelJobView(JobTransitionView):
    """Cancelling."""

    change = staticmethod(lifecycle.cancel_job)
    needed = "pending"

    @extend_schema(request=None, responses={200: JobDetailSerializer, 409: CONFLICT}, operation_id="jobs_cancel")
    def post(self, request: Request, job_id: str) -> Response:
        """Cancel a pending job. 409 in any other state."""
        return self._apply(job_id)


class RetryJobView(JobTransitionView):
    """Retrying."""

    change = staticmethod(lifecycle.retry_job)
    needed = "failed, expired or unknown"

    @extend_schema(request=None, responses={200: JobDetailSerializer, 409: CONFLICT}, operation_id="jobs_retry")
    def post(self, request: Request, job_id: str) -> Response:
        """Make a failed, expired or unknown job pending again, due now. 409 in any other state."""
        return self._apply(job_id)


class RunJobView(JobTransitionView):
    """Running at once."""

    change = staticmethod(lifecycle.run_now)
    needed = "pending"

    @extend_schema(request=None, responses={200: JobDetailSerializer, 409: CONFLICT}, operation_id="jobs_run")
    def post(self, request: Request, job_id: str) -> Response:
        """Make a pending job due now. 409 in any other state."""
        return self._apply(job_id)


class RescheduleJobView(JobTransitionView):
    """Moving to another time."""

    change = staticmethod(lifecycle.reschedule_job)
    needed = "pending"

    @extend_schema(
        request=NewTimeSerializer, responses={200: JobDetailSerializer, 409: CONFLICT}, operation_id="jobs_reschedule"
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Move a pending job to another time. 409 in any other state."""
        asked = NewTimeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            return self._apply(job_id, asked.validated_data["scheduled_time"])
        except enqueue.InvalidJob as error:
            raise ValidationError({error.field: [str(error)]}) from None
