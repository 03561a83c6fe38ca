"""Jobs as the API takes and shows them."""

from datetime import timedelta

from rest_framework import serializers

from jobs import stats
from jobs.api.base import AwareDateTimeField, StrictSerializer
from jobs.models import JobExecution, JobStatus, ScheduledJob
from jobs.policies import HIGHEST_PRIORITY, LOWEST_PRIORITY, MOST_RETRIES

TEN_YEARS = int(timedelta(days=3650).total_seconds())


class AttemptSerializer(serializers.ModelSerializer[JobExecution]):
    """One attempt."""

    class Meta:
        model = JobExecution
        fields = ["attempt", "execution_time", "duration_ms", "status", "error_message", "worker"]
        read_only_fields = fields


class JobSerializer(serializers.ModelSerializer[ScheduledJob]):
    """One job, without its attempts."""

    payload = serializers.JSONField(read_only=True)

    class Meta:
        model = ScheduledJob
        fields = [name for name in stats.SHOWN if name != "worker"]
        read_only_fields = fields


class JobDetailSerializer(JobSerializer):
    """One job with its attempts, oldest first."""

    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "attempts"]
        read_only_fields = fields


class NewJobSerializer(StrictSerializer):
    """What it takes to schedule a job."""

    job_type = serializers.CharField(max_length=100, help_text="One of the registered types.")
    scheduled_time = AwareDateTimeField(help_text="When it is due, with its offset from UTC.")
    payload = serializers.DictField(default=dict, help_text="The handler's input.")
    max_retries = serializers.IntegerField(
        default=None,
        allow_null=True,
        min_value=0,
        max_value=MOST_RETRIES,
        help_text="Null: as the type has it, usually 3.",
    )
    unique_key = serializers.CharField(
        max_length=255, default=None, allow_null=True, help_text="No second live job may have the same key."
    )
    priority = serializers.IntegerField(
        default=None,
        allow_null=True,
        min_value=LOWEST_PRIORITY,
        max_value=HIGHEST_PRIORITY,
        help_text="Null: as the type has it, usually 0.",
    )
    max_lateness_seconds = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=TEN_YEARS, help_text="Not started by then: it expires."
    )


class NewTimeSerializer(StrictSerializer):
    """When a job is to run instead."""

    scheduled_time = AwareDateTimeField(help_text="When it is due, with its offset from UTC.")


class JobFilterSerializer(StrictSerializer):
    """Which jobs to list."""

    status = serializers.ChoiceField(choices=JobStatus.choices, required=False)
    job_type = serializers.CharField(max_length=100, required=False)
    due_before = AwareDateTimeField(required=False, help_text="Next attempt due before this time.")
