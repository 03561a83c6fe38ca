"""The console's page of the Discord bots: what they may send, and the switch that stops them."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from bots.governor import controls, figures
from bots.governor.figures import Figures
from bots.governor.refusals import BARRED_FROM, NOTHING_FROM, SLOW_FROM
from bots.models import BotControl
from jobs import console


class StopForm(forms.Form):
    """Why, for those who will wonder."""

    reason = forms.CharField(required=False, max_length=500, widget=UnfoldAdminTextInputWidget)


@admin.register(BotControl)
class BotControlAdmin(console.ConsoleAdmin):
    """A row per bot that has run. Stopping is one action of the list, without a question; resuming asks."""

    list_display = ("name", "state", "since", "stopped_by", "stop_reason", "openings")
    list_select_related = ("account",)
    sortable_by = ()
    ordering = ("account__username", "pk")
    actions = ("stop_selected",)
    actions_detail = ("stop", "resume")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "stop": lambda row: row.stopped_at is None,
        "resume": lambda row: row.stopped_at is not None,
    }
    fieldsets = (
        (None, {"fields": ("name", "state_in_full", "since_in_full", "stopped_by", "stop_reason", "troubles")}),
        ("Private channels", {"fields": ("in_hour", "in_day", "next_opening", "refused_openings")}),
        ("Requests", {"fields": ("refusals",)}),
        ("Queue", {"fields": ("processes", "waiting", "waiting_since")}),
    )

    @admin.display(description="Bot")
    def name(self, row: BotControl) -> str:
        return row.account.display_name or row.account.username

    @admin.display(description="State")
    def state(self, row: BotControl) -> SafeString:
        return console.pill("Stopped", "danger") if row.stopped_at else console.pill("May send", "success")

    @admin.display(description="Stopped")
    def since(self, row: BotControl) -> object:
        return console.when(row.stopped_at)

    @admin.display(description="New private channels")
    def openings(self, row: BotControl) -> object:
        if row.opening_paused_until is None or row.opening_paused_until <= timezone.now():
            return "As the budget allows"
        return console.pill(f"None before {timezone.localtime(row.opening_paused_until):%Y-%m-%d %H:%M %Z}", "warning")

    @admin.display(description="Stopped")
    def since_in_full(self, row: BotControl) -> object:
        return console.exactly(row.stopped_at)

    @admin.display(description="State")
    def state_in_full(self, row: BotControl) -> SafeString:
        found = _figures(row)
        color = "danger" if not found.controls.may_send else "warning" if found.troubles else "success"
        return console.pill(found.state.capitalize(), color)

    @admin.display(description="To know")
    def troubles(self, row: BotControl) -> str:
        return " ".join(_figures(row).troubles) or "Nothing keeps it from sending."

    @admin.display(description="Opened in the last hour")
    def in_hour(self, row: BotControl) -> str:
        return str(_figures(row).opened_in_hour)

    @admin.display(description="Opened in the last day")
    def in_day(self, row: BotControl) -> str:
        return str(_figures(row).opened_in_day)

    @admin.display(description="Next may be opened")
    def next_opening(self, row: BotControl) -> object:
        found = _figures(row)
        if found.next_opening_at is None:
            return "Never: the budget is 0"
        return "Now" if found.next_opening_at <= found.at else console.exactly(found.next_opening_at)

    @admin.display(description="Refused by Discord")
    def refused_openings(self, row: BotControl) -> str:
        found = _figures(row)
        return f"{found.openings_refused:,} of the last {found.openings_judged:,}"

    @admin.display(description="Refused in the last ten minutes")
    def refusals(self, row: BotControl) -> str:
        number = _figures(row).controls.refusals
        return (
            f"{number:,} of all bots. From {SLOW_FROM:,} on they send slowly, from {NOTHING_FROM:,} on nothing; "
            f"at {BARRED_FROM:,} Discord bars our address."
        )

    @admin.display(description="Processes")
    def processes(self, row: BotControl) -> str:
        found = _figures(row)
        return f"{found.bots:,}, {found.connected:,} connected to Discord"

    @admin.display(description="Due messages")
    def waiting(self, row: BotControl) -> str:
        return _figures(row).queue.capitalize()

    @admin.display(description="The first is due since")
    def waiting_since(self, row: BotControl) -> object:
        return console.exactly(_figures(row).waiting_since)

    @admin.action(description="Stop sending, at once", permissions=["operate"])
    def stop_selected(self, request: HttpRequest, queryset: QuerySet[BotControl]) -> None:
        self._stop(request, list(queryset.select_related("account")), reason="")

    @console.page_action("Stop sending", url_path="stop", icon="front_hand", variant=ActionVariant.DANGER)
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop; the reason may be left out."""
        row = self.row_or_404(request, object_id)
        form = StopForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            sentence = "It sends nothing more from now on, and still listens. What is queued waits."
            question = console.Question("Stop this bot?", sentence, "Stop sending", True, form)
            return self.ask(request, row, question)
        self._stop(request, [row], reason=form.cleaned_data["reason"])
        return self.back_to(row)

    @console.page_action("Resume sending", url_path="resume", icon="play_arrow", variant=ActionVariant.PRIMARY)
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, and let it send again."""
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = f"What is due and still permitted goes out at once: {_figures(row).queue}."
            return self.ask(request, row, console.Question("Let this bot send again?", sentence, "Resume sending"))
        if controls.resume(row.pk, by=request.user.get_username(), now=timezone.now()):
            self.note(request, [row], "Let it send again.")
            self.tell(request, "It sends again.")
        else:
            self.tell(request, "Nothing was changed: it was not stopped.", good=False)
        return self.back_to(row)

    def _stop(self, request: HttpRequest, rows: Iterable[BotControl], *, reason: str) -> None:
        who, now = request.user.get_username(), timezone.now()
        stopped = [row for row in rows if controls.stop(row.pk, by=who, reason=reason, now=now)]
        self.note(request, stopped, "Stopped sending.")
        if stopped:
            self.tell(request, f"Stopped: {', '.join(self.name(row) for row in stopped)}. Nothing more is sent.")
        else:
            self.tell(request, "Nothing was changed: it was stopped already.", good=False)


def _figures(row: BotControl) -> Figures:
    """The row's figures, read once for a page."""
    known: dict[str, Figures] = row.__dict__
    if "_figures" not in known:
        known["_figures"] = figures.of_account(row.pk, now=timezone.now())
    return known["_figures"]
