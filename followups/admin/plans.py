"""Follow-ups, what was sent, and the ledger of decisions."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.enums import ActionVariant

from followups import delivery, planning
from followups.admin import answers, forecast
from followups.admin.forms import DueForm
from followups.admin.members import answered, decisions_panel, follow_up_pill, whom
from followups.models import FollowUp, FollowUpHistory, FollowUpStatus, PolicyDecision, UserProfile
from followups.policy import Gate
from jobs import console
from jobs.admin import attempts_panel, status_pill
from jobs.models import ScheduledJob
from socialmedia.admin.messages import DoubtAdmin
from socialmedia.admin.words import delivery_pill, shortened
from socialmedia.models import MessageStatus


def _is_in_doubt(follow_up: FollowUp) -> bool:
    """Whether nobody knows if its message arrived."""
    return follow_up.message is not None and follow_up.message.status == MessageStatus.UNKNOWN


@admin.register(FollowUp)
class FollowUpAdmin(DoubtAdmin):
    """Follow-ups: what is planned, and what came of it."""

    list_display = ("due", whom, "kind", "state", "delivery", "answer", "why")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("trigger_type", ChoicesDropdownFilter),
        ("scheduled_at", console.TimeFilter),
    )
    search_fields = ("user__user_id__exact", "id__exact")
    search_help_text = "Exact id of the member or of the follow-up"
    list_select_related = ("user", "message", "history")
    sortable_by = ("due",)
    ordering = ("-scheduled_at", "id")
    actions = ("cancel_selected",)
    actions_detail = ("reschedule", "cancel", *DoubtAdmin.actions_detail)
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "reschedule": lambda follow_up: follow_up.status == FollowUpStatus.PENDING and follow_up.message_id is None,
        "cancel": lambda follow_up: follow_up.status == FollowUpStatus.PENDING,
        "it_arrived": _is_in_doubt,
        "it_did_not_arrive": _is_in_doubt,
    }
    fieldsets = (
        (None, {"fields": ("member", "kind", "state", "why_in_full")}),
        ("Times", {"fields": ("due_in_full", "created", "executed", "cancelled")}),
        ("Message", {"fields": ("delivery", "answer", "message_link", "message_content", "template_id")}),
        ("Job", {"fields": ("job_link", "job_state")}),
        ("What the trigger knew", {"fields": ("knew",)}),
    )

    def get_urls(self) -> list[URLPattern]:
        """Put the forecast's page before Django's."""
        return [forecast.address(self), *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the link from a member."""
        return lookup == "user__user_id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="Due", ordering="scheduled_at")
    def due(self, row: FollowUp) -> object:
        return console.when(row.scheduled_at)

    @admin.display(description="Due")
    def due_in_full(self, row: FollowUp) -> object:
        return console.exactly(row.scheduled_at)

    @admin.display(description="Kind")
    def kind(self, row: FollowUp) -> str:
        return str(row.get_trigger_type_display())

    @admin.display(description="Status")
    def state(self, row: FollowUp) -> SafeString:
        return follow_up_pill(row.status)

    @admin.display(description="Message")
    def delivery(self, row: FollowUp) -> object:
        if row.message:
            return delivery_pill(row.message)
        return "Not written yet" if row.status == FollowUpStatus.PENDING else console.NOTHING

    @admin.display(description="Answer")
    def answer(self, row: FollowUp) -> str:
        history = getattr(row, "history", None)  # Django raises an AttributeError where there is none
        return answered(history) if history else console.NOTHING

    @admin.display(description="Why")
    def why(self, row: FollowUp) -> str:
        return shortened(row.reason or row.error_message) or console.NOTHING

    @admin.display(description="Why")
    def why_in_full(self, row: FollowUp) -> str:
        return row.reason or row.error_message or console.NOTHING

    @admin.display(description="Member")
    def member(self, row: FollowUp) -> object:
        return console.link(row.user)

    @admin.display(description="Planned")
    def created(self, row: FollowUp) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="Arrived")
    def executed(self, row: FollowUp) -> object:
        return console.exactly(row.executed_at)

    @admin.display(description="Cancelled")
    def cancelled(self, row: FollowUp) -> object:
        return console.exactly(row.cancelled_at)

    @admin.display(description="In the outbox")
    def message_link(self, row: FollowUp) -> object:
        return console.link(row.message, "Open the message") if row.message else console.NOTHING

    @admin.display(description="Job")
    @console.once
    def job_link(self, row: FollowUp) -> object:
        job = ScheduledJob.objects.filter(pk=row.job_id).first()
        if job is None:
            return f"{row.job_id} (deleted since)" if row.job_id else console.NOTHING
        return console.link(job)

    @admin.display(description="Its state")
    @console.once
    def job_state(self, row: FollowUp) -> object:
        status = ScheduledJob.objects.filter(pk=row.job_id).values_list("status", flat=True).first()
        return status_pill(status) if status else console.NOTHING

    @admin.display(description="Data")
    def knew(self, row: FollowUp) -> object:
        return console.pretty(row.trigger_data) if row.trigger_data else console.NOTHING

    def panels(self, request: HttpRequest, obj: FollowUp) -> list[console.Panel]:
        """Show why it went out or did not, and how its job ran."""
        return [decisions_panel(PolicyDecision.objects.filter(follow_up_id=obj.pk)), attempts_panel(obj.job_id)]

    def _reason(self, request: HttpRequest) -> str:
        return f"{planning.BY_HAND} {request.user.get_username()}"[:255]

    @admin.action(description="Cancel the pending ones", permissions=["operate"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        now, reason, chosen = timezone.now(), self._reason(request), self.few(request, queryset)
        if not chosen:
            return
        done_to = [row for row in chosen if planning.cancel_followup(row.pk, reason=reason, now=now)]
        changed, left = len(done_to), len(chosen) - len(done_to)
        self.note(request, done_to, "Cancelled.")
        sentence = f"{changed} follow-up{'' if changed == 1 else 's'} cancelled."
        if left:
            sentence += f" {left} could not be: no longer pending, or the message is on its way."
        self.tell(request, sentence, good=not left)

    @console.page_action("Cancel follow-up", url_path="cancel", icon="cancel", variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "Its job and its queued message are stopped, too."
            return self.ask(request, row, console.Question("Cancel this follow-up?", sentence, "Cancel it", True))
        if planning.cancel_followup(row.pk, reason=self._reason(request), now=timezone.now()):
            self.note(request, [row], "Cancelled.")
            self.tell(request, "The follow-up is cancelled.")
        else:
            self.tell(request, "Nothing was changed: no longer pending, or the message is on its way.", good=False)
        return self.back_to(row)

    @console.page_action("Reschedule", url_path="reschedule", icon="update")
    def reschedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = DueForm(request.POST or None, initial={"at": row.scheduled_at})
        if form.is_valid():
            try:
                moved = planning.reschedule_followup(row.pk, due_at=form.cleaned_data["at"], now=timezone.now())
            except planning.CannotPlan as error:
                form.add_error("at", str(error))
            else:
                return self._rescheduled(request, row, moved=moved)
        sentence = "Its job moves, too. Quiet hours and limits hold for the new time as well."
        return self.ask(request, row, console.Question("Reschedule this follow-up", sentence, "Reschedule", form=form))

    def _rescheduled(self, request: HttpRequest, row: FollowUp, *, moved: bool) -> HttpResponse:
        if moved:
            row.refresh_from_db()
            when = f"{row.scheduled_at:%Y-%m-%d %H:%M} UTC"
            self.note(request, [row], f"Rescheduled to {when}.")
            self.tell(request, f"Rescheduled to {when}.")
        else:
            sentence = "Nothing was changed: no longer pending, its message is written, or its job is at work."
            self.tell(request, sentence, good=False)
        return self.back_to(row)

    def settle(self, row: FollowUp, *, arrived: bool, by: str) -> bool:
        if row.message is None:
            return False
        return delivery.settle_unknown(row.message, arrived=arrived, by=by, now=timezone.now())


@admin.register(FollowUpHistory)
class SentAdmin(console.ConsoleAdmin):
    """What reached its member, and whether they answered."""

    list_display = ("sent", whom, "words", "answer")
    list_filter = (("response_received", BooleanRadioFilter), ("sent_at", console.TimeFilter))
    search_fields = ("user__user_id__exact",)
    search_help_text = "Exact id of the member"
    list_select_related = ("user",)
    sortable_by = ()
    ordering = ("-id",)
    fields = ("member", "plan", "sent_in_full", "message_sent", "answer", "context")

    @admin.display(description="Sent")
    def sent(self, row: FollowUpHistory) -> object:
        return console.when(row.sent_at)

    @admin.display(description="Sent")
    def sent_in_full(self, row: FollowUpHistory) -> object:
        return console.exactly(row.sent_at)

    @admin.display(description="Words")
    def words(self, row: FollowUpHistory) -> str:
        return shortened(row.message_sent)

    @admin.display(description="Answer")
    def answer(self, row: FollowUpHistory) -> str:
        return answered(row)

    @admin.display(description="Member")
    def member(self, row: FollowUpHistory) -> object:
        return console.link(row.user)

    @admin.display(description="Follow-up")
    def plan(self, row: FollowUpHistory) -> object:
        return console.link(row.follow_up)

    @admin.display(description="Written from")
    def context(self, row: FollowUpHistory) -> object:
        return console.pretty(row.context_data) if row.context_data else console.NOTHING


class VerdictFilter(admin.SimpleListFilter):
    """By the answer."""

    title = "answer"
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the three answers."""
        return [("send", "Yes"), ("hold", "Later"), ("drop", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one answer."""
        return queryset.filter(verdict=self.value()) if self.value() else queryset


class GateFilter(admin.SimpleListFilter):
    """By the gate that decided."""

    title = "gate"
    parameter_name = "gate"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the gates in their order."""
        return [(gate.value, answers.GATES[gate]) for gate in Gate]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one gate."""
        return queryset.filter(gate=self.value()) if self.value() else queryset


@admin.register(PolicyDecision)
class DecisionAdmin(console.ConsoleAdmin):
    """The ledger: why a member did or did not get a message."""

    list_display = ("decided", "user_id", "kind", "asked", "answer", "why")
    list_filter = (VerdictFilter, GateFilter, ("decided_at", console.TimeFilter))
    search_fields = ("user_id__exact", "follow_up_id__exact")
    search_help_text = "Exact id of the member or of the follow-up"
    sortable_by = ()
    ordering = ("-id",)
    fields = ("member", "follow_up", "kind", "asked", "answer", "reason", "until", "decided_in_full", "seen")

    @admin.display(description="When")
    def decided(self, row: PolicyDecision) -> object:
        return console.when(row.decided_at)

    @admin.display(description="When")
    def decided_in_full(self, row: PolicyDecision) -> object:
        return console.exactly(row.decided_at)

    @admin.display(description="Member")
    @console.once
    def member(self, row: PolicyDecision) -> object:
        known = UserProfile.objects.filter(pk=row.user_id).first()
        return console.link(known) if known else row.user_id

    @admin.display(description="Follow-up")
    @console.once
    def follow_up(self, row: PolicyDecision) -> object:
        known = FollowUp.objects.filter(pk=row.follow_up_id).first() if row.follow_up_id else None
        return console.link(known) if known else row.follow_up_id or console.NOTHING

    @admin.display(description="Kind")
    def kind(self, row: PolicyDecision) -> str:
        return answers.kind_words(row.trigger_type)

    @admin.display(description="Asked")
    def asked(self, row: PolicyDecision) -> str:
        return answers.asked_words(row.asked_by)

    @admin.display(description="Answer")
    def answer(self, row: PolicyDecision) -> SafeString:
        return answers.verdict_pill(row.verdict, row.gate)

    @admin.display(description="Why")
    def why(self, row: PolicyDecision) -> str:
        return shortened(row.reason) or console.NOTHING

    @admin.display(description="Asked again")
    def until(self, row: PolicyDecision) -> object:
        return console.exactly(row.held_until)

    @admin.display(description="The facts it saw")
    def seen(self, row: PolicyDecision) -> SafeString:
        return format_html("{}", console.pretty(row.inputs))
