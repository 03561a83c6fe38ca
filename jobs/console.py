"""What every page of the staff console shares: read-only rows, colored labels, times, panels, confirmed actions."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote, unquote
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.utils import parse_datetime_str

from jobs.bars import Chart
from jobs.pagination import EstimatingPaginator

F = TypeVar("F", bound=Callable[..., HttpResponse])
R = TypeVar("R", bound=Model)

NOTHING = "–"
MOST_AT_ONCE = 5_000


def pill(text: str, kind: str = "") -> SafeString:
    """Render a colored label. Kinds: info, success, warning, danger, primary, or none for gray."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


def when(value: datetime | None) -> SafeString | str:
    """Render a time as people say it, with the exact one on hovering."""
    if value is None:
        return NOTHING
    exact = timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        value.isoformat(),
        exact,
        str(naturaltime(value)).replace("\xa0", " "),
    )


def exactly(value: datetime | None) -> SafeString | str:
    """Render a time in full, with the distance from now behind it."""
    if value is None:
        return NOTHING
    return format_html("{} ({})", timezone.localtime(value).strftime("%Y-%m-%d %H:%M %Z"), when(value))


def pretty(value: object) -> SafeString:
    """Render JSON as people read it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    return format_html('<pre class="console-json">{}</pre>', text)


def link(row: Model | None, text: str = "") -> SafeString | str:
    """Render a link to the page of a row."""
    if row is None:
        return NOTHING
    opts = row._meta  # noqa: SLF001 - Django's documented interface
    name = f"admin:{opts.app_label}_{opts.model_name}_change"
    return format_html('<a href="{}" class="text-link">{}</a>', reverse(name, args=[quote(row.pk)]), text or str(row))


def listing(model: type[Model], text: str, **filters: str) -> SafeString:
    """Render a link to a filtered list."""
    opts = model._meta  # noqa: SLF001 - Django's documented interface
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", query=filters)
    return format_html('<a href="{}" class="text-link">{}</a>', address, text)


@dataclass(frozen=True)
class Panel:
    """A table below a row's own fields."""

    title: str
    headers: Sequence[str]
    rows: Iterable[Sequence[object]]
    empty: str = "Nothing yet."
    footer: str | SafeString = ""
    control: str | SafeString = ""
    """A form beside the title that chooses what the table shows."""
    charts: Sequence[Chart] = ()
    """Drawn above the table, which says the same in numbers."""
    is_grid: bool = False
    """Numbers to be read side by side: on a phone the table is moved sideways, and its cells are not stacked."""

    def labeled(self) -> list[list[tuple[str, object]]]:
        """Return the rows with each cell's header: on a phone the cells stand below each other."""
        return [list(zip(self.headers, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Question:
    """What to ask before something is done."""

    title: str
    sentence: str
    button: str
    dangerous: bool = False
    form: forms.Form = field(default_factory=forms.Form)


def once(compute: Callable[[Any, R], object]) -> Callable[[Any, R], object]:
    """Keep what a field costs a query for: unfold's templates ask for each field's contents five times."""

    @wraps(compute)
    def kept(page: object, row: R) -> object:
        known: dict[str, object] = row.__dict__.setdefault("_console", {})
        if compute.__name__ not in known:
            known[compute.__name__] = compute(page, row)
        return known[compute.__name__]

    return kept


class TimeFilter(RangeDateTimeFilter):
    """From a time to a time, in UTC. Unfold's own compares with naive times."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows between the two; a date alone means its midnight."""
        for side, comparison in (("from", "gte"), ("to", "lte")):
            date = self.used_parameters.get(f"{self.parameter_name}_{side}_0")
            time = self.used_parameters.get(f"{self.parameter_name}_{side}_1") or "00:00:00"
            moment = parse_datetime_str(f"{date} {time}") if date else None
            if moment is not None:
                queryset = queryset.filter(**{f"{self.parameter_name}__{comparison}": timezone.make_aware(moment)})
        return queryset


def page_action(
    description: str,
    *,
    url_path: str,
    icon: str,
    variant: ActionVariant = ActionVariant.DEFAULT,
    permission: str = "operate",
) -> Callable[[F], F]:
    """Mark a method as an action of a row's page, for staff who may operate, or hold another permission: the page's
    method `has_<permission>_permission` says who does.
    """
    mark: Callable[[F], F] = action(  # type: ignore[assignment]  # unfold promises an Action, which is the function
        description=description, permissions=[permission], url_path=url_path, icon=icon, variant=variant
    )
    return mark


class ConsoleAdmin(ModelAdmin):
    """A list and pages to read. What rows may become is decided by the modules that own them, never by a form."""

    list_per_page = 50
    list_max_show_all = 50  # never the whole of a large table on one page
    show_full_result_count = False
    paginator = EstimatingPaginator
    list_filter_submit = True
    show_facets = ShowFacets.NEVER  # a count per choice would read a large table many times
    change_form_outer_after_template = "admin/console/panels.html"  # type: ignore[assignment]
    actions_detail: Sequence[str] = ()  # type: ignore[assignment]  # unfold declares the empty tuple's own type
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {}
    """Actions of the page that only some rows allow."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds rows by a form."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes rows by a form."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes history."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who may operate may look, too."""
        allowed = self.opts.app_label, self.opts.model_name
        return bool(request.user.has_perm("{}.view_{}".format(*allowed)) or self.has_operate_permission(request))

    def has_operate_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Who may use the actions: staff with the change permission."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def panels(self, request: HttpRequest, obj: Any) -> list[Panel]:
        """Return the tables below the fields."""
        return []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a row with its panels. An id that PostgreSQL would not take is an unknown one."""
        if "\x00" in unquote(object_id):
            raise Http404
        obj = self.get_object(request, unquote(object_id))
        tables = self.panels(request, obj) if obj is not None and self.has_view_permission(request, obj) else []
        context = {**(extra_context or {}), "panels": tables}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Offer what the row's state allows."""
        offered: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        if not offered or not self.state_actions:
            return offered
        obj = self.get_object(request, unquote(object_id))
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        legal = {prefix + name for name, allows in self.state_actions.items() if obj is not None and allows(obj)}
        conditional = {prefix + name for name in self.state_actions}
        return [entry for entry in offered if entry.action_name in legal or entry.action_name not in conditional]

    def row_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row that an action is about."""
        key = unquote(object_id)
        obj = None if "\x00" in key else self.get_object(request, key)
        if obj is None:
            raise Http404
        return obj

    def ask(self, request: HttpRequest, obj: Model, question: Question) -> HttpResponse:
        """Show the question. The answer comes back by POST: a link alone changes nothing."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": question.title,
            "original": obj,
            "question": question,
            "back": self.address(obj),
        }
        return TemplateResponse(request, "admin/console/question.html", context)

    def address(self, obj: Model) -> str:
        """Return the address of a row's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(obj.pk)])

    def back_to(self, obj: Model) -> HttpResponse:
        """Go back to a row's page."""
        return HttpResponseRedirect(self.address(obj))

    def few(self, request: HttpRequest, rows: QuerySet[Any]) -> list[Any]:
        """Return the chosen rows; none, and a message, when they are more than one request can do."""
        chosen = list(rows[: MOST_AT_ONCE + 1])
        if len(chosen) <= MOST_AT_ONCE:
            return chosen
        self.tell(request, f"Nothing was changed: choose at most {MOST_AT_ONCE:,} at once, by a filter.", good=False)
        return []

    def note(self, request: HttpRequest, rows: Iterable[Model], text: str) -> None:
        """Write into the rows' history in the console who did what."""
        LogEntry.objects.log_actions(str(request.user.pk), list(rows), CHANGE, change_message=text)

    def tell(self, request: HttpRequest, text: str, *, good: bool = True) -> None:
        """Show a message on the next page."""
        self.message_user(request, text, messages.SUCCESS if good else messages.WARNING)
