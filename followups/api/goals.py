"""A member's goal over REST."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from followups import goals, planning
from followups.models import Goal, UserProfile
from jobs.api.base import AwareDateTimeField, StrictSerializer, find_or_404

SCOPES = {"read": "followups:read", "write": "followups:write"}


class GoalSerializer(serializers.ModelSerializer[Goal]):
    """What a member wants to reach, and when they want to be asked about it."""

    class Meta:
        model = Goal
        fields = ["id", "text", "check_in_at", "created_at", "follow_up_id"]
        read_only_fields = fields


class NewGoalSerializer(StrictSerializer):
    """A goal in the member's words."""

    text = serializers.CharField(max_length=goals.LONGEST_TEXT)
    check_in_at = AwareDateTimeField()


class GoalSetSerializer(serializers.Serializer[object]):
    """The goal, and why nothing was planned for it, if so."""

    goal = GoalSerializer()
    reason = serializers.CharField(allow_blank=True, help_text="Why it has no follow-up; empty: it has one.")


class GoalView(APIView):
    """The goal that a member is asked about."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=GoalSerializer, operation_id="members_goal")
    def get(self, request: Request, user_id: str) -> Response:
        """Show the open goal. 404 when there is none."""
        member = find_or_404(UserProfile.objects.all(), user_id, "member")
        goal = Goal.objects.filter(user=member, closed_at=None).first()
        if goal is None:
            raise NotFound("The member has no open goal.")
        return Response(GoalSerializer(goal).data)

    @extend_schema(request=NewGoalSerializer, responses=GoalSetSerializer, operation_id="members_set_goal")
    def put(self, request: Request, user_id: str) -> Response:
        """Set the goal and plan to ask about it. The one before is closed with its follow-up."""
        asked = NewGoalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        find_or_404(UserProfile.objects.all(), user_id, "member")
        try:
            found = goals.set_goal(user_id=user_id, now=timezone.now(), **asked.validated_data)
        except planning.CannotPlan as error:
            raise ValidationError(str(error), code="cannot_plan") from None
        body: dict[str, Any] = {"goal": found.goal, "reason": "" if found.plan.created else found.plan.reason}
        return Response(GoalSetSerializer(body).data)

    @extend_schema(
        responses={204: OpenApiResponse(description="Closed, with its follow-up.")}, operation_id="members_close_goal"
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Close the goal, reached or dropped. 404 when none is open."""
        find_or_404(UserProfile.objects.all(), user_id, "member")
        if not goals.close(user_id=user_id, now=timezone.now()):
            raise NotFound("The member has no open goal.")
        return Response(status=204)
