"""What staff fill in about settings: numbers and hours, never JSON."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from socialmedia import rules
from socialmedia.models import ActionType
from socialmedia.rules import Allowance, BadSetting
from socialmedia.tracking import plan
from socialmedia.tracking.plan import BadOffsets

SPANS = {"hourly": "in any 60 minutes", "daily": "on its day"}


class SettingForm(forms.Form):
    """A setting's value, and which one it shall replace."""

    key = ""
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def value(self) -> Any:
        """Return what is stored."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Refuse what the setting cannot be."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                rules.parse(self.key, self.value())
            except BadSetting as error:
                self.add_error(None, str(error))
        return cleaned

    def to_confirm(self) -> forms.Form:
        """The same answers again, out of sight, with the word that they are meant."""
        again = type(self)({**{name: str(self.data.get(name, "")) for name in self.fields}, "confirmed": "1"})
        again.fields["confirmed"] = forms.CharField()
        for field in again.fields.values():
            field.widget = forms.HiddenInput()
        return again


class RateLimitsForm(SettingForm):
    """Two numbers for each action; an empty one is no limit."""

    key = rules.RATE_LIMITS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in rules.LIMITED:
            for span, words in SPANS.items():
                self.fields[f"{kind}_{span}"] = forms.IntegerField(
                    label=f"{ActionType(kind).label}, {words}",
                    min_value=0,
                    max_value=rules.MOST_ALLOWED,
                    required=False,
                    widget=UnfoldAdminIntegerFieldWidget,
                )

    @staticmethod
    def initial_of(limits: dict[str, Allowance]) -> dict[str, Any]:
        """Return the fields' contents for a value."""
        return {f"{kind}_{span}": getattr(allowed, span) for kind, allowed in limits.items() for span in SPANS}

    def value(self) -> Any:
        """Return what is stored: only actions that have a limit."""
        given = {kind: {span: self.cleaned_data.get(f"{kind}_{span}") for span in SPANS} for kind in rules.LIMITED}
        kept = {kind: {span: most for span, most in spans.items() if most is not None} for kind, spans in given.items()}
        return {str(kind): spans for kind, spans in kept.items() if spans}


class CheckScheduleForm(SettingForm):
    """The hours of the checks."""

    key = rules.CHECK_SCHEDULE

    hours = forms.CharField(
        max_length=1000,
        widget=UnfoldAdminTextInputWidget,
        help_text="Hours after the beginning, with commas between them, like 1, 6, 12, 24. For posts that are tracked "
        "from now on; the others keep their plan.",
    )

    @staticmethod
    def initial_of(offsets: tuple[rules.CheckOffset, ...]) -> dict[str, Any]:
        """Return the field's contents for a value."""
        return {"hours": ", ".join(f"{offset.hours:g}" for offset in offsets)}

    def clean_hours(self) -> list[float]:
        """Read the numbers."""
        try:
            return list(plan.read_offsets(str(self.cleaned_data["hours"])))
        except BadOffsets as error:
            raise forms.ValidationError(str(error)) from None

    def value(self) -> Any:
        """Return what is stored; each check is named by its hours."""
        return [{"offset_hours": hours, "name": rules.offset_name(hours)} for hours in self.cleaned_data["hours"]]


FORMS: dict[str, Any] = {form.key: form for form in (RateLimitsForm, CheckScheduleForm)}
