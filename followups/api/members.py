"""Members over REST, their consent, preferences and data: parse, one call, render."""

from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from followups import consent, opting_in, preferences, privacy
from followups.api.member_serializers import (
    ChangesSerializer,
    ConsentSerializer,
    ErasureSerializer,
    ForgetSerializer,
    OptInSerializer,
    OptOutResultSerializer,
    OptOutSerializer,
    PreferencesSerializer,
)
from followups.models import UserProfile
from followups.preferences import Away, BadPreference
from jobs.api.base import Conflict, find_or_404

SCOPES = {"read": "followups:read", "write": "followups:write"}
PRIVACY_SCOPES = {"read": "privacy:read", "write": "privacy:write"}
EVERYTHING = OpenApiResponse(OpenApiTypes.OBJECT, description="Everything that is held, by subject.")
NOT_OPTED_IN = OpenApiResponse(description="Topics of somebody who has not opted in.")


def _member(user_id: str) -> UserProfile:
    return find_or_404(UserProfile.objects.all(), user_id, "member")


def _standing(member: UserProfile) -> dict[str, Any]:
    receipts = list(member.consent_receipts.order_by("-id")[:100])
    return {
        "user_id": member.user_id,
        "opted_in": member.follow_ups_enabled,
        "state": receipts[0].state if receipts else None,
        "topics": member.topics if member.follow_ups_enabled else [],
        "receipts": receipts,
    }


class ConsentView(APIView):
    """A member's consent."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=ConsentSerializer, operation_id="members_consent")
    def get(self, request: Request, user_id: str) -> Response:
        """Show where a member stands, with the newest hundred receipts."""
        return Response(ConsentSerializer(_standing(_member(user_id))).data)


class OptInView(APIView):
    """Opting in."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=OptInSerializer, responses=ConsentSerializer, operation_id="members_opt_in")
    def post(self, request: Request, user_id: str) -> Response:
        """Record that a member opted in, to everything or to some topics. Repeating it changes nothing."""
        asked = OptInSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        member = _member(user_id)
        opting_in.opt_in(
            user_id=user_id, source="api", actor=str(request.auth), now=timezone.now(), **asked.validated_data
        )
        member.refresh_from_db()
        return Response(ConsentSerializer(_standing(member)).data)


class OptOutView(APIView):
    """Opting out."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(request=OptOutSerializer, responses=OptOutResultSerializer, operation_id="members_opt_out")
    def post(self, request: Request, user_id: str) -> Response:
        """Record that a member opted out, and cancel everything pending for them."""
        asked = OptOutSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        member = _member(user_id)
        withdrawal = consent.withdraw(
            user_id=user_id, source="api", actor=str(request.auth), now=timezone.now(), **asked.validated_data
        )
        member.refresh_from_db()
        body = {**_standing(member), "cancelled_follow_ups": withdrawal.cancelled_follow_ups}
        return Response(OptOutResultSerializer(body).data)


class PreferencesView(APIView):
    """What a member has chosen."""

    required_scopes: ClassVar[dict[str, str]] = SCOPES

    @extend_schema(responses=PreferencesSerializer, operation_id="members_preferences")
    def get(self, request: Request, user_id: str) -> Response:
        """Show what a member has chosen."""
        _member(user_id)
        return Response(PreferencesSerializer(preferences.of_member(user_id, now=timezone.now())).data)

    @extend_schema(
        request=ChangesSerializer,
        responses={200: PreferencesSerializer, 409: NOT_OPTED_IN},
        operation_id="members_change_preferences",
    )
    def patch(self, request: Request, user_id: str) -> Response:
        """Change what is named, all of it or nothing. Turning a topic off cancels what is pending of it; a pause
        holds it. 409 for topics of somebody who has not opted in.
        """
        asked = ChangesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        _member(user_id)
        try:
            chosen = self._change(user_id, str(request.auth), dict(asked.validated_data))
        except BadPreference as error:
            raise ValidationError({error.field: [error.problem]}, code="bad_preference") from None
        except consent.ConsentMissing:
            raise Conflict("The member has not opted in, so there are no topics to choose from.") from None
        return Response(PreferencesSerializer(chosen).data)

    @staticmethod
    @transaction.atomic
    def _change(user_id: str, actor: str, asked: dict[str, Any]) -> preferences.Preferences:
        now = timezone.now()
        topics, evidence = asked.pop("topics", None), asked.pop("evidence", "")
        if "add_absence" in asked:
            asked["add_absence"] = Away(**asked["add_absence"])
        if topics is not None:
            consent.change_topics(user_id=user_id, topics=topics, source="api", evidence=evidence, actor=actor, now=now)
        return preferences.change(user_id=user_id, now=now, **asked)


class ExportView(APIView):
    """Everything about a member."""

    required_scopes: ClassVar[dict[str, str]] = PRIVACY_SCOPES

    @extend_schema(responses=EVERYTHING, operation_id="members_export")
    def get(self, request: Request, user_id: str) -> Response:
        """Export everything that is held about a member, by subject."""
        _member(user_id)
        return Response(privacy.export(user_id, now=timezone.now()))


class ForgetView(APIView):
    """Forgetting a member."""

    required_scopes: ClassVar[dict[str, str]] = PRIVACY_SCOPES

    @extend_schema(request=ForgetSerializer, responses=ErasureSerializer, operation_id="members_forget")
    def post(self, request: Request, user_id: str) -> Response:
        """Erase everything about a member for good. `confirm` must repeat the id. Answers the receipt."""
        asked = ForgetSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        _member(user_id)
        if asked.validated_data["confirm"] != user_id:
            raise ValidationError({"confirm": ["Repeat the member's id: this cannot be undone."]}, code="not_confirmed")
        try:
            receipt = privacy.forget(
                user_id=user_id,
                source="api",
                evidence=asked.validated_data["evidence"],
                actor=str(request.auth),
                now=timezone.now(),
            )
        except privacy.CannotForget as error:
            raise ValidationError(str(error), code="cannot_forget") from None
        except UserProfile.DoesNotExist:
            raise NotFound("There is no member with this id.") from None
        return Response(ErasureSerializer(receipt).data)
