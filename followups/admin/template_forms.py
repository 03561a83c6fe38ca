"""What staff fill in about templates."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from followups.composing import languages, variables
from followups.models import RelationshipLevel, Trigger
from followups.moods import Mood
from socialmedia.models import Account
from socialmedia.templates import BadTemplate, Place

_HOW = (
    "A part in [[ ]] is left out when a value in it is missing: Hi[[ {name}]]! "
    "The way out is put behind the text by itself."
)


def placeholders_in_words(trigger: str) -> str:
    """List what a trigger's texts may use."""
    return "Placeholders: " + ", ".join(f"{{{name}}}" for name in variables.of_trigger(trigger)) + ". " + _HOW


class WordsForm(forms.Form):
    """The words of one version."""

    text = forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}), help_text=_HOW)
    name = forms.CharField(
        max_length=255, required=False, widget=UnfoldAdminTextInputWidget, help_text="For people. Empty: the key."
    )
    weight = forms.IntegerField(
        min_value=0,
        max_value=1000,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Share of this variant, compared with the others'. 0: given to nobody.",
    )

    def refuse(self, error: BadTemplate) -> None:
        """Show what is wrong at its field."""
        self.add_error(error.field if error.field in self.fields else None, str(error))


class NewTemplateForm(WordsForm):
    """The first draft of a template, and what it is for."""

    key = forms.CharField(
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text="Its id: small letters, digits and underscores. That of a shipped one replaces or joins it.",
    )
    trigger = forms.ChoiceField(choices=Trigger.choices, widget=UnfoldAdminSelectWidget, help_text="When it is sent.")
    locale = forms.CharField(
        label="Language",
        max_length=16,
        initial=languages.DEFAULT,
        widget=UnfoldAdminTextInputWidget,
        help_text="Like de, or pt-br for one region only.",
    )
    level = forms.TypedChoiceField(
        choices=[("", "For all"), *RelationshipLevel.choices],
        coerce=int,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="For members this close only.",
    )
    emotion = forms.ChoiceField(
        label="Mood",
        choices=[("", "For all"), *((mood.value, mood.value.capitalize()) for mood in Mood)],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="For members whose last messages sounded like this only.",
    )
    variant = forms.CharField(
        max_length=20,
        initial="a",
        widget=UnfoldAdminTextInputWidget,
        help_text="Variants of one key are tested against each other: a, b, c.",
    )
    account = forms.ModelChoiceField(
        queryset=Account.objects.none(),
        required=False,
        empty_label="For all",
        widget=UnfoldAdminSelectWidget,
        help_text="For messages of one account of ours only.",
    )

    field_order = ("key", "trigger", "locale", "level", "emotion", "variant", "account", "text", "name", "weight")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        assert isinstance(account, forms.ModelChoiceField)  # noqa: S101 - declared above
        account.queryset = Account.objects.filter(is_own=True).order_by("username")

    def place(self) -> Place:
        """Return what the template is for."""
        chosen = self.cleaned_data
        return Place(
            key=chosen["key"],
            trigger=chosen["trigger"],
            locale=chosen["locale"],
            level=chosen["level"],
            emotion=chosen["emotion"],
            variant=chosen["variant"],
            account_id=chosen["account"].pk if chosen["account"] else None,
        )


class ReasonForm(forms.Form):
    """Why a template is paused."""

    reason = forms.CharField(max_length=255, widget=UnfoldAdminTextInputWidget, help_text="Others will read it.")


class MemberForm(forms.Form):
    """Whom to show a template for."""

    member = forms.CharField(
        max_length=255,
        strip=True,
        widget=UnfoldAdminTextInputWidget,
        help_text="The id, or the beginning of the name. Nothing is sent.",
    )
