"""The console's pages of accounts."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs import console
from socialmedia.admin.words import shortened
from socialmedia.models import Account, Conversation


@admin.register(Account)
class AccountAdmin(console.ConsoleAdmin):
    """Everybody we have met, and our own accounts."""

    list_display = ("shown_as", "platform", "username", "kind", "first_seen")
    list_filter = (("platform", ChoicesDropdownFilter),)
    search_fields = ("username__startswith", "external_id__exact")
    search_help_text = "Beginning of the handle, or the exact id"
    sortable_by = ("username",)
    ordering = ("username",)
    fieldsets = (
        (None, {"fields": ("shown_as", "platform", "username", "external_id", "kind", "bio")}),
        ("Times", {"fields": ("first_seen", "changed")}),
    )

    @admin.display(description="Name")
    def shown_as(self, row: Account) -> str:
        return row.display_name or row.username

    @admin.display(description="Kind")
    def kind(self, row: Account) -> SafeString:
        return console.pill("Bot", "primary") if row.account_type == "bot" else console.pill("Person")

    @admin.display(description="First seen")
    def first_seen(self, row: Account) -> object:
        return console.when(row.created_at)

    @admin.display(description="Last changed")
    def changed(self, row: Account) -> object:
        return console.when(row.updated_at)

    def panels(self, request: HttpRequest, obj: Account) -> list[console.Panel]:
        """Show the conversations with them."""
        rows = Conversation.objects.filter(participant_id=obj.external_id or "-", platform=obj.platform)[:20]
        return [
            console.Panel(
                "Conversations",
                ["With", "Latest message", "Begins"],
                [
                    (console.link(row), console.when(row.last_message_at), shortened(row.last_message_preview))
                    for row in rows
                ],
                empty="None.",
            )
        ]
