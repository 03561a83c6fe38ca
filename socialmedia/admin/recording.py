"""The console's page on which a person takes a place for an action, and then does it by hand on the network."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from jobs import console
from socialmedia import actions, rules, targets
from socialmedia.actions import LimitReached
from socialmedia.admin.limits import AccountForm
from socialmedia.models import ActionType, AutomationAction
from socialmedia.rules import BrokenSetting
from socialmedia.targets import BadTarget

NEEDS_WORDS = {
    ActionType.COMMENT: "A comment has words.",
    ActionType.MESSAGE: "A message has words.",
    ActionType.SEARCH: "A search has words.",
}
NEEDS_POST = frozenset({ActionType.LIKE, ActionType.COMMENT})
NEEDS_PERSON = frozenset({ActionType.FOLLOW, ActionType.UNFOLLOW, ActionType.MESSAGE})
SAME = timedelta(minutes=5)
"""The same once more within this time is a second click, not a second action."""


class RecordForm(AccountForm):
    """What is about to be done."""

    action_type = forms.ChoiceField(
        label="Action",
        choices=[(kind.value, kind.label) for kind in rules.LIMITED],
        widget=UnfoldAdminSelectWidget,
    )
    target = forms.CharField(
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="An address beginning with https://, an @handle or a #hashtag.",
    )
    content_text = forms.CharField(
        label="Words",
        max_length=4000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Of a comment, a message or a search.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot be done, and take the target apart."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind, account = cleaned.get("action_type"), cleaned.get("account")
        if kind in NEEDS_WORDS and not cleaned.get("content_text"):
            self.add_error("content_text", NEEDS_WORDS[ActionType(kind)])
        if kind != ActionType.SEARCH and not cleaned.get("target") and "target" not in self.errors:
            self.add_error("target", "Say to what or to whom.")
        try:
            cleaned["aim"] = targets.read(cleaned.get("target", ""), platform=account.platform if account else "")
        except BadTarget as error:
            self.add_error("target", str(error))
        else:
            if kind in NEEDS_POST and cleaned["aim"].target_type in {"user", "hashtag"}:
                self.add_error("target", "This is done to a post: give its address.")
            if kind in NEEDS_PERSON and cleaned["aim"].target_type in {"video", "hashtag"}:
                self.add_error("target", "This is done to an account: give its @handle.")
        return cleaned


def address(page: console.ConsoleAdmin) -> URLPattern:
    """Return the page's address among an admin's own."""
    return path("record/", page.admin_site.admin_view(partial(show, page)), name="socialmedia_record_action")


def show(page: console.ConsoleAdmin, request: HttpRequest) -> HttpResponse:
    """Take a place, and go to the action's page, which has the link and the buttons."""
    if not page.has_operate_permission(request):
        raise PermissionDenied
    form = RecordForm(request.POST or None)
    row = _begin(form, now=timezone.now()) if form.is_valid() else None
    if row is not None:
        page.note(request, [row], "Took its place within the limits.")
        page.tell(request, "The place is taken. Do it on the network now, then say here how it went.")
        return page.back_to(row)
    sentence = "It takes a place within the account's limits. Then you do it on the network, and say how it went."
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": "Record an action",
        "question": console.Question("Record an action", sentence, "Take the place", form=form),
        "back": reverse("admin:socialmedia_automationaction_changelist"),
    }
    return TemplateResponse(request, "admin/console/question.html", context)


def _begin(form: RecordForm, *, now: datetime) -> AutomationAction | None:
    """Take the place. None, and the form says why, when there is none."""
    chosen = form.cleaned_data
    aim = chosen["aim"]
    details = {
        "target_type": aim.target_type,
        "target_id": aim.target_id,
        "target_username": aim.target_username,
        "target_url": aim.target_url,
        "content_text": chosen["content_text"],
    }
    account, kind = chosen["account"], ActionType(chosen["action_type"])
    twins = AutomationAction.objects.filter(account=account, action_type=kind, success=None, **details)
    if (twin := twins.filter(created_at__gt=now - SAME).first()) is not None:
        return twin
    try:
        return actions.begin(account=account, action_type=kind, **details, triggered_by="manual", now=now)
    except (LimitReached, BrokenSetting) as error:
        form.add_error(None, str(error))
        return None
