"""The console's pages of accounts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs import bars, console
from jobs.bars import Bars, Chart
from socialmedia import account_days, conf, own_accounts
from socialmedia.admin.comments import figure, title
from socialmedia.admin.hashtags import day_labels, days_back
from socialmedia.admin.words import shortened
from socialmedia.models import Account, AccountSnapshot, AnalyticsFetch, Conversation, FetchStatus, Platform, Post
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
    change_form_outer_after_template = "admin/console/charted.html"
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

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may name our own accounts."""
        return bool(request.user.has_perm("socialmedia.add_account"))

    def get_urls(self) -> list[URLPattern]:
        """Put our own page of an account of ours before Django's."""
        page = self.admin_site.admin_view(self.new)
        return [path("add/", page, name="socialmedia_account_add"), *super().get_urls()]

    def new(self, request: HttpRequest) -> HttpResponse:
        """Make an account one of ours."""
        if not self.has_add_permission(request):
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
        failure = row.fetches.order_by("-pk").first()
        wanted = "Daily, while posts of it are tracked" if not row.is_own else "Daily"
        return f"{wanted}. {_said(failure)}" if failure else f"{wanted}."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Bring along the chart of its followers."""
        key = object_id if object_id.isascii() and object_id.isdigit() and len(object_id) < 19 else "0"
        charts = _followers(int(key), now=timezone.now()) if self.has_view_permission(request) else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "charts": charts})

    def panels(self, request: HttpRequest, obj: Account) -> list[console.Panel]:
        """Show the conversations with them, and what is known of their posts."""
        rows = Conversation.objects.filter(participant_id=obj.external_id or "-", platform=obj.platform)[:20]
        conversations = console.Panel(
            "Conversations",
            ["With", "Latest message", "Begins"],
            [
                (console.link(row), console.when(row.last_message_at), shortened(row.last_message_preview))
                for row in rows
            ],
            empty="None.",
        )
        return [conversations] if obj.platform == Platform.DISCORD else [_days(obj), _posts(obj), conversations]

    @console.page_action("Set time zone", url_path="zone", icon="schedule")
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

    @console.page_action("Collect figures now", url_path="figures", icon="refresh")
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


def _said(fetch: AnalyticsFetch) -> str:
    """How the last fetch went."""
    status = FetchStatus(fetch.status)
    reason = f": {fetch.error_message}" if fetch.error_message else ""
    return f"Last fetch: {str(status.label).lower()}{reason}"


def _posts(account: Account) -> console.Panel:
    rows: QuerySet[Post] = account.posts.defer("raw_data").order_by("-pk")[: SHOWN_POSTS + 1]
    every = console.listing(Post, "All posts", account__id__exact=str(account.pk))
    return console.Panel(
        "Posts",
        ["Post", "Published", "Tracking"],
        [
            (console.link(row, title(row)), console.when(row.posted_at), row.get_tracking_state_display())
            for row in rows[:SHOWN_POSTS]
        ],
        empty="None is known here.",
        footer=every if len(rows) > SHOWN_POSTS else "",
    )


def _days(account: Account) -> console.Panel:
    rows = account.days.defer("raw_data").order_by("-snapshot_date")[:SHOWN_DAYS]
    return console.Panel(
        "Day by day",
        ["Day", "Followers", "Change", "Likes", "Posts", "Engagement", "Views per post"],
        [_day(row) for row in rows],
        empty="No figures were collected yet.",
    )


def _day(row: AccountSnapshot) -> tuple[object, ...]:
    engagement = console.NOTHING if row.engagement_rate is None else f"{row.engagement_rate:g} %"
    views = console.NOTHING if row.avg_views_per_post is None else f"{row.avg_views_per_post:,.0f}"
    return (
        f"{row.snapshot_date:%Y-%m-%d}",
        figure(row.followers_count),
        console.NOTHING if row.followers_growth is None else f"{row.followers_growth:+,}",
        figure(row.total_likes),
        figure(row.posts_count),
        engagement,
        views,
    )


def _followers(account_id: int, *, now: datetime) -> list[Chart]:
    days = days_back(now=now)
    counted = AccountSnapshot.objects.filter(account=account_id, snapshot_date__gte=days[0])
    known = dict(counted.order_by("snapshot_date").values_list("snapshot_date", "followers_count"))
    if not known:
        return []
    told = [value for value in known.values() if value is not None]
    latest = f"{told[-1]:,}, {told[-1] - told[0]:+,} since the first of these days." if told else "not known."
    values = [known.get(day) for day in days]
    bar = Bars("Followers", "var(--color-primary-500)", values)
    return [bars.draw("Followers", f"Latest: {latest}", day_labels(days), [bar])]
