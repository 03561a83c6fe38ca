"""Texts by the language model: what waits for a person, what it rests on, and what became of the others."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from followups import channels, composing
from followups.llm import approval, context, drafting, grounding
from followups.llm.approval import AlreadyDecided, NotUsable
from followups.models import Draft, DraftStatus
from jobs import console
from socialmedia.admin.words import shortened
from socialmedia.models import Message

STATUS_COLORS = {
    DraftStatus.WAITING: "warning",
    DraftStatus.APPROVED: "info",
    DraftStatus.USED: "success",
    DraftStatus.REJECTED: "",
    DraftStatus.VOID: "",
    DraftStatus.FAILED: "danger",
}
_SOURCE = re.compile(r"m(\d{1,18})")
_WAITS = "waiting"


class EditForm(forms.Form):
    """Other words for the same follow-up."""

    text = forms.CharField(
        max_length=grounding.LONGEST_TEXT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="The way to opt out is put below it. The checks run on your words, too.",
    )


class RejectForm(forms.Form):
    """Why the text is not sent."""

    reason = forms.CharField(
        max_length=255,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept with the draft, to write better prompts.",
    )


class StateFilter(admin.SimpleListFilter):
    """By state; at first only what waits, which has an index of its own."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer everything, and each state."""
        return [("all", "All"), *((str(value), str(label)) for value, label in DraftStatus.choices if value != _WAITS)]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Name the first choice after what it shows."""
        first, *others = super().choices(changelist)
        yield {**first, "display": DraftStatus.WAITING.label}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one state."""
        chosen = self.value() or _WAITS
        return queryset if chosen == "all" else queryset.filter(status=chosen)


def status_pill(status: str) -> SafeString:
    """Render where a draft is."""
    state = DraftStatus(status)
    return console.pill(str(state.label), STATUS_COLORS[state])


def marked(text: str, words: Iterable[str]) -> SafeString:
    """Quote a source with the words marked that bear a claim out."""
    wanted = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not wanted:
        return format_html("{}", text)
    pieces = re.split(rf"\b({wanted})\b", text)
    shown = [format_html("<mark>{}</mark>", piece) if index % 2 else piece for index, piece in enumerate(pieces)]
    return format_html_join("", "{}", ((piece,) for piece in shown))


@admin.register(Draft)
class DraftAdmin(console.ConsoleAdmin):
    """Drafts: waiting ones first, oldest first, because they run out of time."""

    list_display = ("written", "member", "kind", "words", "state", "until", "who")
    list_filter = (StateFilter,)
    search_fields = ("follow_up__user__user_id__exact", "follow_up__id__exact")
    search_help_text = "Exact id of the member or of the follow-up"
    list_select_related = ("follow_up__user",)
    sortable_by = ()
    actions_detail = ("approve", "edit", "reject")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        name: lambda draft: draft.status == DraftStatus.WAITING for name in actions_detail
    }
    fieldsets = (
        (None, {"fields": ("member", "follow_up_link", "state", "problem_in_full", "until_in_full", "decided")}),
        ("Two ways to say it", {"fields": ("text", "instead")}),
        ("Is it safe?", {"fields": ("safety",)}),
        ("How it was written", {"fields": ("model", "prompt_version", "took", "written_in_full")}),
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str | Combinable, ...]:
        """The oldest first of those that wait, of others the newest."""
        return ("-id",) if StateFilter.parameter_name in request.GET else ("id",)

    @admin.display(description="Written")
    def written(self, row: Draft) -> object:
        return console.when(row.created_at)

    @admin.display(description="Written")
    def written_in_full(self, row: Draft) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="Member")
    def member(self, row: Draft) -> object:
        return console.link(row.follow_up.user)

    @admin.display(description="Kind")
    def kind(self, row: Draft) -> str:
        return str(row.follow_up.get_trigger_type_display())

    @admin.display(description="Words")
    def words(self, row: Draft) -> str:
        return shortened(row.text) or shortened(row.problem) or console.NOTHING

    @admin.display(description="State")
    def state(self, row: Draft) -> SafeString:
        return status_pill(row.status)

    @admin.display(description="Template sent")
    def until(self, row: Draft) -> object:
        return console.when(row.expires_at) if row.status == DraftStatus.WAITING else console.NOTHING

    @admin.display(description="Decided by")
    def who(self, row: Draft) -> str:
        return row.decided_by or console.NOTHING

    @admin.display(description="Follow-up")
    def follow_up_link(self, row: Draft) -> object:
        return console.link(row.follow_up)

    @admin.display(description="Problem")
    def problem_in_full(self, row: Draft) -> str:
        return row.problem or console.NOTHING

    @admin.display(description="Waits until")
    def until_in_full(self, row: Draft) -> object:
        if row.status != DraftStatus.WAITING:
            return console.NOTHING
        return format_html("{} Then the template is sent.", console.exactly(row.expires_at))

    @admin.display(description="Decided")
    def decided(self, row: Draft) -> object:
        if row.decided_at is None:
            return console.NOTHING
        return format_html("by {} {}", row.decided_by, console.when(row.decided_at))

    @admin.display(description="The template instead")
    @console.once
    def instead(self, row: Draft) -> object:
        if row.status not in drafting.LIVE or not row.follow_up.is_unwritten:
            return console.NOTHING
        try:
            return composing.compose(row.follow_up.user, row.follow_up, now=timezone.now()).text
        except composing.NothingPublished as error:  # no template suits: then there is nothing but this draft
            return str(error)

    @admin.display(description="Checks, asked now")
    @console.once
    def safety(self, row: Draft) -> object:
        if row.status not in drafting.LIVE:
            return console.NOTHING
        now, profile = timezone.now(), row.follow_up.user
        known = context.gather(row.follow_up, profile, channels.find(profile), now=now)
        fault = drafting.fault_of(row, known, now=now)
        if fault is not None:
            return format_html("{} {} The template will be sent.", console.pill("Not usable", "danger"), fault[1])
        rests = "Each claim below rests on the member's own words." if row.claims else "It claims nothing about them."
        words = f"{rests} No mention, link, address, placeholder or sensitive topic; nothing new from them since."
        return format_html("{} {}", console.pill("Passes", "success"), words)

    @admin.display(description="Took")
    def took(self, row: Draft) -> str:
        return console.NOTHING if row.seconds is None else f"{row.seconds:.1f} s"

    def panels(self, request: HttpRequest, obj: Draft) -> list[console.Panel]:
        """Show each claim beside the message that it rests on."""
        sources = self._sources(obj)
        rows = [
            (claim.says, *self._quoted(claim, sources), console.when(self._sent_at(claim, sources)))
            for claim in drafting.answer_of(obj).claims
        ]
        empty = "The text says nothing about the member's life, so it needs no source."
        return [console.Panel("What it says of them, and why", ["It says", "They wrote", "When"], rows, empty=empty)]

    def _sources(self, row: Draft) -> dict[str, Message]:
        """The messages that the claims name: this member's own ones, and no others."""
        named = [_SOURCE.fullmatch(claim.source) for claim in drafting.answer_of(row).claims]
        messages = Message.objects.filter(
            pk__in=[int(match[1]) for match in named if match],
            is_outgoing=False,
            conversation__participant_id=row.follow_up.user_id,
        )
        return {f"m{message.pk}": message for message in messages}

    def _quoted(self, claim: grounding.Claim, sources: dict[str, Message]) -> tuple[object]:
        if claim.source in sources:
            text = sources[claim.source].message_text
            return (marked(text, grounding.shared_words(claim.says, text)),)
        known = {"goal": "(their goal)", "event": "(the event)"}
        return (known.get(claim.source, f"{claim.source}: there is no such message of theirs."),)

    def _sent_at(self, claim: grounding.Claim, sources: dict[str, Message]) -> Any:
        return sources[claim.source].sent_at if claim.source in sources else None

    @console.page_action("Approve", url_path="approve", icon="check", variant=ActionVariant.SUCCESS)
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "It is sent as it stands, as soon as the policy lets it. The way to opt out is put below it."
            return self.ask(request, row, console.Question("Send this text?", sentence, "Approve"))
        return self._approved(request, row, None, "Approved.")

    @console.page_action("Edit and approve", url_path="edit", icon="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = EditForm(request.POST) if request.method == "POST" else EditForm(initial={"text": row.text})
        question = console.Question(
            "Send other words?", "You vouch for what they say.", "Approve these words", form=form
        )
        if not form.is_bound or not form.is_valid():
            return self.ask(request, row, question)
        try:
            return self._approved(request, row, form.cleaned_data["text"], "Edited and approved.")
        except NotUsable as error:
            form.add_error("text", str(error))
            return self.ask(request, row, question)

    @console.page_action("Reject", url_path="reject", icon="block", variant=ActionVariant.DANGER)
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = RejectForm(request.POST or None)
        if not form.is_valid():
            sentence = "The template is sent instead, as soon as the policy lets it."
            return self.ask(request, row, console.Question("Reject this text?", sentence, "Reject", True, form))
        try:
            approval.reject(
                row.pk, by=request.user.get_username(), reason=form.cleaned_data["reason"], now=timezone.now()
            )
        except AlreadyDecided as error:
            self.tell(request, f"Nothing was changed. {error}", good=False)
        else:
            self.note(request, [row], "Rejected.")
            self.tell(request, "Rejected: the template is sent instead.")
        return self.back_to(row)

    def _approved(self, request: HttpRequest, row: Draft, text: str | None, note: str) -> HttpResponse:
        try:
            draft = approval.approve(row.pk, by=request.user.get_username(), text=text, now=timezone.now())
        except AlreadyDecided as error:
            self.tell(request, f"Nothing was changed. {error}", good=False)
            return self.back_to(row)
        if draft.status == DraftStatus.APPROVED:
            self.note(request, [row], note)
            self.tell(request, "Approved: it is sent as soon as the policy lets it.")
        else:
            self.tell(request, f"The template is sent instead. {draft.problem}", good=False)
        return self.back_to(row)
