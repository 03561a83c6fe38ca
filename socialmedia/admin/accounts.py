"""The console's pages of accounts."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs import console
from socialmedia import account_days, conf, own_accounts
from socialmedia.admin import account_panels
from socialmedia.models import Account, Platform
from socialmedia.own_accounts import BadAccount

SHOWN_DAYS = 14
SHOWN_POSTS = 10


class ZoneForm(forms.Form):
    """Where an account lives."""

    timezone = forms.CharField(
        label="Time zone",
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Like Europe/Berlin. Its day begins there, by which daily limits count. Empty: the community's.",
    )

    def refuse(self, error: BadAccount) -> None:
        """Show what is wrong at its field."""
        self.add_error(error.field if error.field in self.fields else None, str(error))


class OwnAccountForm(ZoneForm):
    """One of our accounts."""

    platform = forms.ChoiceField(
        label="Network", choices=own_accounts.PLATFORMS, initial=Platform.TIKTOK, widget=UnfoldAdminSelectWidget
    )
    username = forms.CharField(
        label="Handle",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        help_text="As others see it, with or without @.",
    )
    field_order = ("platform", "username", "timezone")


def _is_ours(account: Account) -> bool:
    return account.is_own and account.platform != Platform.DISCORD


@admin.register(Account)
class AccountAdmin(console.ConsoleAdmin):
    """Everybody we have met, and our own accounts."""

    list_display = ("shown_as", "platform", "username", "kind", "first_seen")
    list_filter = (("platform", ChoicesDropdownFilter), ("is_own", BooleanRadioFilter))
    search_fields = ("username__startswith", "external_id__exact")
    search_help_text = "Beginning of the handle, or the exact id"
    sortable_by = ("username",)
    ordering = ("username",)
    actions_list = ("add_ours",)  # type: ignore[assignment]  # unfold declares the empty tuple's own type
    actions_detail = ("set_zone", "fetch_figures", "start_figures", "stop_figures", "activate", "deactivate")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "set_zone": lambda account: bool(account.is_own),
        "fetch_figures": lambda account: account.platform == Platform.TIKTOK and account.monitoring_enabled,
        "start_figures": lambda account: account.platform == Platform.TIKTOK and not account.monitoring_enabled,
        "stop_figures": lambda account: account.platform == Platform.TIKTOK and account.monitoring_enabled,
        "activate": lambda account: _is_ours(account) and not account.is_active,
        "deactivate": lambda account: _is_ours(account) and account.is_active,
    }
    fieldsets = (
        (None, {"fields": ("shown_as", "platform", "username", "external_id", "kind", "bio")}),
        ("Figures", {"fields": ("collected", "zone")}),
        ("Times", {"fields": ("first_seen", "changed", "fetched")}),
    )

    def has_name_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may name our own accounts. Not Django's `add`: its button would stand beside ours."""
        return bool(request.user.has_perm("socialmedia.add_account"))

    def get_urls(self) -> list[URLPattern]:
        """Put our own page of an account of ours before Django's."""
        page = self.admin_site.admin_view(self.new)
        return [path("add/", page, name="socialmedia_account_add"), *super().get_urls()]

    def new(self, request: HttpRequest) -> HttpResponse:
        """Make an account one of ours."""
        if not self.has_name_permission(request):
            raise PermissionDenied
        form = OwnAccountForm(request.POST or None)
        if form.is_valid():
            try:
                account = own_accounts.add(**form.cleaned_data, now=timezone.now())
            except BadAccount as error:
                form.refuse(error)
            else:
                self.log_addition(request, account, "Made it one of ours.")
                self.tell(request, f"{account} is one of our accounts.")
                return self.back_to(account)
        sentence = "Staff act in its name, within its limits. A Discord bot is not added here: it logs in by itself."
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Add one of our accounts",
            "question": console.Question("Add one of our accounts", sentence, "Add it", form=form),
            "back": reverse("admin:socialmedia_account_changelist"),
        }
        return TemplateResponse(request, "admin/console/question.html", context)

    @console.page_action("Add one of ours", url_path="add-ours", icon="add", permission="name")
    def add_ours(self, request: HttpRequest) -> HttpResponse:
        """Go to the form."""
        return HttpResponseRedirect(reverse("admin:socialmedia_account_add"))

    @admin.display(description="Name")
    def shown_as(self, row: Account) -> str:
        return row.display_name or row.username

    @admin.display(description="Kind")
    def kind(self, row: Account) -> SafeString:
        if row.is_own and not row.is_active:
            return console.pill("Ours, out of use", "warning")
        if row.account_type == "bot":
            return console.pill("Bot", "primary")
        return console.pill("Ours", "primary") if row.is_own else console.pill("Person")

    @admin.display(description="First seen")
    def first_seen(self, row: Account) -> object:
        return console.when(row.created_at)

    @admin.display(description="Last changed")
    def changed(self, row: Account) -> object:
        return console.when(row.updated_at)

    @admin.display(description="Figures last fetched")
    def fetched(self, row: Account) -> object:
        return console.when(row.last_fetched_at)

    @admin.display(description="Time zone")
    def zone(self, row: Account) -> str:
        return row.timezone or f"{conf.default_zone()} (the community's)"

    @admin.display(description="Collected")
    @console.once
    def collected(self, row: Account) -> str:
        if row.platform != Platform.TIKTOK:
            return "Not on this network"
        if not row.monitoring_enabled:
            return "Switched off"
        fetch = row.fetches.order_by("-pk").first()
        wanted = "Daily, while posts of it are tracked" if not row.is_own else "Daily"
        return f"{wanted}. {account_panels.said(fetch)}" if fetch else f"{wanted}."

    def panels(self, request: HttpRequest, obj: Account) -> list[console.Panel]:
        """Show the conversations with them, and what is known of their posts."""
        may_read = any(request.user.has_perm(f"socialmedia.{may}_conversation") for may in ("view", "change"))
        return account_panels.all_of(obj, may_read=may_read, now=timezone.now())

    @console.page_action("Time zone", url_path="zone", icon="schedule")
    def set_zone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = ZoneForm(request.POST or None, initial={"timezone": row.timezone})
        if request.method == "POST" and form.is_valid():
            try:
                own_accounts.set_zone(row.pk, timezone=form.cleaned_data["timezone"], now=timezone.now())
            except BadAccount as error:
                form.refuse(error)
            else:
                self.note(request, [row], f"Set the time zone to {form.cleaned_data['timezone'] or 'the community’s'}.")
                self.tell(request, "The time zone is set.")
                return self.back_to(row)
        sentence = "What the account did today counts within the new day at once."
        return self.ask(request, row, console.Question("In which zone does it live?", sentence, "Set it", form=form))

    @console.page_action("Collect now", url_path="figures", icon="refresh")
    def fetch_figures(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "A job asks the provider for the profile; this costs one call of its budget."
            return self.ask(request, row, console.Question("Collect today's figures now?", sentence, "Collect"))
        job = account_days.order(row.pk, now=timezone.now())
        self.tell(request, f"Job {job.job_id} collects them.")
        return self.back_to(row)

    @console.page_action("Collect figures", url_path="start-figures", icon="play_arrow")
    def start_figures(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = console.Question(
            "Collect its figures again?", "Once a day, while posts of it are tracked.", "Collect"
        )
        return self._change(request, object_id, question, "Its figures are collected.", monitored=True)

    @console.page_action("Stop figures", url_path="stop-figures", icon="pause")
    def stop_figures(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "What is known stays. Its posts are checked as before."
        question = console.Question("Collect its figures no more?", sentence, "Stop")
        return self._change(request, object_id, question, "Its figures are collected no more.", monitored=False)

    @console.page_action("Take into use", url_path="activate", icon="play_arrow")
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = console.Question("Take it into use again?", "Staff can act in its name then.", "Take into use")
        return self._change(request, object_id, question, "It is in use.", active=True)

    @console.page_action("Take out of use", url_path="deactivate", icon="block", variant=ActionVariant.DANGER)
    def deactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "Nobody can act in its name then. Its log, its posts and its conversations stay."
        question = console.Question("Take it out of use?", sentence, "Take out of use", dangerous=True)
        return self._change(request, object_id, question, "It is out of use.", active=False)

    def _change(
        self,
        request: HttpRequest,
        object_id: str,
        question: console.Question,
        done: str,
        *,
        active: bool | None = None,
        monitored: bool | None = None,
    ) -> HttpResponse:
        """Ask, then switch the one or the other."""
        row, now = self.row_or_404(request, object_id), timezone.now()
        if request.method != "POST":
            return self.ask(request, row, question)
        if active is not None:
            changed = own_accounts.set_active(row.pk, is_active=active, now=now)
        else:
            changed = own_accounts.set_monitored(row.pk, is_monitored=bool(monitored), now=now)
        if changed:
            self.note(request, [row], done)
        self.tell(request, done if changed else "Nothing was changed: it was so already.", good=changed)
        return self.back_to(row)
