"""What was done in our accounts' names, what was asked of providers, and the texts and settings of staff."""

import hashlib
from datetime import date, datetime
from typing import Any

from django.db import models

from socialmedia import placeholders, rules
from socialmedia.importing import plans, values
from socialmedia.importing.accounts import OwnersTaker
from socialmedia.importing.reports import CannotTake
from socialmedia.importing.sources import Query, Source
from socialmedia.importing.taking import Journey, LedgerTaker
from socialmedia.models import (
    ApiUsage,
    AutomationAction,
    MessageTemplate,
    Platform,
    SystemSetting,
    TemplateCategory,
    TemplateStatus,
)

SETTINGS = "system_settings"
SETTING_COLUMNS = ("setting_key", "setting_value", "description", "updated_at")
_ACTION_TEXTS = (
    *("target_type", "target_id", "target_username", "target_url", "content_text", "error_message", "error_code"),
    *("session_id", "triggered_by"),
)
Row = dict[str, Any]


class ActionTaker(OwnersTaker):
    """The action log. It stays when its account does not come along."""

    table = "automation_actions"
    columns = (
        *("id", "account_id", "platform", "action_type", *_ACTION_TEXTS, "success", "action_date", "action_hour"),
        *("execution_time_ms", "created_at"),
    )
    needed = ("id", "action_type")
    model = AutomationAction
    stamp = "created_at"

    def build(self, row: Row) -> models.Model:
        """Make an action. Its day and hour are as they were written: they say whose they are nowhere."""
        if row.get("platform") == Platform.DISCORD:
            raise CannotTake("Discord is left out: Checkback acts there itself")
        written_at = row.get("created_at")
        times = values.times(row, self.journey.zone, "created_at")
        day, hour = row.get("action_date"), row.get("action_hour")
        if isinstance(written_at, datetime):
            day, hour = day or written_at.date(), written_at.hour if hour is None else hour
        account_id = self._accounts.find(row)
        if account_id is None and row.get("account_id") is not None:
            self.changed("kept without its account, which was not taken over")
        return AutomationAction(
            account_id=account_id,
            account_username=row.get("account_username") or "",
            action_type=row["action_type"],
            success=row.get("success"),
            action_date=day or self.journey.now.date(),
            action_hour=hour or 0,
            **{**values.texts(row, *_ACTION_TEXTS), "target_id": _target(row)},
            **values.given(row, "platform", "execution_time_ms"),
            **times,
        )


def _target(row: Row) -> str:
    """The target's id. That of a conversation is MediaPoster's own, and here the id of somebody else's."""
    found: str = row.get("target_id") or ""
    return f"{plans.BY}:{found}" if found and row.get("target_type") == "conversation" else found


class UsageTaker(LedgerTaker):
    """Calls of providers."""

    table = "api_usage_tracking"
    columns = (
        *("id", "provider_name", "platform", "endpoint", "request_count", "success", "latency_ms", "error_message"),
        *("date", "requested_at"),
    )
    needed = ("id", "provider_name", "platform", "endpoint")
    model = ApiUsage
    stamp = "requested_at"

    def build(self, row: Row) -> models.Model:
        """Make a call."""
        requested_at = values.instant(row.get("requested_at"), self.journey.zone)
        day = row.get("date")
        if requested_at is None and isinstance(day, date):
            requested_at = values.instant(day.isoformat() + "T00:00:00", self.journey.zone)
        requested_at = requested_at or self.journey.now
        return ApiUsage(
            provider_name=row["provider_name"],
            platform=row["platform"],
            endpoint=row["endpoint"],
            success=row.get("success"),
            error_message=row.get("error_message") or "",
            date=day or requested_at.date(),
            requested_at=requested_at,
            **values.given(row, "request_count", "latency_ms"),
        )


class TemplateTaker(OwnersTaker):
    """Texts of staff: for answers that a person sends. Nothing that runs by itself chooses them."""

    table = "message_templates"
    columns = (
        *("id", "account_id", "name", "category", "template_text", "variables", "times_used", "last_used_at"),
        *("is_active", "created_at", "updated_at"),
    )
    needed = ("id", "name", "template_text")
    model = MessageTemplate
    stamp = "created_at"

    def build(self, row: Row) -> models.Model:
        """Make a template with a key of its own: versions of keyless ones could not be told apart."""
        text = row["template_text"]
        digest = hashlib.sha256(f"{self.key(row)} {row['name']}".encode()).hexdigest()[:8]
        category = row.get("category") or TemplateCategory.CUSTOM
        if category not in TemplateCategory.values:
            self.changed("unknown category became custom")
            category = TemplateCategory.CUSTOM
        return MessageTemplate(
            account_id=self._accounts.need(row) if row.get("account_id") is not None else None,
            name=row["name"],
            key=f"mediaposter_{row['id']}_{digest}",
            category=category,
            template_text=text,
            variables=sorted(placeholders.used(text)) or row.get("variables") or [],
            **self._state(text),
            **values.given(row, "times_used", "is_active"),
            **values.times(row, self.journey.zone, "last_used_at", "created_at", "updated_at"),
        )

    def _state(self, text: str) -> dict[str, Any]:
        try:
            placeholders.check(text, known=placeholders.used(text))
        except placeholders.BadPlaceholder:
            self.changed("kept as a draft: its placeholders are not ours")
            return {"status": TemplateStatus.DRAFT}
        return {
            "status": TemplateStatus.PUBLISHED,
            "published_at": self.journey.now,
            "published_by": plans.BY,
        }


def take_settings(source: Source, journey: Journey, *, is_theirs: bool) -> None:
    """Take the settings that Checkback has, too, where they are missing here; `is_theirs`: all of them."""
    report = journey.report.of(SETTINGS)
    query = Query(SETTINGS, SETTING_COLUMNS, order=("setting_key",))
    for rows in source.batches(query):
        report.read += len(rows)
        for row in rows:
            _take_setting(row, journey, is_theirs=is_theirs)


def _take_setting(row: Row, journey: Journey, *, is_theirs: bool) -> None:
    report, name, value = journey.report.of(SETTINGS), row["setting_key"], row["setting_value"]
    if name not in rules.DEFAULTS:
        journey.report.remarks.append(f"{SETTINGS} {name} was not taken: Checkback has no such setting.")
        return
    here = SystemSetting.objects.filter(pk=name).first()
    if here is not None and (here.setting_value == value or not is_theirs):
        report.known += 1
        return
    try:
        rules.change(name, value, by=plans.BY, now=journey.now)
    except rules.BadSetting as error:
        journey.report.left_out(SETTINGS, name, str(error))
    else:
        report.added += 1
