"""The console's pages of what was done on the networks, and within which limits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from jobs import console
from socialmedia import actions
from socialmedia.admin import limits, recording
from socialmedia.admin.words import shortened
from socialmedia.models import Account, AutomationAction, ReplyStatus, StaffReply

LONG_OPEN = timedelta(days=1)
"""Whatever was begun so long ago and never confirmed was cut off: nobody knows whether it was done."""
OUTCOMES = {
    "done": ("Done", "success"),
    "failed": ("Failed", "danger"),
    "open": ("Under way", "info"),
    "unknown": ("Outcome unknown", "warning"),
}


def outcome_of(row: AutomationAction) -> str:
    """Tell what became of an action, by the keys above."""
    if row.success is not None:
        return "done" if row.success else "failed"
    return "open" if row.created_at > timezone.now() - LONG_OPEN else "unknown"


def outside(address: str) -> SafeString | str:
    """Render a link to a network's page; what is no safe address as plain text."""
    if not address.startswith("https://"):
        return address or console.NOTHING
    return format_html(
        '<a href="{0}" target="_blank" rel="noopener noreferrer" class="console-address text-link">{0}</a>', address
    )


class OutcomeFilter(admin.SimpleListFilter):
    """By what became of it."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the four."""
        return [(name, label) for name, (label, _) in OUTCOMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        border = timezone.now() - LONG_OPEN
        kept: dict[str | None, dict[str, Any]] = {
            "done": {"success": True},
            "failed": {"success": False},
            "open": {"success": None, "created_at__gt": border},
            "unknown": {"success": None, "created_at__lte": border},
        }
        return queryset.filter(**kept.get(self.value(), {}))


class AccountFilter(admin.SimpleListFilter):
    """By the account of ours."""

    title = "account"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer ours, and those that are no more."""
        ours = Account.objects.filter(is_own=True)[:100]
        return [*((str(account.pk), str(account)) for account in ours), ("deleted", "Deleted accounts")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one account's."""
        value = self.value() or ""
        if value == "deleted":
            return queryset.filter(account=None)
        return queryset.filter(account=int(value)) if value.isascii() and value.isdigit() else queryset


class FailureForm(forms.Form):
    """Why it was not done."""

    reason = forms.CharField(
        label="Why", max_length=500, required=False, widget=UnfoldAdminTextInputWidget, help_text="May stay empty."
    )


def _said(row: AutomationAction, outcome: str) -> SafeString:
    """Render the link to the question about an outcome."""
    address = reverse(f"admin:socialmedia_automationaction_it_was_{outcome}", args=[row.pk])
    return format_html('<a href="{}" class="text-link">It was {}</a>.', address, outcome.replace("_", " "))


def _waiting_reply(row: AutomationAction) -> StaffReply | None:
    """The reply that somebody is copying to the network: whoever sends it says so in its conversation."""
    waiting = StaffReply.objects.filter(action=row, status=ReplyStatus.READY).select_related("conversation")
    return waiting.first() if row.success is None else None


def _is_open(row: AutomationAction) -> bool:
    return row.success is None and _waiting_reply(row) is None


@admin.register(AutomationAction)
class ActionAdmin(console.ConsoleAdmin):
    """The log of actions. A person may say what became of one that nobody confirmed."""

    list_before_template = "admin/console/to_actions.html"  # type: ignore[assignment]
    list_display = ("what", "target", "who", "outcome", "begun", "origin")
    list_filter = (
        ("action_type", ChoicesDropdownFilter),
        OutcomeFilter,
        ("platform", ChoicesDropdownFilter),
        AccountFilter,
        ("action_date", RangeDateFilter),
    )
    search_fields = ("target_id__exact", "target_username__exact")
    search_help_text = "Exact id or handle of the target"
    list_select_related = ("account",)
    sortable_by = ()
    ordering = ("-id",)
    actions_detail = ("it_was_done", "it_was_not_done")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = dict.fromkeys(actions_detail, _is_open)
    fieldsets = (
        (None, {"fields": ("what", "outcome", "who", "where", "target", "words")}),
        ("Why it failed", {"fields": ("problem", "code")}),
        ("Details", {"fields": ("begun_in_full", "day", "took", "origin", "session")}),
    )

    def get_urls(self) -> list[URLPattern]:
        """Put the pages of limits and of a new action before the rows' own."""
        return [limits.address(self), recording.address(self), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Say why only of what failed."""
        return [each for each in self.fieldsets if "problem" not in each[1]["fields"] or (obj and obj.success is False)]

    def panels(self, request: HttpRequest, obj: AutomationAction) -> list[console.Panel]:
        """Show a person who acts by hand what is next."""
        if obj.success is not None or not self.has_operate_permission(request):
            return []
        reply = _waiting_reply(obj)
        how = (
            console.link(reply.conversation)
            if reply
            else format_html("{} {}", _said(obj, "done"), _said(obj, "not_done"))
        )
        steps = [("Do it on the network", outside(obj.target_url)), ("Then say how it went", how)]
        return [console.Panel("What is next", ["Step", "Where"], steps)]

    @admin.display(description="What")
    def what(self, row: AutomationAction) -> str:
        return str(row.get_action_type_display())

    @admin.display(description="To")
    def target(self, row: AutomationAction) -> str:
        name = f"@{row.target_username}" if row.target_username else row.target_id or row.target_url
        return shortened(f"{row.target_type} {name}".strip(), 60) or console.NOTHING

    @admin.display(description="By")
    def who(self, row: AutomationAction) -> object:
        if row.account is not None:
            return console.link(row.account)
        name = row.account_username or "An account"
        return f"{name} ({row.get_platform_display()}), deleted"

    @admin.display(description="Outcome")
    def outcome(self, row: AutomationAction) -> SafeString:
        return console.pill(*OUTCOMES[outcome_of(row)])

    @admin.display(description="Begun")
    def begun(self, row: AutomationAction) -> object:
        return console.when(row.created_at)

    @admin.display(description="Origin")
    def origin(self, row: AutomationAction) -> str:
        return row.triggered_by.replace("_", " ").capitalize() or console.NOTHING

    @admin.display(description="Address")
    def where(self, row: AutomationAction) -> object:
        return outside(row.target_url)

    @admin.display(description="Words")
    def words(self, row: AutomationAction) -> object:
        if not row.content_text:
            return console.NOTHING
        return format_html('<pre class="console-json">{}</pre>', row.content_text)

    @admin.display(description="Why")
    def problem(self, row: AutomationAction) -> str:
        return row.error_message or console.NOTHING

    @admin.display(description="Code")
    def code(self, row: AutomationAction) -> str:
        return row.error_code or console.NOTHING

    @admin.display(description="Begun")
    def begun_in_full(self, row: AutomationAction) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="In the account's zone")
    def day(self, row: AutomationAction) -> str:
        return f"{row.action_date}, between {row.action_hour}:00 and {row.action_hour}:59"

    @admin.display(description="Took")
    def took(self, row: AutomationAction) -> str:
        return console.NOTHING if row.execution_time_ms is None else f"{row.execution_time_ms / 1000:,.1f} s"

    @admin.display(description="Session")
    def session(self, row: AutomationAction) -> str:
        return row.session_id or console.NOTHING

    @console.page_action("It was done", url_path="done", icon="task_alt", variant=ActionVariant.PRIMARY)
    def it_was_done(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "Look at the network first. Its place within the limits stays taken either way."
            return self.ask(request, row, console.Question("Was it done?", sentence, "It was done"))
        return self._settle(request, row, success=True)

    @console.page_action("It was not done", url_path="not-done", icon="cancel")
    def it_was_not_done(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = FailureForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            sentence = "Look at the network first. Its place within the limits stays taken: the network saw the try."
            return self.ask(request, row, console.Question("Was it not done?", sentence, "It was not done", form=form))
        return self._settle(request, row, success=False, reason=form.cleaned_data["reason"])

    def _settle(self, request: HttpRequest, row: AutomationAction, *, success: bool, reason: str = "") -> HttpResponse:
        if _is_open(row) and actions.settle(row.pk, success=success, by=request.user.get_username(), reason=reason):
            said = "It was done." if success else "It was not done."
            self.note(request, [row], said)
            self.tell(request, f"Noted: {said}")
        else:
            self.tell(
                request, "Nothing was changed: its outcome is known by now, or is told in its conversation.", good=False
            )
        return self.back_to(row)
