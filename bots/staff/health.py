"""Whether staff are told what they should be: the check of the staff channel."""

from datetime import datetime, timedelta
from typing import Final

from bots import conf
from bots.models import StaffPost, StaffPostStatus
from jobs.checkup import Finding, degraded, ok

PATIENCE: Final = timedelta(minutes=10)


def staff_channel(*, now: datetime) -> Finding:
    """Nothing that staff should see has waited for long."""
    if conf.current().staff_channel is None:
        return ok("No staff channel is set up; staff look into the console.")
    late = StaffPost.objects.filter(
        status__in=[StaffPostStatus.QUEUED, StaffPostStatus.SENDING], created_at__lt=now - PATIENCE
    )
    number = late.count()
    if not number:
        return ok("Staff are told in Discord.", waiting=0)
    posts = "1 post waits" if number == 1 else f"{number:,} posts wait"
    why = late.exclude(error="").values_list("error", flat=True).first()
    return degraded(f"{posts} for the staff channel: {why or 'the bot does not run'}", waiting=number)
