"""What staff fill in to track posts and to compare them."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from socialmedia.metrics import comparing
from socialmedia.models import Account, CheckBase, Platform
from socialmedia.providers import addresses
from socialmedia.providers.base import Metric
from socialmedia.tracking import plan

DAYS = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "year"))
USUAL_DAYS = 30
LONGEST_ID = 19


class PlanForm(forms.Form):
    """When a post is checked."""

    offsets = forms.CharField(
        label="Check after",
        widget=UnfoldAdminTextInputWidget,
        help_text="Hours, with commas between them, like 1, 6, 24.",
    )
    base = forms.ChoiceField(
        label="Hours count from", choices=CheckBase.choices, widget=UnfoldAdminSelectWidget, required=False
    )

    def clean_offsets(self) -> str:
        """Say which one is wrong."""
        text: str = self.cleaned_data["offsets"]
        try:
            plan.read_offsets(text)
        except plan.BadOffsets as error:
            raise ValidationError(str(error)) from error
        return text


class TrackForm(PlanForm):
    """Which post is put under tracking, and when it is checked."""

    url = forms.CharField(
        label="Address of the post",
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "inputmode": "url", "autocomplete": "off"}),
        help_text="As TikTok shows it, or a short link: https://www.tiktok.com/@somebody/video/7300000000000000000",
    )
    field_order = ("url", "offsets", "base")

    def clean_url(self) -> str:
        """Say why it is no address of a post."""
        text: str = self.cleaned_data["url"]
        try:
            addresses.parse(text)
        except addresses.NotAPost as error:
            raise ValidationError(str(error)) from error
        return text


class CompareForm(forms.Form):
    """What is laid beside each other."""

    posts = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=f"Up to {comparing.MOST_POSTS} ids of posts, with commas between them.",
    )
    accounts = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Or the handles of two accounts on TikTok, with a comma between them.",
    )
    metric = forms.ChoiceField(
        label="Counter",
        required=False,
        choices=[(metric.value, metric.capitalize()) for metric in Metric],
        widget=UnfoldAdminSelectWidget,
    )
    base = forms.ChoiceField(
        label="Ages of posts count from",
        required=False,
        choices=[("", "Each one's plan"), *CheckBase.choices],
        widget=UnfoldAdminSelectWidget,
    )
    days = forms.TypedChoiceField(
        label="Accounts' posts of the last",
        required=False,
        choices=DAYS,
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )

    def clean_posts(self) -> list[int]:
        """Read the ids."""
        pieces = [piece.strip() for piece in self.cleaned_data["posts"].split(",") if piece.strip()]
        wrong = next((piece for piece in pieces if not _is_id(piece)), None)
        if wrong is not None:
            raise ValidationError(f"{wrong[:30]} is no id of a post: it is the number in the address of its page here.")
        if len(set(pieces)) > comparing.MOST_POSTS:
            raise ValidationError(f"These are {len(set(pieces))} posts: choose at most {comparing.MOST_POSTS}.")
        return list(dict.fromkeys(map(int, pieces)))

    def clean_accounts(self) -> list[int]:
        """Find the accounts."""
        handles = [piece.strip().lstrip("@") for piece in self.cleaned_data["accounts"].split(",") if piece.strip()]
        if len(handles) > 2:
            raise ValidationError(f"These are {len(handles)} handles: give two.")
        spelt = {*handles, *map(str.lower, handles)}
        known = dict(Account.objects.filter(platform=Platform.TIKTOK, username__in=spelt).values_list("username", "pk"))
        found = [known.get(handle) or known.get(handle.lower()) for handle in handles]
        if None in found:
            raise ValidationError(f"Nobody here is called @{handles[found.index(None)][:50]} on TikTok.")
        return list(dict.fromkeys(pk for pk in found if pk))

    def clean(self) -> dict[str, Any]:
        """Fill in what was left out."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["metric"] = Metric(cleaned.get("metric") or Metric.VIEWS)
        cleaned["days"] = cleaned.get("days") or USUAL_DAYS
        return cleaned


def _is_id(piece: str) -> bool:
    return piece.isascii() and piece.isdecimal() and len(piece) <= LONGEST_ID
