"""The console's page of posts that do far better than their account's usual."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from jobs import console
from socialmedia.admin.words import shortened
from socialmedia.metrics import alerts
from socialmedia.models import PostAlert


class SeenFilter(admin.SimpleListFilter):
    """By whether somebody looked at it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("new", "New"), ("seen", "Seen")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        return queryset if self.value() is None else queryset.filter(seen_at__isnull=self.value() == "new")


@admin.register(PostAlert)
class AlertAdmin(console.ConsoleAdmin):
    """Alerts, the newest first."""

    list_display = ("noticed", "state", "author", "words", "times", "counted")
    list_filter = (SeenFilter, ("created_at", console.TimeFilter))
    list_select_related = ("post", "post__account")
    sortable_by = ()
    actions = ("mark_selected",)
    actions_detail = ("mark_seen",)
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {"mark_seen": lambda alert: alert.seen_at is None}
    fieldsets = (
        (None, {"fields": ("times", "state", "post_link", "author", "counted", "age", "noticed_in_full")}),
        ("Seen", {"fields": ("seen", "seen_by")}),
    )

    @admin.display(description="Noticed")
    def noticed(self, alert: PostAlert) -> object:
        return console.when(alert.created_at)

    @admin.display(description="Noticed")
    def noticed_in_full(self, alert: PostAlert) -> object:
        return console.exactly(alert.created_at)

    @admin.display(description="State")
    def state(self, alert: PostAlert) -> SafeString:
        return console.pill("New", "warning") if alert.seen_at is None else console.pill("Seen", "success")

    @admin.display(description="By")
    def author(self, alert: PostAlert) -> str:
        return f"@{alert.post.account.username}"

    @admin.display(description="Post")
    def words(self, alert: PostAlert) -> str:
        return shortened(alert.post.caption, 60) or alert.post.external_post_id

    @admin.display(description="Post")
    def post_link(self, alert: PostAlert) -> object:
        return console.link(alert.post, self.words(alert))

    @admin.display(description="How far")
    def times(self, alert: PostAlert) -> str:
        return str(alert)

    @admin.display(description="Counted")
    def counted(self, alert: PostAlert) -> str:
        return f"{alert.value:,} {alert.metric}, usual are {alert.usual:,.0f}"

    @admin.display(description="At the age of")
    def age(self, alert: PostAlert) -> str:
        return f"{alert.at_hours:,.1f} hours"

    @admin.display(description="When")
    def seen(self, alert: PostAlert) -> object:
        return console.exactly(alert.seen_at)

    @admin.action(description="Mark as seen", permissions=["operate"])
    def mark_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by, now = request.user.get_username()[:150], timezone.now()
        changed = [alert for alert in self.few(request, queryset) if alerts.seen(alert.pk, by=by, now=now)]
        self.note(request, changed, "Seen.")
        self.tell(request, f"{len(changed)} alert{' is' if len(changed) == 1 else 's are'} marked as seen.")

    @console.page_action("Mark as seen", url_path="seen", icon="visibility")
    def mark_seen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        alert = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "It leaves the first page's count. The post is told of once in each round of tracking."
            return self.ask(request, alert, console.Question("Mark this alert as seen?", sentence, "Mark it"))
        if alerts.seen(alert.pk, by=request.user.get_username()[:150], now=timezone.now()):
            self.note(request, [alert], "Seen.")
            self.tell(request, "The alert is marked as seen.")
        else:
            self.tell(request, "Nothing was changed: somebody has seen it before.", good=False)
        return self.back_to(alert)
