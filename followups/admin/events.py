"""Booked events, with what became of their follow-ups."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.enums import ActionVariant

from followups import events
from followups.admin.forms import DueForm
from followups.admin.members import follow_up_pill, whom
from followups.models import Booking, BookingStatus, FollowUp
from followups.planning import CannotPlan
from jobs import console


def _is_booked(booking: Booking) -> bool:
    return booking.status == BookingStatus.BOOKED


@admin.register(Booking)
class EventAdmin(console.ConsoleAdmin):
    """Events: who booked what, and when we check back."""

    list_display = ("when", whom, "event", "state", "booking_id")
    list_filter = (("status", ChoicesDropdownFilter), ("event_at", console.TimeFilter))
    search_fields = ("booking_id__exact", "user__user_id__exact")
    search_help_text = "Exact id of the booking or of the member"
    list_select_related = ("user",)
    sortable_by = ("when",)
    ordering = ("-event_at", "-id")
    actions_detail = ("move", "cancel")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {"move": _is_booked, "cancel": _is_booked}
    fieldsets = (
        (None, {"fields": ("event", "member", "state", "booking_id")}),
        ("Times", {"fields": ("when_in_full", "heard", "changed", "cancelled")}),
        ("Follow-up", {"fields": ("delay", "follow_up", "follow_up_state")}),
    )

    @admin.display(description="When", ordering="event_at")
    def when(self, row: Booking) -> object:
        return console.when(row.event_at)

    @admin.display(description="When")
    def when_in_full(self, row: Booking) -> object:
        return console.exactly(row.event_at)

    @admin.display(description="Event")
    def event(self, row: Booking) -> str:
        return row.name or console.NOTHING

    @admin.display(description="Member")
    def member(self, row: Booking) -> object:
        return console.link(row.user)

    @admin.display(description="State")
    def state(self, row: Booking) -> SafeString:
        if not _is_booked(row):
            return console.pill("Cancelled")
        return console.pill("Over", "success") if row.event_at < timezone.now() else console.pill("Booked", "info")

    @admin.display(description="Noted")
    def heard(self, row: Booking) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="Last changed")
    def changed(self, row: Booking) -> object:
        return console.exactly(row.updated_at)

    @admin.display(description="Cancelled")
    def cancelled(self, row: Booking) -> object:
        return console.exactly(row.cancelled_at)

    @admin.display(description="After the event")
    def delay(self, row: Booking) -> str:
        return f"{row.follow_up_delay.total_seconds() / 3600:g} hours"

    @admin.display(description="Follow-up")
    @console.once
    def follow_up(self, row: Booking) -> object:
        planned = FollowUp.objects.filter(pk=row.follow_up_id).first()
        return console.link(planned) if planned else "None of its own: not opted in, or an event nearby has it."

    @admin.display(description="Its state")
    @console.once
    def follow_up_state(self, row: Booking) -> object:
        status = FollowUp.objects.filter(pk=row.follow_up_id).values_list("status", flat=True).first()
        return follow_up_pill(status) if status else console.NOTHING

    @console.page_action("Move", url_path="move", icon="update")
    def move(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = DueForm(request.POST or None, initial={"at": row.event_at})
        if form.is_valid():
            try:
                moved = events.move(row.pk, event_at=form.cleaned_data["at"], now=timezone.now())
            except CannotPlan as error:
                form.add_error("at", str(error))
            else:
                when = f"{moved.booking.event_at:%Y-%m-%d %H:%M} UTC"
                self.note(request, [row], f"Moved to {when}.")
                self.tell(request, f"Moved to {when}. {_follow_up_in_words(moved)}", good=moved.is_planned)
                return self.back_to(row)
        sentence = "Its follow-up moves, too, unless it went out already."
        return self.ask(request, row, console.Question("Move this event", sentence, "Move it", form=form))

    @console.page_action("Cancel event", url_path="cancel", icon="cancel", variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "Its follow-up is cancelled, too. Another event nearby that shared it gets its own."
            return self.ask(request, row, console.Question("Cancel this event?", sentence, "Cancel it", dangerous=True))
        done = events.cancel(row.pk, now=timezone.now())
        if done.changed:
            self.note(request, [row], "Cancelled.")
            self.tell(request, "The event is cancelled" + (", and its follow-up." if done.stopped_follow_up else "."))
        else:
            self.tell(request, "Nothing was changed: it was cancelled before.", good=False)
        return self.back_to(row)


def _follow_up_in_words(moved: events.Booked) -> str:
    if moved.follow_up is not None and moved.is_planned:
        return f"Its follow-up is due on {moved.follow_up.scheduled_at:%Y-%m-%d %H:%M} UTC."
    return moved.reason
