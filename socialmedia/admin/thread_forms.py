"""What staff fill in on the page of a conversation, and to begin one."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from socialmedia import own_accounts
from socialmedia.desk import reply_texts


class ReplyForm(forms.Form):
    """The reply box. The words themselves are judged by `reply_texts`, which says what is wrong with them."""

    text = forms.CharField(required=False, strip=False, max_length=reply_texts.LONGEST * 2)
    key = forms.RegexField(r"^[0-9a-f]{32}$")
    seen = forms.IntegerField(min_value=0, max_value=2**63 - 1)
    template = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    send_at = forms.DateTimeField(required=False)
    cancel_on_answer = forms.BooleanField(required=False)


class ChangeForm(forms.Form):
    """Other words and another time for a reply that waits."""

    reply = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    text = forms.CharField(required=False, strip=False, max_length=reply_texts.LONGEST * 2)
    send_at = forms.DateTimeField(required=False)


class WriteDownForm(forms.Form):
    """What the other side wrote, on a network that does not tell us."""

    text = forms.CharField(required=False, strip=False, max_length=reply_texts.LONGEST * 2)
    sent_at = forms.DateTimeField(required=False)
    key = forms.RegexField(r"^[0-9a-f]{32}$")


class NewConversationForm(forms.Form):
    """Who talks to whom."""

    platform = forms.ChoiceField(label="Network", choices=own_accounts.PLATFORMS, widget=UnfoldAdminSelectWidget)
    ours = forms.CharField(
        label="Our account",
        max_length=256,
        widget=UnfoldAdminTextInputWidget,
        help_text="Its handle, like @our.page. It counts as one of our own accounts from then on.",
    )
    theirs = forms.CharField(
        label="With", max_length=256, widget=UnfoldAdminTextInputWidget, help_text="Their handle, like @ada."
    )
