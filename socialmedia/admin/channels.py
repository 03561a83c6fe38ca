"""The console's pages of public channels and imported chats."""

from django.contrib import admin
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from jobs import console
from socialmedia.models import Channel, ChatImport


@admin.register(Channel)
class ChannelAdmin(console.ConsoleAdmin):
    """Public channels whose activity is known."""

    list_display = ("name", "guild_name", "platform", "first_seen")
    list_filter = (("platform", ChoicesDropdownFilter),)
    search_fields = ("external_id__exact",)
    sortable_by = ()
    fields = ("name", "guild_name", "platform", "external_id", "first_seen")

    @admin.display(description="First seen")
    def first_seen(self, row: Channel) -> object:
        return console.when(row.created_at)


@admin.register(ChatImport)
class ChatImportAdmin(console.ConsoleAdmin):
    """Imported chat exports."""

    list_display = ("file_name", "channel", "figures", "imported")
    list_select_related = ("channel",)
    sortable_by = ("imported",)
    fields = ("file_name", "channel", "figures", "span", "imported")

    @admin.display(description="Messages")
    def figures(self, row: ChatImport) -> str:
        return f"{row.messages_read:,} read, {row.messages_new:,} new, {row.members_new:,} new people"

    @admin.display(description="From, to")
    def span(self, row: ChatImport) -> object:
        return format_html("{} – {}", console.exactly(row.first_message_at), console.exactly(row.last_message_at))

    @admin.display(description="Imported", ordering="imported_at")
    def imported(self, row: ChatImport) -> object:
        return console.when(row.imported_at)
