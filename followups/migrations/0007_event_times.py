"""Fill the new column with the events of the follow-ups that are there, wherever the trigger's data name one."""

from datetime import datetime
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
            row.event_at = instant(row.trigger_data["event_at"])
        rows.bulk_update([row for row in found if row.event_at is not None], ["event_at"])


def instant(value: object) -> datetime | None:
    """The time, or None where it is none or has no zone: nobody knows which instant that was."""
    try:
        at = parse_datetime(str(value))
    except ValueError:
        return None
    return at if at is not None and at.utcoffset() is not None else None


class Migration(migrations.Migration):
    dependencies = [("followups", "0006_forgetting_receipts")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
