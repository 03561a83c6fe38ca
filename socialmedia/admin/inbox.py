"""The console's inbox: the conversations of all networks in their boxes, and the page of one of them."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs import console
from socialmedia.admin import thread_page
from socialmedia.admin.thread_acts import ACTS, REFUSALS, BadInput, Press
from socialmedia.admin.thread_forms import NewConversationForm
from socialmedia.admin.words import shortened
from socialmedia.desk import boxes, threads, written_down
from socialmedia.desk.boxes import BOXES, Looking
from socialmedia.models import Account, Conversation, ConversationSummary

MOST_NAMESAKES = 50


def _user(request: HttpRequest) -> User:
    """Who asks: the console lets nobody in without a name."""
    return cast("User", request.user)


class BoxFilter(admin.SimpleListFilter):
    """One box at a time: the tabs above the list."""

    title = "box"
    parameter_name = "box"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the boxes."""
        return [(box.name, box.label) for box in BOXES]

    def choices(self, changelist: Any) -> Any:
        """Leave out Django's own "All": nothing chosen means the inbox."""
        return list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the box's. A search without a box looks everywhere."""
        name = self.value() or ("all" if request.GET.get("q") else "inbox")
        return boxes.find(name).rows(queryset, Looking(request.user.pk, timezone.now()))


@admin.register(Conversation)
class ConversationAdmin(console.ConsoleAdmin):
    """The inbox, and the chat behind each of its lines."""

    list_display = ("with_whom", "begins", "latest", "looked_after_by", "our_side", "figures")
    list_filter = (BoxFilter, ("platform", ChoicesDropdownFilter))
    list_before_template = "admin/inbox/boxes.html"  # type: ignore[assignment]  # unfold declares None
    search_fields = ("participant_id__exact",)
    search_help_text = "Handle, or exact id"
    sortable_by = ("latest",)
    list_select_related = ("account", "assigned_to")

    # --- the list ---

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by exact id and by exact handle. On Discord a conversation knows its member's id only."""
        words = search_term.strip().removeprefix("@")[:255].replace("\x00", "")
        if not words:
            return queryset, False
        handles = {words, words.lower()}
        namesakes = Account.objects.filter(username__in=handles, external_id__isnull=False)
        ids = list(namesakes.values_list("external_id", flat=True)[:MOST_NAMESAKES])
        found = Q(participant_id__in=[words, *ids]) | Q(participant_username__in=handles)
        return queryset.filter(found), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the tabs, and bring the counts of the rows along in one query."""
        here = reverse("admin:socialmedia_conversation_changelist")
        current = request.GET.get("box") or ("all" if request.GET.get("q") else "inbox")
        context = {
            "boxes": [(box.label, f"{here}?box={box.name}", box.name == current) for box in BOXES],
            "may_begin": self.has_operate_permission(request),
            "title": "Inbox",
            **(extra_context or {}),
        }
        response: TemplateResponse = super().changelist_view(request, context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            self._bring_counts(shown["cl"].result_list)
        return response

    @staticmethod
    def _bring_counts(rows: Any) -> None:
        """Read the counts from the view, which has what is not put away; the rest shows none."""
        found = ConversationSummary.objects.filter(pk__in=[row.pk for row in rows])
        counts = {row.pk: row for row in found.order_by()}
        for row in rows:
            row.summary = counts.get(row.pk)

    @admin.display(description="With", ordering="participant_display_name")
    def with_whom(self, row: Conversation) -> object:
        name = shortened(str(row), 40)
        states = thread_page.pills(row, now=timezone.now())
        if not states:
            return name
        return format_html("{}<br>{}", name, format_html(" ".join("{}" for _ in states), *states))

    @admin.display(description="Latest message")
    def begins(self, row: Conversation) -> str:
        if not row.last_message_preview:
            return console.NOTHING
        return ("You: " if row.last_message_is_outgoing else "") + shortened(row.last_message_preview, 70)

    @admin.display(description="When", ordering="last_message_at")
    def latest(self, row: Conversation) -> object:
        return console.when(row.last_message_at)

    @admin.display(description="Assigned to")
    def looked_after_by(self, row: Conversation) -> str:
        return row.assigned_to.get_username() if row.assigned_to else console.NOTHING

    @admin.display(description="Our account")
    def our_side(self, row: Conversation) -> str:
        return f"{row.account.username} ({row.get_platform_display()})"

    @admin.display(description="Messages")
    def figures(self, row: Any) -> object:
        summary = getattr(row, "summary", None)
        if summary is None:
            return console.NOTHING
        title = f"{summary.received_messages:,} from them, {summary.sent_messages:,} from us"
        return format_html('<span title="{}">{}</span>', title, f"{summary.total_messages:,}")

    # --- the page ---

    def get_urls(self) -> list[URLPattern]:
        """Add what the page's buttons call."""
        wrap, name = self.admin_site.admin_view, "socialmedia_conversation"
        return [
            path("new/", wrap(self.begin), name=f"{name}_begin"),
            path("<path:object_id>/act/", wrap(self.act), name=f"{name}_act"),
            path("<path:object_id>/block/", wrap(self.block), name=f"{name}_block"),
            path("<path:object_id>/spam/", wrap(self.spam), name=f"{name}_spam"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the chat. Looking at it changes nothing: it stays unread until somebody says so, or answers."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = None if "\x00" in object_id else self.get_object(request, object_id)
        if row is None:
            return super().change_view(request, object_id, form_url, extra_context)
        may_act = self.has_operate_permission(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            "act_address": reverse("admin:socialmedia_conversation_act", args=[row.pk]),
            "list_address": reverse("admin:socialmedia_conversation_changelist"),
            **thread_page.context(
                row, _user(request), before=request.GET.get("before", ""), may_act=may_act, now=timezone.now()
            ),
        }
        return TemplateResponse(request, "admin/inbox/thread.html", context)

    def act(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Do what a button says, and go back to the page."""
        row = self._operated(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            self.tell(request, "This button is not known: reload the page.", good=False)
            return self.back_to(row)
        try:
            told = act(Press(row, _user(request), request.POST, timezone.now()))
        except (*REFUSALS, BadInput) as error:
            self.tell(request, str(error), good=False)
            return self.back_to(row)
        except Conversation.DoesNotExist:
            self.tell(request, "This conversation is gone.", good=False)
            return HttpResponseRedirect(reverse("admin:socialmedia_conversation_changelist"))
        if told.is_history:
            self.note(request, [row], told.sentence)
        self.tell(request, told.sentence, good=told.good)
        return self.back_to(row)

    def block(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then block."""
        sentence = (
            "Nothing goes out to it any more, neither from staff nor by itself. Replies that wait are cancelled, and "
            "what they write does not count as unread."
        )
        question = console.Question("Block this conversation?", sentence, "Block", dangerous=True)
        return self._shut(request, object_id, question, threads.block)

    def spam(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then mark as spam."""
        sentence = "It is blocked and put into the archive for good, until somebody says that it is no spam."
        question = console.Question("Is this spam?", sentence, "Mark as spam", dangerous=True)
        return self._shut(request, object_id, question, threads.mark_spam)

    def begin(self, request: HttpRequest) -> HttpResponse:
        """Begin a conversation on a network that does not tell us of them."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = NewConversationForm(request.POST or None)
        may_add = request.user.has_perm("socialmedia.add_account")
        if request.method == "POST" and form.is_valid():
            try:
                row = written_down.begin(**form.cleaned_data, may_add=may_add, now=timezone.now())
            except written_down.BadEntry as error:
                form.add_error(error.field, str(error))
            else:
                self.tell(request, "Here it is. Write down what they wrote, then answer.")
                return self.back_to(row)
        question = console.Question(
            "New conversation",
            "For networks on which no program can send or receive: what they write is written down here, and your "
            "answers are prepared here and copied by you.",
            "Begin",
            form=form,
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": question.title,
            "question": question,
            "back": reverse("admin:socialmedia_conversation_changelist"),
        }
        return TemplateResponse(request, "admin/console/question.html", context)

    def _operated(self, request: HttpRequest, object_id: str) -> Conversation:
        """The row, for who may act on it. Permission comes first: a stranger learns of no row."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        row: Conversation = self.row_or_404(request, object_id)
        return row

    def _shut(
        self, request: HttpRequest, object_id: str, question: console.Question, change: Callable[..., threads.Change]
    ) -> HttpResponse:
        row = self._operated(request, object_id)
        if request.method != "POST":
            return self.ask(request, row, question)
        done = change(row.pk, by=request.user.get_username(), now=timezone.now())
        if done.is_new:
            self.note(request, [row], done.sentence)
        self.tell(request, done.sentence)
        return self.back_to(row)
