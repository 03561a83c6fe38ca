"""The console's pages of messages, and how a person settles what became of one."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs import console
from socialmedia import outbox
from socialmedia.admin.words import delivery_pill, direction, shortened
from socialmedia.models import Message, MessageStatus


class DoubtAdmin(console.ConsoleAdmin):
    """Pages on which a person says what became of a message whose outcome nobody knew."""

    actions_detail: tuple[str, ...] = ("it_arrived", "it_did_not_arrive")

    def settle(self, row: Any, *, arrived: bool, by: str) -> bool:
        """Write it down. False, and nothing changed, when it is not in doubt (any more)."""
        raise NotImplementedError

    @console.page_action("It arrived", url_path="it-arrived", icon="mark_email_read")
    def it_arrived(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "Look into the conversation first. It then counts as sent, and an answer to it will count."
        question = console.Question("Did the message arrive?", sentence, "It arrived")
        return self._settle(request, object_id, question, arrived=True)

    @console.page_action("It did not arrive", url_path="it-did-not-arrive", icon="unsubscribe")
    def it_did_not_arrive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sentence = "Look into the conversation first. It then counts as failed; nothing is sent again."
        question = console.Question("Did the message not arrive?", sentence, "It did not arrive")
        return self._settle(request, object_id, question, arrived=False)

    def _settle(
        self, request: HttpRequest, object_id: str, question: console.Question, *, arrived: bool
    ) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self.ask(request, row, question)
        if self.settle(row, arrived=arrived, by=request.user.get_username()):
            self.note(request, [row], question.button + ".")
            self.tell(request, "Noted: it arrived." if arrived else "Noted: it did not arrive.")
        else:
            self.tell(request, "Nothing was changed: its outcome is known by now.", good=False)
        return self.back_to(row)


def _is_doubtful_reply(message: Message) -> bool:
    """Whether nobody knows if it arrived. A follow-up's message is settled on the follow-up's own page."""
    return message.status == MessageStatus.UNKNOWN and not message.is_automated


@admin.register(Message)
class MessageAdmin(DoubtAdmin):
    """Messages in and out; an outgoing one is the outbox's row."""

    list_display = ("sent", "who", "conversation_link", "words", "delivery", "problem")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        "is_outgoing",
        "is_automated",
        ("sent_at", console.TimeFilter),
    )
    search_fields = ("conversation__participant_id__exact",)
    search_help_text = "Exact id of the other side"
    sortable_by = ("sent",)
    list_select_related = ("conversation",)
    ordering = ("-sent_at", "-id")
    fieldsets = (
        (None, {"fields": ("conversation_link", "who", "message_text", "message_type", "template_used")}),
        ("Delivery", {"fields": ("delivery", "sent_in_full", "delivered", "attempts", "next_try", "problem_in_full")}),
        ("Proof", {"fields": ("consent_id", "nonce", "external_message_id")}),
        ("Details", {"fields": ("details",), "classes": ("collapse",)}),
    )

    actions_detail = DoubtAdmin.actions_detail
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = dict.fromkeys(actions_detail, _is_doubtful_reply)

    def settle(self, row: Message, *, arrived: bool, by: str) -> bool:
        return _is_doubtful_reply(row) and outbox.settle_unknown(row.pk, arrived=arrived, now=timezone.now())

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the link from a conversation."""
        return lookup == "conversation__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="When", ordering="sent_at")
    def sent(self, row: Message) -> object:
        return console.when(row.sent_at)

    @admin.display(description="Queued or sent")
    def sent_in_full(self, row: Message) -> object:
        return console.exactly(row.sent_at)

    @admin.display(description="Who")
    def who(self, row: Message) -> str:
        return direction(row)

    @admin.display(description="Conversation")
    def conversation_link(self, row: Message) -> object:
        return console.link(row.conversation)

    @admin.display(description="Words")
    def words(self, row: Message) -> str:
        return shortened(row.message_text) or str(row.get_message_type_display())

    @admin.display(description="Delivery")
    def delivery(self, row: Message) -> SafeString:
        return delivery_pill(row)

    @admin.display(description="Arrived")
    def delivered(self, row: Message) -> object:
        return console.exactly(row.delivered_at)

    @admin.display(description="Next attempt")
    def next_try(self, row: Message) -> object:
        return console.exactly(row.next_attempt_at) if row.status == MessageStatus.QUEUED else console.NOTHING

    @admin.display(description="Problem")
    def problem(self, row: Message) -> str:
        return shortened(row.error_message, 60) or console.NOTHING

    @admin.display(description="Problem")
    def problem_in_full(self, row: Message) -> object:
        if not row.error_message:
            return console.NOTHING
        return format_html("{} {}", row.error_message, f"({row.error_code})" if row.error_code else "")

    @admin.display(description="What else the network said")
    def details(self, row: Message) -> SafeString:
        return console.pretty(row.metadata)
