"""Follow-ups and consent as the API takes and shows them."""

from rest_framework import serializers

from followups import consent
from followups.models import ConsentReceipt, ConsentState, FollowUp, FollowUpStatus, Trigger
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


class PlanSerializer(serializers.Serializer[object]):
    """What planning came to."""

    created = serializers.BooleanField(help_text="False: this occasion was planned already.")
    reason = serializers.CharField(allow_blank=True, help_text="Why nothing new was created.")
    follow_up = FollowUpSerializer()
    decision = DecisionSerializer()


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


class ReceiptSerializer(serializers.ModelSerializer[ConsentReceipt]):
    """One receipt."""

    class Meta:
        model = ConsentReceipt
        fields = ["id", "state", "recorded_at", "source", "evidence", "wording_version", "actor"]
        read_only_fields = fields


class ConsentSerializer(serializers.Serializer[object]):
    """Where a member stands, with the proof, newest first."""

    user_id = serializers.CharField()
    opted_in = serializers.BooleanField()
    state = serializers.ChoiceField(choices=ConsentState.choices, allow_null=True, help_text="Null: never asked.")
    receipts = ReceiptSerializer(many=True)


class OptInSerializer(StrictSerializer):
    """A member's yes, with the proof."""

    evidence = serializers.CharField(max_length=2000, help_text="The act itself: a form's id, who told you and how.")
    wording_version = serializers.CharField(max_length=50, default=consent.WORDING_VERSION)


class OptOutSerializer(StrictSerializer):
    """A member's no."""

    evidence = serializers.CharField(max_length=2000, help_text="The act itself: who told you and how.")


class OptOutResultSerializer(ConsentSerializer):
    """Where the member stands, and what the opt-out stopped."""

    cancelled_follow_ups = serializers.IntegerField()


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
