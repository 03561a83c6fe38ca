"""What staff fill in before something is done."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from followups.models import Trigger


class EvidenceForm(forms.Form):
    """Why a member is opted out: goes into the receipt."""

    evidence = forms.CharField(
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="How the member told you, in a sentence. It becomes part of the receipt, which nobody can change.",
    )


class NoteForm(forms.Form):
    """What somebody did about a flag."""

    note = forms.CharField(
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What you did, in a sentence, for whoever looks at this later.",
    )


class PlanForm(forms.Form):
    """What to plan."""

    trigger = forms.ChoiceField(
        label="Kind", choices=Trigger.choices, initial=Trigger.CUSTOM, widget=UnfoldAdminSelectWidget
    )
    due_at = forms.DateTimeField(
        label="Due",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="UTC. Empty: the kind's own delay.",
    )
    occasion = forms.CharField(
        max_length=255,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="One follow-up per member, kind and occasion. Empty: one per day.",
    )
    text = forms.CharField(
        label="Words",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="For the kind By hand only. Empty: the template's.",
    )

    def clean(self) -> dict[str, Any]:
        """Leave out an empty time, and bring the words where the follow-up keeps them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("due_at") is None:
            cleaned.pop("due_at", None)
        if text := cleaned.pop("text", ""):
            cleaned["trigger_data"] = {"text": text}
        return cleaned


class DueForm(forms.Form):
    """Another time for something."""

    at = forms.DateTimeField(
        label="When", widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}), help_text="UTC."
    )


class PauseForm(forms.Form):
    """Until when a member wants to hear nothing."""

    until = forms.DateTimeField(
        label="Until",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="UTC, at most a year ahead. What falls into the pause is held until it ends.",
    )


class ForgetForm(forms.Form):
    """The member's id once more, and how we know of the wish."""

    user_id = forms.CharField(
        label="Their id", max_length=255, widget=UnfoldAdminTextInputWidget, help_text="Type the member's id once more."
    )
    evidence = forms.CharField(
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="How the member told you. Do not name them: this stays. Their id and names are left out of it.",
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expected = expected

    def clean_user_id(self) -> str:
        """Refuse another id than the page's."""
        typed = str(self.cleaned_data["user_id"])
        if typed != self._expected:
            raise forms.ValidationError("This is not the id of this member. Nothing was erased.")
        return typed
