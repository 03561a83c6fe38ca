"""Templates: their words, their versions, and what they would say to a member."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.enums import ActionVariant

from followups import composing
from followups.admin.template_forms import (
    MemberForm,
    NewTemplateForm,
    ReasonForm,
    WordsForm,
    placeholders_in_words,
)
from followups.analytics import guard
from followups.composing import languages, variables
from followups.models import FollowUpHistory, RelationshipLevel, Trigger, UserProfile
from jobs import console
from socialmedia import templates
from socialmedia.models import MessageTemplate, TemplateStatus
from socialmedia.templates import BadTemplate, Place, WrongState

COLORS = {TemplateStatus.DRAFT: "info", TemplateStatus.PUBLISHED: "success", TemplateStatus.RETIRED: ""}
FIGURES_OF = timedelta(days=30)
MOST_FOUND = 10


def state_pill(row: MessageTemplate) -> SafeString:
    """Render whether it is sent."""
    if row.status == TemplateStatus.PUBLISHED and row.paused_at:
        return console.pill("Paused", "warning")
    if row.status == TemplateStatus.PUBLISHED and not row.is_active:
        return console.pill("Switched off", "warning")
    state = TemplateStatus(row.status)
    return console.pill(str(state.label), COLORS[state])


class TriggerFilter(admin.SimpleListFilter):
    """By what it is for."""

    title = "trigger"
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the triggers."""
        return [(str(value), str(label)) for value, label in Trigger.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one trigger's."""
        return queryset.filter(trigger=self.value()) if self.value() else queryset


class LanguageFilter(admin.SimpleListFilter):
    """By language, with its regions."""

    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the languages."""
        return [(code, code) for code in sorted(languages.codes())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one language's."""
        code = self.value()
        return queryset.filter(Q(locale=code) | Q(locale__startswith=f"{code}-")) if code else queryset


@admin.register(MessageTemplate)
class TemplateAdmin(console.ConsoleAdmin):
    """Templates. A published version never changes: editing makes a draft, publishing it retires the other."""

    list_display = ("key", "locale", "level_in_words", "mood", "variant", "version", "state", "used", "begins")
    list_filter = (("status", ChoicesDropdownFilter), TriggerFilter, LanguageFilter)
    search_fields = ("key__startswith",)
    search_help_text = "Beginning of the key"
    list_select_related = ("account",)
    sortable_by = ("key", "used")
    ordering = ("key", "locale", F("level").asc(nulls_first=True), "emotion", "variant", "-version")
    actions_detail = ("preview", "edit", "publish", "pause", "resume", "retire")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "publish": lambda row: row.status == TemplateStatus.DRAFT,
        "pause": lambda row: row.status == TemplateStatus.PUBLISHED and row.paused_at is None,
        "resume": lambda row: row.status == TemplateStatus.PUBLISHED and row.paused_at is not None,
        "retire": lambda row: row.status != TemplateStatus.RETIRED,
    }
    fieldsets = (
        (None, {"fields": ("state_in_full", "words", "name")}),
        ("For", {"fields": ("key", "kind", "locale", "level_in_words", "mood", "variant", "weight", "whose")}),
        ("Life", {"fields": ("version", "origin", "published", "changed", "used", "last_used")}),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may add templates. Nothing is sent by it before somebody publishes."""
        return bool(request.user.has_perm("socialmedia.add_messagetemplate"))

    def get_urls(self) -> list[URLPattern]:
        """Put our own page of a new template before Django's."""
        page = self.admin_site.admin_view(self.new)
        return [path("add/", page, name="socialmedia_messagetemplate_add"), *super().get_urls()]

    @admin.display(description="Level", ordering="level")
    def level_in_words(self, row: MessageTemplate) -> str:
        return "All" if row.level is None else str(RelationshipLevel(row.level).label)

    @admin.display(description="Mood")
    def mood(self, row: MessageTemplate) -> str:
        return row.emotion.capitalize() or "All"

    @admin.display(description="State")
    def state(self, row: MessageTemplate) -> SafeString:
        return state_pill(row)

    @admin.display(description="State")
    def state_in_full(self, row: MessageTemplate) -> SafeString:
        if row.paused_at is None:
            return state_pill(row)
        return format_html("{} {} {}", state_pill(row), console.when(row.paused_at), row.pause_reason)

    @admin.display(description="Used", ordering="times_used")
    def used(self, row: MessageTemplate) -> str:
        return f"{row.times_used:,}"

    @admin.display(description="Begins")
    def begins(self, row: MessageTemplate) -> str:
        return row.template_text if len(row.template_text) <= 60 else row.template_text[:59] + "…"

    @admin.display(description="Text")
    def words(self, row: MessageTemplate) -> SafeString:
        return format_html('<pre class="console-json">{}</pre>', row.template_text)

    @admin.display(description="Trigger")
    def kind(self, row: MessageTemplate) -> str:
        return str(Trigger(row.trigger).label) if row.trigger in Trigger.values else console.NOTHING

    @admin.display(description="Account")
    def whose(self, row: MessageTemplate) -> object:
        return console.link(row.account) if row.account else "All"

    @admin.display(description="Made by")
    def origin(self, row: MessageTemplate) -> str:
        return "Came with Checkback" if row.is_shipped else "Staff"

    @admin.display(description="Published")
    def published(self, row: MessageTemplate) -> object:
        by = f" by {row.published_by}" if row.published_by else ""
        return format_html("{}{}", console.exactly(row.published_at), by)

    @admin.display(description="Last changed")
    def changed(self, row: MessageTemplate) -> object:
        return console.exactly(row.updated_at)

    @admin.display(description="Last used")
    def last_used(self, row: MessageTemplate) -> object:
        return console.exactly(row.last_used_at)

    def panels(self, request: HttpRequest, obj: MessageTemplate) -> list[console.Panel]:
        """Show how it does, what it may say, and its other versions."""
        return [self._figures_panel(obj), self._placeholders_panel(obj), self._versions_panel(obj)]

    @staticmethod
    def _figures_panel(row: MessageTemplate) -> console.Panel:
        lately = FollowUpHistory.objects.filter(template=row, sent_at__gte=timezone.now() - FIGURES_OF)
        found = lately.aggregate(
            sent=Count("pk"),
            answered=Count("pk", filter=Q(response_received=True)),
            harm=Count("pk", filter=~Q(harm="")),
        )
        sent = found["sent"]
        share = f"{found['answered']:,} ({found['answered'] / sent:.0%})" if sent else console.NOTHING
        return console.Panel(
            f"Last {FIGURES_OF.days} days",
            ["Sent", "Answered", "Did harm"],
            [(f"{sent:,}", share, f"{found['harm']:,}")],
        )

    @staticmethod
    def _placeholders_panel(row: MessageTemplate) -> console.Panel:
        return console.Panel(
            "Placeholders",
            ["Written as", "Stands for", "Used here"],
            [
                (f"{{{name}}}", meaning, "Yes" if name in row.variables else "No")
                for name, meaning in variables.of_trigger(row.trigger).items()
            ],
        )

    @staticmethod
    def _versions_panel(row: MessageTemplate) -> console.Panel:
        return console.Panel(
            "Versions",
            ["Version", "State", "Published", "Text"],
            [
                (
                    console.link(one, str(one.version)),
                    state_pill(one),
                    console.when(one.published_at),
                    one.template_text[:200],
                )
                for one in templates.versions(Place.of(row)).order_by("-version")[:20]
            ],
        )

    def new(self, request: HttpRequest) -> HttpResponse:
        """Make the first draft of a template."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewTemplateForm(request.POST or None)
        if form.is_valid():
            row = self._save(form, form.place())
            if row is not None:
                self.log_addition(request, row, "Made a draft.")
                self.tell(request, "The draft is saved. It is sent once somebody publishes it.")
                return self.back_to(row)
        sentence = "It is a draft until somebody publishes it."
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New template",
            "question": console.Question("New template", sentence, "Save the draft", form=form),
            "back": reverse("admin:socialmedia_messagetemplate_changelist"),
        }
        return TemplateResponse(request, "admin/console/question.html", context)

    @console.page_action("Edit", url_path="edit", icon="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        is_draft = row.status == TemplateStatus.DRAFT
        initial = {"text": row.template_text, "name": row.name, "weight": row.weight}
        form = WordsForm(request.POST or None, initial=initial)
        form.fields["text"].help_text = placeholders_in_words(row.trigger)
        if form.is_valid():
            saved = self._save(form, Place.of(row), draft_id=row.pk if is_draft else None)
            if saved is not None:
                self.note(request, [saved], "Changed the draft." if is_draft else f"Made version {saved.version}.")
                self.tell(request, "The draft is saved. It is sent once somebody publishes it.")
                return self.back_to(saved)
        sentence = (
            "Nothing of a draft is sent."
            if is_draft
            else "This version stays as it is; your words become a draft of the next one."
        )
        return self.ask(request, row, console.Question("Edit the text", sentence, "Save the draft", form=form))

    @staticmethod
    def _save(form: WordsForm, place: Place, *, draft_id: int | None = None) -> MessageTemplate | None:
        """Store the words. None, and the form says why, when they make no sense."""
        words = form.cleaned_data
        try:
            return templates.save_draft(
                place=place,
                text=words["text"],
                name=words["name"],
                weight=words["weight"],
                rules=composing.rules(place.trigger),
                draft_id=draft_id,
                now=timezone.now(),
            )
        except BadTemplate as error:
            form.refuse(error)
        except WrongState as error:
            form.add_error(None, str(error))
        return None

    @console.page_action("Preview", url_path="preview", icon="visibility")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = MemberForm(request.GET if "member" in request.GET else None)
        found = _members(form.cleaned_data["member"]) if form.is_valid() else []
        if form.is_bound and not form.errors and not found:
            form.add_error("member", "Nobody with this id, and nobody whose name begins like this.")
        shown = composing.preview(row, found[0], now=timezone.now()) if len(found) == 1 else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Preview",
            "original": row,
            "form": form,
            "found": found,
            "shown": shown,
            "back": self.address(row),
        }
        return TemplateResponse(request, "admin/console/template_preview.html", context)

    @console.page_action("Publish", url_path="publish", icon="publish", variant=ActionVariant.PRIMARY)
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "Members get it from now on. The version that is published now is retired."
        question = console.Question("Publish this version?", sentence, "Publish")
        by = request.user.get_username()
        return self._confirmed(
            request,
            object_id,
            question,
            lambda pk, _: templates.publish(pk, by=by, now=timezone.now()),
            done="Published.",
        )

    @console.page_action("Retire", url_path="retire", icon="archive", variant=ActionVariant.DANGER)
    def retire(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "It is never sent again, and no upgrade brings it back. To use its words again, edit it."
        question = console.Question("Retire this version?", sentence, "Retire", dangerous=True)
        return self._confirmed(
            request, object_id, question, lambda pk, _: templates.retire(pk, now=timezone.now()), done="Retired."
        )

    @console.page_action("Pause", url_path="pause", icon="pause_circle")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        form = ReasonForm(request.POST or None)
        sentence = "Members get the next best text until somebody resumes it."
        question = console.Question("Pause this version?", sentence, "Pause", form=form)
        return self._confirmed(
            request,
            object_id,
            question,
            lambda pk, answers: templates.pause(pk, reason=answers["reason"], now=timezone.now()),
            done="Paused.",
        )

    @console.page_action("Resume", url_path="resume", icon="play_circle")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = console.Question("Resume this version?", "Members get it again from now on.", "Resume")
        by = request.user.get_username()
        return self._confirmed(
            request,
            object_id,
            question,
            lambda pk, _: guard.resume_text(pk, by=by, now=timezone.now()),
            done="Resumed.",
        )

    def _confirmed(
        self,
        request: HttpRequest,
        object_id: str,
        question: console.Question,
        change: Callable[[int, dict[str, Any]], object],
        *,
        done: str,
    ) -> HttpResponse:
        """Ask, and do it when the answer comes back complete."""
        row = self.row_or_404(request, object_id)
        if request.method != "POST" or not _is_answered(question.form):
            return self.ask(request, row, question)
        try:
            change(row.pk, getattr(question.form, "cleaned_data", {}))
        except WrongState as error:
            self.tell(request, f"Nothing was changed: {error}", good=False)
        else:
            self.note(request, [row], done)
            self.tell(request, done)
        return self.back_to(row)


def _is_answered(form: forms.Form) -> bool:
    return not form.fields or form.is_valid()


def _members(words: str) -> list[UserProfile]:
    """Find the member with this id, or some whose name begins so."""
    if "\x00" in words:
        return []
    exact = list(UserProfile.objects.filter(pk=words))
    return exact or list(UserProfile.objects.filter(name__startswith=words).order_by("name", "pk")[:MOST_FOUND])
