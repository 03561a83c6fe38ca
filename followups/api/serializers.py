"""Follow-ups and health as the API takes and shows them."""

from rest_framework import serializers

from followups.models import FollowUp, FollowUpStatus, Trigger
from jobs.api.base import AwareDateTimeField, StrictSerializer


class FollowUpSerializer(serializers.ModelSerializer[FollowUp]):
    """One follow-up."""

    user_id = serializers.CharField(read_only=True)
    trigger = serializers.CharField(source="trigger_type", read_only=True)
    trigger_data = serializers.DictField(read_only=True)

    class Meta:
        model = FollowUp
        fields = [
            "id",
            "user_id",
            "trigger",
            "trigger_data",
            "status",
            "reason",
            "scheduled_at",
            "event_at",
            "created_at",
            "executed_at",
            "cancelled_at",
            "error_message",
            "retry_count",
            "job_id",
            "message_content",
        ]
        read_only_fields = fields


class DecisionSerializer(serializers.Serializer[object]):
    """What the policy says."""

    verdict = serializers.CharField()
    gate = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(allow_null=True)


class NearbySerializer(serializers.ModelSerializer[FollowUp]):
    """Another follow-up that the member gets about that time, or got."""

    trigger = serializers.CharField(source="trigger_type", read_only=True)

    class Meta:
        model = FollowUp
        fields = ["id", "trigger", "status", "scheduled_at"]
        read_only_fields = fields


class PlanSerializer(serializers.Serializer[object]):
    """What planning came to."""

    created = serializers.BooleanField(help_text="False: this occasion was planned already.")
    reason = serializers.CharField(allow_blank=True, help_text="Why nothing new was created.")
    follow_up = FollowUpSerializer()
    decision = DecisionSerializer()
    nearby = NearbySerializer(
        many=True, help_text="A warning: others within a week, or within 30 days with the same words; five at most."
    )


class NewFollowUpSerializer(StrictSerializer):
    """What it takes to plan a follow-up."""

    user_id = serializers.CharField(max_length=255, help_text="The member.")
    trigger = serializers.ChoiceField(choices=Trigger.choices)
    due_at = AwareDateTimeField(required=False, help_text="By default now plus the trigger's own delay.")
    occasion = serializers.CharField(
        max_length=255, default="", allow_blank=True, help_text="One follow-up per member, trigger and occasion."
    )
    trigger_data = serializers.DictField(default=dict)


class FollowUpFilterSerializer(StrictSerializer):
    """Which follow-ups to list."""

    status = serializers.ChoiceField(choices=FollowUpStatus.choices, required=False)
    trigger = serializers.ChoiceField(choices=Trigger.choices, required=False)
    user_id = serializers.CharField(max_length=255, required=False)
    due_before = AwareDateTimeField(required=False)


class RescheduleSerializer(StrictSerializer):
    """When instead."""

    due_at = AwareDateTimeField(help_text="At most a day ago, which means now, and at most 366 days ahead.")


class CheckSerializer(serializers.Serializer[object]):
    """What one check of the check-up found last."""

    status = serializers.ChoiceField(choices=["ok", "degraded", "failed"])
    detail = serializers.CharField(help_text="One sentence.")
    numbers = serializers.DictField(help_text="The figures behind it, by name.")
    since = serializers.DateTimeField(help_text="Since when it finds this status.")
    checked_at = serializers.DateTimeField()
    is_fresh = serializers.BooleanField(help_text="False: it was found too long ago to say anything about now.")
    duration_ms = serializers.IntegerField()


class HealthSerializer(serializers.Serializer[object]):
    """The scheduler's health."""

    status = serializers.ChoiceField(choices=["healthy", "degraded", "unhealthy"])
    scheduler_running = serializers.BooleanField()
    pending_jobs = serializers.IntegerField()
    pending_followups = serializers.IntegerField()
    executed_today = serializers.IntegerField()
    apscheduler_jobs = serializers.IntegerField(help_text="Jobs due in the future (the seed's name).")
    background_tasks_active = serializers.IntegerField(help_text="Jobs at work now (the seed's name).")
    overdue_jobs = serializers.IntegerField()
    failed_last_hour = serializers.IntegerField()
    last_heartbeat_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    checks = serializers.DictField(child=CheckSerializer(), help_text="By the check's name.")
