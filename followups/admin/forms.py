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

    def clean(self) -> dict[str, Any]:
        """Leave out an empty time."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("due_at") is None:
            cleaned.pop("due_at", None)
        return cleaned


class DueForm(forms.Form):
    """Another time for something."""

    at = forms.DateTimeField(
        label="When", widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}), help_text="UTC."
    )
