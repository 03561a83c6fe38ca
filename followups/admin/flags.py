"""Flags: what a person must look at, and the note that they have."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from followups import flags
from followups.admin.forms import NoteForm
from followups.models import FlagKind, MessageEmotion, StaffFlag
from jobs import console
from socialmedia.admin.words import shortened

KIND_COLORS = {FlagKind.ESCALATION: "danger", FlagKind.NEGATIVE_REPLY: "warning", FlagKind.HARM: "danger"}


class OpenFilter(admin.SimpleListFilter):
    """By whether somebody has dealt with it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("open", "Open"), ("settled", "Settled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        return queryset if self.value() is None else queryset.filter(settled_at__isnull=self.value() == "open")


@admin.register(StaffFlag)
class FlagAdmin(console.ConsoleAdmin):
    """Flags, the open ones first."""

    list_display = ("last_raised", "state", "what", "about", "words", "how_often")
    list_filter = (OpenFilter, ("kind", ChoicesDropdownFilter), ("last_raised_at", console.TimeFilter))
    search_fields = ("user__user_id__exact",)
    search_help_text = "Exact id of the member"
    list_select_related = ("user", "message")
    sortable_by = ()
    actions_detail = ("settle",)
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {"settle": lambda flag: flag.settled_at is None}
    fieldsets = (
        (None, {"fields": ("what", "state", "member", "subject", "detail", "how_often")}),
        ("Their latest message about it", {"fields": ("wrote", "written", "sounded", "message_link")}),
        ("Times", {"fields": ("first_raised_in_full", "last_raised_in_full")}),
        ("Settled", {"fields": ("settled_in_full", "settled_by", "note")}),
    )

    @admin.display(description="Last raised")
    def last_raised(self, flag: StaffFlag) -> object:
        return console.when(flag.last_raised_at)

    @admin.display(description="State")
    def state(self, flag: StaffFlag) -> SafeString:
        return console.pill("Open", "danger") if flag.settled_at is None else console.pill("Settled", "success")

    @admin.display(description="What")
    def what(self, flag: StaffFlag) -> SafeString:
        kind = FlagKind(flag.kind)
        return console.pill(str(kind.label), KIND_COLORS[kind])

    @admin.display(description="About")
    def about(self, flag: StaffFlag) -> str:
        return str(flag.user or flag.subject or console.NOTHING)

    @admin.display(description="Message")
    def words(self, flag: StaffFlag) -> str:
        return shortened(flag.message.message_text) if flag.message else flag.detail

    @admin.display(description="Raised")
    def how_often(self, flag: StaffFlag) -> str:
        return "Once" if flag.times == 1 else f"{flag.times} times"

    @admin.display(description="Member")
    def member(self, flag: StaffFlag) -> object:
        return console.link(flag.user)

    @admin.display(description="Words")
    def wrote(self, flag: StaffFlag) -> str:
        return flag.message.message_text if flag.message else console.NOTHING

    @admin.display(description="When")
    def written(self, flag: StaffFlag) -> object:
        return console.exactly(flag.message.sent_at if flag.message else None)

    @admin.display(description="How it sounded")
    @console.once
    def sounded(self, flag: StaffFlag) -> str:
        row = MessageEmotion.objects.filter(pk=flag.message_id).first()
        if row is None:
            return console.NOTHING
        sure = f"confidence {row.confidence:.2f}, read by {row.method}"
        return f"{row.category.capitalize()}, {row.label}: {row.score:.2f} of 1 ({sure}). A hint, not a verdict."

    @admin.display(description="In the inbox")
    @console.once
    def message_link(self, flag: StaffFlag) -> object:
        return console.link(flag.message.conversation, "Open the conversation") if flag.message else console.NOTHING

    @admin.display(description="First raised")
    def first_raised_in_full(self, flag: StaffFlag) -> object:
        return console.exactly(flag.raised_at)

    @admin.display(description="Last raised")
    def last_raised_in_full(self, flag: StaffFlag) -> object:
        return console.exactly(flag.last_raised_at)

    @admin.display(description="When")
    def settled_in_full(self, flag: StaffFlag) -> object:
        return console.exactly(flag.settled_at)

    @console.page_action("Settle", url_path="settle", icon="task_alt")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        flag = self.row_or_404(request, object_id)
        form = NoteForm(request.POST or None)
        if form.is_valid():
            by, note = request.user.get_username(), form.cleaned_data["note"]
            if flags.settle(flag.pk, by=by[:150], note=note, now=timezone.now()):
                self.note(request, [flag], "Settled.")
                self.tell(request, "The flag is settled.")
            else:
                self.tell(request, "Nothing was changed: somebody has settled it before.", good=False)
            return self.back_to(flag)
        sentence = "Say what was done. If it happens again, a new flag is raised."
        return self.ask(request, flag, console.Question("Settle this flag?", sentence, "Settle it", form=form))
