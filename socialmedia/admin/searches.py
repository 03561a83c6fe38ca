"""The console's pages of searches."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs import console
from socialmedia import searching
from socialmedia.actions import LimitReached
from socialmedia.admin.comments import figure
from socialmedia.admin.words import shortened
from socialmedia.models import Account, Platform, SearchKind, SearchResult, SearchRun, SearchStatus
from socialmedia.providers.base import ProviderError
from socialmedia.rules import BrokenSetting

PATIENCE = timedelta(seconds=5)
COLORS = {SearchStatus.RUNNING: "info", SearchStatus.DONE: "success", SearchStatus.FAILED: "danger"}
COLUMNS = {
    SearchKind.USER: ["Place", "Handle", "Name", "Profile", "Followers", "Posts", "Links"],
    SearchKind.VIDEO: ["Place", "By", "Words", "Views", "Likes", "Links"],
    SearchKind.HASHTAG: ["Place", "Hashtag", "Views", "Posts", "Links"],
}


class SearchForm(forms.Form):
    """What to search for."""

    kind = forms.ChoiceField(label="For", choices=SearchKind.choices, widget=UnfoldAdminSelectWidget)
    words = forms.CharField(
        max_length=searching.LONGEST, widget=UnfoldAdminTextInputWidget, help_text="Of a hashtag the exact word."
    )
    count = forms.IntegerField(
        label="At most",
        required=False,
        min_value=1,
        max_value=searching.MOST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Results. Empty: 20 people or videos, 10 hashtags.",
    )
    account = forms.ModelChoiceField(
        label="In the name of",
        queryset=Account.objects.filter(is_own=True, is_active=True, platform=Platform.TIKTOK),
        required=False,
        empty_label="Nobody",
        widget=UnfoldAdminSelectWidget,
        help_text="One of our accounts: then it counts within its limits and stands in its log.",
    )


@admin.register(SearchRun)
class SearchAdmin(console.ConsoleAdmin):
    """Searches and what they found."""

    list_display = ("asked", "kind_in_words", "begins", "state", "found", "asked_by")
    list_filter = (("kind", ChoicesDropdownFilter), ("status", ChoicesDropdownFilter))
    sortable_by = ()
    actions_list = ("new_search",)  # type: ignore[assignment]  # unfold declares the empty tuple's own type
    fields = ("kind_in_words", "query", "state", "problem", "found", "asked_in_full", "asked_by", "whose", "provider")

    def has_search_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may search: each search costs a call of the provider's budget. Not Django's `add`: its button would
        stand beside ours.
        """
        return bool(request.user.has_perm("socialmedia.add_searchrun"))

    def get_urls(self) -> list[URLPattern]:
        """Put our own page of a new search before Django's."""
        page = self.admin_site.admin_view(self.new)
        return [path("add/", page, name="socialmedia_searchrun_add"), *super().get_urls()]

    def new(self, request: HttpRequest) -> HttpResponse:
        """Search now, and go to the results."""
        if not self.has_search_permission(request):
            raise PermissionDenied
        form = SearchForm(request.POST or None, initial=_initial(request))
        if form.is_valid():
            run = _run(form, by=request.user.get_username())
            if run is not None:
                self._tell_of(request, run)
                return self.back_to(run)
        sentence = "The provider is asked now; this costs one call of its budget."
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New search",
            "question": console.Question("New search", sentence, "Search", form=form),
            "back": reverse("admin:socialmedia_searchrun_changelist"),
        }
        return TemplateResponse(request, "admin/console/question.html", context)

    def _tell_of(self, request: HttpRequest, run: SearchRun) -> None:
        if run.status == SearchStatus.FAILED:
            self.tell(request, f"Nothing was found: {run.error_message}", good=False)
        else:
            self.tell(request, f"{run.results_count:,} found.")

    @console.page_action("New search", url_path="new-search", icon="search", permission="search")
    def new_search(self, request: HttpRequest) -> HttpResponse:
        """Go to the form."""
        return HttpResponseRedirect(reverse("admin:socialmedia_searchrun_add"))

    @admin.display(description="Words")
    def begins(self, row: SearchRun) -> str:
        return shortened(row.query, 60)

    @admin.display(description="Asked")
    def asked(self, row: SearchRun) -> object:
        return console.when(row.created_at)

    @admin.display(description="Asked")
    def asked_in_full(self, row: SearchRun) -> object:
        return console.exactly(row.created_at)

    @admin.display(description="For")
    def kind_in_words(self, row: SearchRun) -> str:
        return str(row.get_kind_display())

    @admin.display(description="State")
    def state(self, row: SearchRun) -> SafeString:
        if row.status == SearchStatus.RUNNING and row.created_at < timezone.now() - searching.OVERDUE:
            return console.pill("Cut off", "warning")
        status = SearchStatus(row.status)
        return console.pill(str(status.label), COLORS[status])

    @admin.display(description="Found")
    def found(self, row: SearchRun) -> str:
        return f"{row.results_count:,}" if row.status == SearchStatus.DONE else console.NOTHING

    @admin.display(description="Problem")
    def problem(self, row: SearchRun) -> str:
        return row.error_message or console.NOTHING

    @admin.display(description="In the name of")
    def whose(self, row: SearchRun) -> object:
        return console.link(row.account) if row.account else "Nobody"

    def panels(self, request: HttpRequest, obj: SearchRun) -> list[console.Panel]:
        """Show the results."""
        kind = SearchKind(obj.kind)
        rows = obj.results.defer("raw_data").order_by("position")
        return [console.Panel("Results", COLUMNS[kind], [_row(kind, row) for row in rows], empty="Nothing was found.")]


def _initial(request: HttpRequest) -> dict[str, str]:
    """What a link to the form brings along."""
    return {name: request.GET[name] for name in ("kind", "words") if name in request.GET}


def _run(form: SearchForm, *, by: str) -> SearchRun | None:
    """Search. None, and the form says why, when nobody can be asked so."""
    asked = form.cleaned_data
    try:
        return searching.search(
            asked["kind"],
            asked["words"],
            count=asked["count"],
            account=asked["account"],
            by=by,
            patience=PATIENCE,
            now=timezone.now(),
        )
    except searching.BadSearch as error:
        form.add_error("words", str(error))
    except LimitReached as error:
        form.add_error("account", str(error))
    except (ProviderError, BrokenSetting) as error:
        form.add_error(None, str(error))
    return None


def _row(kind: SearchKind, row: SearchResult) -> tuple[object, ...]:
    """One result, as the columns of its kind have it."""
    name = f"@{row.username}" if row.username else console.NOTHING
    if kind == SearchKind.USER:
        verified = console.pill("Verified", "info") if row.is_verified else ""
        shown = format_html("{} {}", name, verified)
        figures = figure(row.followers_count), figure(row.posts_count)
        return (row.position, shown, row.title, shortened(row.subtitle), *figures, _links(row))
    if kind == SearchKind.VIDEO:
        figures = figure(row.views_count), figure(row.likes_count)
        return (row.position, name, shortened(row.title), *figures, _links(row, can_track=True))
    return (row.position, row.title, figure(row.views_count), figure(row.posts_count), _links(row))


def _links(row: SearchResult, *, can_track: bool = False) -> object:
    links = []
    if row.url.startswith("https://"):
        links.append(
            format_html(
                '<a href="{}" class="text-link" target="_blank" rel="noopener noreferrer">{}</a>', row.url, "Open"
            )
        )
        if can_track:
            address = reverse("admin:socialmedia_post_track", query={"url": row.url})
            links.append(format_html('<a href="{}" class="text-link">{}</a>', address, "Track"))
    return format_html_join(" ", "{}", ((link,) for link in links)) if links else console.NOTHING
