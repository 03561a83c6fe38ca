"""Members' consent, preferences and data as the API takes and shows them."""

from typing import Any

from rest_framework import serializers

from followups import consent, preferences
from followups.models import ConsentReceipt, ConsentState, ErasureReceipt, Topic
from jobs.api.base import AwareDateTimeField, StrictSerializer


class ReceiptSerializer(serializers.ModelSerializer[ConsentReceipt]):
    """One receipt."""

    topics = serializers.ListField(child=serializers.ChoiceField(choices=Topic.choices), read_only=True)

    class Meta:
        model = ConsentReceipt
        fields = ["id", "state", "topics", "recorded_at", "source", "evidence", "wording_version", "actor"]
        read_only_fields = fields


class ConsentSerializer(serializers.Serializer[object]):
    """Where a member stands, with the proof, newest first."""

    user_id = serializers.CharField()
    opted_in = serializers.BooleanField()
    state = serializers.ChoiceField(choices=ConsentState.choices, allow_null=True, help_text="Null: never asked.")
    topics = serializers.ListField(
        child=serializers.ChoiceField(choices=Topic.choices), help_text="What they want to hear about."
    )
    receipts = ReceiptSerializer(many=True)


class OptInSerializer(StrictSerializer):
    """A member's yes, with the proof."""

    evidence = serializers.CharField(max_length=2000, help_text="The act itself: a form's id, who told you and how.")
    wording_version = serializers.CharField(max_length=50, default=consent.WORDING_VERSION)
    topics = serializers.ListField(
        child=serializers.ChoiceField(choices=Topic.choices),
        required=False,
        allow_empty=False,
        max_length=20,
        help_text="What it covers; by default everything. Of somebody who opted in already, the preferences tell.",
    )


class OptOutSerializer(StrictSerializer):
    """A member's no."""

    evidence = serializers.CharField(max_length=2000, help_text="The act itself: who told you and how.")


class OptOutResultSerializer(ConsentSerializer):
    """Where the member stands, and what the opt-out stopped."""

    cancelled_follow_ups = serializers.IntegerField()


class NewAbsenceSerializer(StrictSerializer):
    """A time for which a member said to be away."""

    starts_at = AwareDateTimeField()
    ends_at = AwareDateTimeField()
    note = serializers.CharField(max_length=preferences.LONGEST_NOTE, default="", allow_blank=True)


class AbsenceSerializer(serializers.Serializer[object]):
    """A stored one."""

    id = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    note = serializers.CharField()


class PreferencesSerializer(serializers.Serializer[object]):
    """What a member has chosen."""

    user_id = serializers.CharField()
    opted_in = serializers.BooleanField()
    topics = serializers.ListField(child=serializers.ChoiceField(choices=Topic.choices))
    frequency_hours = serializers.IntegerField(help_text="Their own least time between two follow-ups.")
    paused_until = serializers.DateTimeField(allow_null=True)
    quiet_start = serializers.IntegerField(allow_null=True, help_text="Their own quiet hours, from this hour on ...")
    quiet_end = serializers.IntegerField(allow_null=True, help_text="... up to, not including, this one.")
    timezone = serializers.CharField(help_text="IANA zone; empty: the community's.")
    locale = serializers.CharField(help_text="Language, like de or pt-br; empty: the community's.")
    birthday_month = serializers.IntegerField(allow_null=True)
    birthday_day = serializers.IntegerField(allow_null=True)
    interests = serializers.ListField(child=serializers.CharField())
    absences = AbsenceSerializer(many=True, help_text="Those that are not over, the next one first.")


class ChangesSerializer(StrictSerializer):
    """What to change: what is left out stays, null takes a value away. All of it is done, or nothing."""

    frequency_hours = serializers.IntegerField(
        required=False, min_value=preferences.SHORTEST_HOURS, max_value=preferences.LONGEST_HOURS
    )
    less_often = serializers.BooleanField(required=False, help_text="True doubles frequency_hours, up to 30 days.")
    paused_until = AwareDateTimeField(required=False, allow_null=True, help_text="At most 366 days ahead.")
    quiet_start = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=23)
    quiet_end = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=23)
    timezone = serializers.CharField(required=False, allow_blank=True, max_length=64)
    locale = serializers.CharField(required=False, allow_blank=True, max_length=16)
    birthday_month = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=12)
    birthday_day = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=31)
    interests = serializers.ListField(
        child=serializers.CharField(max_length=preferences.LONGEST_INTEREST),
        required=False,
        max_length=50,
        help_text="What they like: all of it, at most ten; texts may speak of one.",
    )
    add_absence = NewAbsenceSerializer(required=False)
    remove_absence = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Its id.")
    topics = serializers.ListField(
        child=serializers.ChoiceField(choices=Topic.choices),
        required=False,
        max_length=20,
        help_text="What they want to hear about; an empty list opts them out. Needs evidence.",
    )
    evidence = serializers.CharField(
        required=False, max_length=2000, help_text="Of a change of topics: the act itself, who told you and how."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A change of topics is a change of consent, which needs its proof."""
        if "topics" in attrs and "evidence" not in attrs:
            raise serializers.ValidationError(
                {"evidence": ["Say how you know: a change of topics is written into the consent receipts."]}
            )
        return attrs


class ForgetSerializer(StrictSerializer):
    """The wish to be forgotten, said twice."""

    evidence = serializers.CharField(
        max_length=2000, help_text="The act itself, who told you and how. The member's id and names are left out of it."
    )
    confirm = serializers.CharField(max_length=255, help_text="The member's id once more: this cannot be undone.")


class ErasureSerializer(serializers.ModelSerializer[ErasureReceipt]):
    """What was erased, without saying whose."""

    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Table -> rows.")

    class Meta:
        model = ErasureReceipt
        fields = ["id", "digest", "erased_at", "source", "evidence", "actor", "counts"]
        read_only_fields = fields
