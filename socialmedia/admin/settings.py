"""The console's pages of settings that staff edit while everything runs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from jobs import console
from socialmedia import rules
from socialmedia.admin.setting_forms import FORMS, SPANS
from socialmedia.models import ActionType, SystemSetting
from socialmedia.rules import Allowance, BadSetting, BrokenSetting

TITLES = {rules.RATE_LIMITS: "Limits of actions", rules.CHECK_SCHEDULE: "Plan of checks"}
DOES = {
    rules.RATE_LIMITS: (
        "How often each of our accounts may do what: in any 60 minutes, and on its day from midnight to midnight in "
        "its zone. An empty number is no limit, 0 is never. What failed counts, too."
    ),
    rules.CHECK_SCHEDULE: "When a post is looked at again after its tracking began, unless it has its own plan.",
}
SHOWN_CHANGES = 20


def in_words(key: str, value: object) -> dict[str, str]:
    """Say what a value means, line by line.

    Raises:
        BadSetting: nothing.
    """
    parsed = rules.parse(key, value)
    if key == rules.CHECK_SCHEDULE:
        return {f"Check {number}": f"after {check.name}" for number, check in enumerate(parsed, start=1)}
    return {
        f"{ActionType(kind).label}, {words}": _most(getattr(parsed.get(kind, Allowance()), span))
        for kind in rules.LIMITED
        for span, words in SPANS.items()
    }


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Say what changes from one to the other."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        f"{name}: {after.get(name, 'none')} instead of {before.get(name, 'none')}"
        for name in names
        if after.get(name) != before.get(name)
    ]


def _most(number: int | None) -> str:
    return "no limit" if number is None else f"{number:,}"


def _words_now(row: SystemSetting) -> dict[str, str]:
    """What counts now; nothing where it makes no sense."""
    try:
        return in_words(row.pk, row.setting_value)
    except BadSetting:
        return {}


@admin.register(SystemSetting)
class SettingAdmin(console.ConsoleAdmin):
    """Limits and plans. A change counts from the next action on."""

    list_display = ("title", "does", "state", "changed", "by")
    sortable_by = ()
    actions_detail = ("edit", "reset")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = dict.fromkeys(
        actions_detail, lambda row: row.pk in FORMS
    )
    fieldsets = ((None, {"fields": ("title", "does", "state", "changed_in_full", "by")}),)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Bring rows that somebody has deleted back into the list, with their defaults."""
        rules.ensure()
        return super().get_changelist_instance(request)

    @admin.display(description="Setting")
    def title(self, row: SystemSetting) -> str:
        return TITLES.get(row.pk, row.pk)

    @admin.display(description="What it does")
    def does(self, row: SystemSetting) -> str:
        return DOES.get(row.pk, row.description) or console.NOTHING

    @admin.display(description="State")
    def state(self, row: SystemSetting) -> object:
        if row.pk not in FORMS:
            return console.pill("Not used")
        try:
            rules.parse(row.pk, row.setting_value)
        except BadSetting as error:
            return format_html("{} {}", console.pill("Broken", "danger"), str(error))
        if row.setting_value == rules.DEFAULTS[row.pk]:
            return console.pill("As shipped", "info")
        return console.pill("Edited", "success")

    @admin.display(description="Last changed")
    def changed(self, row: SystemSetting) -> object:
        return console.when(row.updated_at)

    @admin.display(description="Last changed")
    def changed_in_full(self, row: SystemSetting) -> object:
        return console.exactly(row.updated_at)

    @admin.display(description="By")
    def by(self, row: SystemSetting) -> str:
        return row.updated_by or console.NOTHING

    def panels(self, request: HttpRequest, obj: SystemSetting) -> list[console.Panel]:
        """Show what counts now, and who changed it."""
        return [self._value_panel(obj), self._history_panel(obj)]

    @staticmethod
    def _value_panel(row: SystemSetting) -> console.Panel:
        words = _words_now(row)
        if not words:
            return console.Panel("As it is stored", ["Value"], [(console.pretty(row.setting_value),)])
        return console.Panel("What counts now", ["What", "Value"], list(words.items()))

    @staticmethod
    def _history_panel(row: SystemSetting) -> console.Panel:
        entries = LogEntry.objects.filter(content_type=get_content_type_for_model(row), object_id=row.pk)
        return console.Panel(
            "Changes",
            ["When", "Who", "What"],
            [
                (console.exactly(entry.action_time), str(entry.user), entry.get_change_message())
                for entry in entries.select_related("user")[:SHOWN_CHANGES]
            ],
            empty="Nobody has changed it in the console.",
        )

    @console.page_action("Change", url_path="edit", icon="edit")
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = FORMS[row.pk](request.POST or None, initial=self._initial(row))
        if not form.is_valid():
            return self.ask(request, row, console.Question("Change the setting", DOES[row.pk], "Go on", form=form))
        changes = differences(_words_now(row), in_words(row.pk, form.value()))
        if not changes:
            self.tell(request, "Nothing was changed: it is so already.", good=False)
            return self.back_to(row)
        if "confirmed" not in request.POST:
            sentence = f"{'. '.join(changes)}. It counts from the next action on."
            return self.ask(
                request, row, console.Question("Change it so?", sentence, "Change it", form=form.to_confirm())
            )
        seen = parse_datetime(form.cleaned_data["seen"])
        return self._write(request, row, form.value(), changes, seen=seen)

    @console.page_action("Back to the defaults", url_path="defaults", icon="settings_backup_restore")
    def reset(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        value = rules.DEFAULTS[row.pk]
        changes = differences(_words_now(row), in_words(row.pk, value))
        if request.method == "POST":
            return self._write(request, row, value, changes, seen=None)
        sentence = f"{'. '.join(changes)}." if changes else "Nothing changes: it is so already."
        return self.ask(
            request, row, console.Question("Back to what Checkback came with?", sentence, "Set the defaults")
        )

    def row_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Know nothing of rows that have no form: other programs may have left them here."""
        row = super().row_or_404(request, object_id)
        if row.pk not in FORMS:
            raise Http404
        return row

    @staticmethod
    def _initial(row: SystemSetting) -> dict[str, Any]:
        """What the form holds at first; the defaults where the value makes no sense."""
        try:
            parsed = rules.read(row.pk)
        except BrokenSetting:
            parsed = rules.parse(row.pk, rules.DEFAULTS[row.pk])
        return {**FORMS[row.pk].initial_of(parsed), "seen": row.updated_at.isoformat()}

    def _write(
        self, request: HttpRequest, row: SystemSetting, value: Any, changes: list[str], *, seen: datetime | None
    ) -> HttpResponse:
        try:
            rules.change(row.pk, value, by=request.user.get_username(), now=timezone.now(), seen=seen)
        except BadSetting as error:
            self.tell(request, f"Nothing was changed. {error}", good=False)
            return self.back_to(row)
        self.note(request, [row], f"{'. '.join(changes) or 'Set the defaults'}.")
        self.tell(request, "The setting is changed.")
        if row.pk == rules.RATE_LIMITS:
            for remark in rules.remarks(rules.parse(row.pk, value)):
                self.tell(request, remark, good=False)
        return self.back_to(row)
