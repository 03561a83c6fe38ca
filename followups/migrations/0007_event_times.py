"""Fill the new column with the events of the follow-ups that are there, wherever the trigger's data name one."""

from datetime import UTC, datetime
from typing import Any

from django.db import migrations
from django.utils.dateparse import parse_datetime

AT_ONCE = 1_000


def fill(apps: Any, schema_editor: Any) -> None:
    """Go through the post-event follow-ups by their key, some at a time."""
    rows = apps.get_model("followups", "FollowUp").objects.filter(
        trigger_type="post_event", event_at=None, trigger_data__has_key="event_at"
    )
    last = ""
    while found := list(rows.filter(pk__gt=last).order_by("pk").only("pk", "trigger_data")[:AT_ONCE]):
        last = found[-1].pk
        for row in found:
            row.event_at = instant(row.trigger_data)
        rows.bulk_update([row for row in found if row.event_at is not None], ["event_at"])


def instant(data: object) -> datetime | None:
    """The event's time in UTC, or None where it is none, has no zone (nobody knows which instant that was), or lies
    outside of the calendar: such a row could be written, but never read again.
    """
    try:
        at = parse_datetime(str(data["event_at"])) if isinstance(data, dict) else None
        return None if at is None or at.utcoffset() is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Migration(migrations.Migration):
    dependencies = [("followups", "0006_forgetting_receipts")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
