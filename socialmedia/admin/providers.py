"""The console's pages of the providers of figures: what was asked of them, and what may still be asked."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Avg, Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs import console
from socialmedia import conf
from socialmedia.admin.words import shortened
from socialmedia.models import ApiUsage, ProviderBudget
from socialmedia.providers import budget

OUTCOMES = {
    "gone": ("Not there", ""),
    "rate_limited": ("Too many", "warning"),
    "refused": ("Refused", "danger"),
}
DAYS = 14


def outcome_pill(row: ApiUsage) -> SafeString:
    """Render what became of a call."""
    if row.success is None:
        return console.pill("No answer noted", "warning")
    if row.success:
        return console.pill("Answered", "success")
    return console.pill(*OUTCOMES.get(row.error_code, ("Failed", "danger")))


@admin.register(ApiUsage)
class ApiUsageAdmin(console.ConsoleAdmin):
    """Every call of a provider, newest first."""

    list_display = ("asked", "provider_name", "endpoint", "outcome", "took", "problem")
    list_filter = ("success", ("platform", ChoicesDropdownFilter), ("requested_at", console.TimeFilter))
    search_fields = ("error_code__exact", "endpoint__exact")
    search_help_text = (
        "Exact kind of failure (gone, rate_limited, refused, unreachable) or of question (video, comments)"
    )
    sortable_by = ("asked",)
    fieldsets = (
        (None, {"fields": ("asked_in_full", "provider_name", "platform", "endpoint", "request_count")}),
        ("Outcome", {"fields": ("outcome", "took", "error_code", "error_message")}),
    )

    @admin.display(description="When", ordering="requested_at")
    def asked(self, row: ApiUsage) -> object:
        return console.when(row.requested_at)

    @admin.display(description="When")
    def asked_in_full(self, row: ApiUsage) -> object:
        return console.exactly(row.requested_at)

    @admin.display(description="Outcome")
    def outcome(self, row: ApiUsage) -> SafeString:
        return outcome_pill(row)

    @admin.display(description="Took")
    def took(self, row: ApiUsage) -> str:
        return console.NOTHING if row.latency_ms is None else f"{row.latency_ms:,} ms"

    @admin.display(description="Problem")
    def problem(self, row: ApiUsage) -> str:
        return shortened(row.error_message) or console.NOTHING


@admin.register(ProviderBudget)
class ProviderBudgetAdmin(console.ConsoleAdmin):
    """A row per provider that was asked: what today has used, and whether it is stopped."""

    list_display = ("provider_name", "today", "state", "reason")
    sortable_by = ()
    ordering = ("provider_name",)
    fieldsets = (
        (None, {"fields": ("provider_name", "state", "until", "reason_in_full", "refusals")}),
        ("Budget", {"fields": ("today", "pace", "next_place")}),
    )
    actions_detail = ("resume",)
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "resume": lambda row: row.is_stopped(timezone.now()),
    }

    @admin.display(description="Requests today (UTC)")
    def today(self, row: ProviderBudget) -> str:
        return f"{row.used_on(timezone.now()):,} of {conf.provider().per_day:,}"

    @admin.display(description="State")
    def state(self, row: ProviderBudget) -> SafeString:
        if row.is_stopped(timezone.now()):
            return console.pill("Stopped", "danger")
        if row.used_on(timezone.now()) >= conf.provider().per_day:
            return console.pill("Spent for today", "warning")
        return console.pill("May be asked", "success")

    @admin.display(description="Reason")
    def reason(self, row: ProviderBudget) -> str:
        return shortened(row.blocked_reason) if row.is_stopped(timezone.now()) else console.NOTHING

    @admin.display(description="Reason")
    def reason_in_full(self, row: ProviderBudget) -> str:
        return row.blocked_reason or console.NOTHING

    @admin.display(description="Not asked before")
    def until(self, row: ProviderBudget) -> object:
        return console.exactly(row.blocked_until)

    @admin.display(description="At most")
    def pace(self, row: ProviderBudget) -> str:
        return f"{conf.provider().per_second:,} a second"

    @admin.display(description="Next place")
    def next_place(self, row: ProviderBudget) -> object:
        is_ahead = row.next_call_at is not None and row.next_call_at > timezone.now()
        return console.exactly(row.next_call_at) if is_ahead else "Now"

    def panels(self, request: HttpRequest, obj: ProviderBudget) -> list[console.Panel]:
        """Show its days, and its latest calls."""
        latest = ApiUsage.objects.filter(provider_name=obj.pk).order_by("-requested_at", "-id")[:10]
        return [
            console.Panel(
                "Days",
                ["Day (UTC)", "Calls", "Failed", "No answer noted", "On average", "At most"],
                [
                    (
                        f"{day['date']:%Y-%m-%d}",
                        f"{day['calls']:,}",
                        f"{day['failed']:,}",
                        f"{day['open']:,}",
                        _milliseconds(day["average"]),
                        _milliseconds(day["longest"]),
                    )
                    for day in _days(obj.pk)
                ],
            ),
            console.Panel(
                "Latest calls",
                ["When", "What for", "Outcome", "Problem"],
                [
                    (
                        console.link(row, f"{row.requested_at:%Y-%m-%d %H:%M:%S}"),
                        row.endpoint,
                        outcome_pill(row),
                        shortened(row.error_message) or console.NOTHING,
                    )
                    for row in latest
                ],
                footer=console.listing(ApiUsage, "All calls"),
            ),
        ]

    @console.page_action("Ask again now", url_path="resume", icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "Do so when the reason is mended: a new key, another plan. If it is not, the next call says so."
            return self.ask(request, row, console.Question("Ask this provider again?", sentence, "Ask again now"))
        if budget.resume(row.pk):
            self.note(request, [row], "Ask again now.")
            self.tell(request, "It is asked again from now on.")
        else:
            self.tell(request, "Nothing was changed: it was not stopped any more.", good=False)
        return self.back_to(row)


def _days(provider: str) -> Iterable[Mapping[str, Any]]:
    """The last days, by idx_api_usage_date."""
    since = timezone.now().date() - timedelta(days=DAYS - 1)
    calls = ApiUsage.objects.filter(provider_name=provider, date__gte=since).order_by("-date").values("date")
    return calls.annotate(
        calls=Count("pk"),
        failed=Count("pk", filter=Q(success=False)),
        open=Count("pk", filter=Q(success=None)),
        average=Avg("latency_ms"),
        longest=Max("latency_ms"),
    )


def _milliseconds(number: float | None) -> str:
    return console.NOTHING if number is None else f"{number:,.0f} ms"
