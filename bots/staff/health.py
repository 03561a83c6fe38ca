"""Whether staff are told what they should be: the check of the staff channel."""

from datetime import datetime, timedelta
from typing import Final

from bots import conf
from bots.models import StaffPost, StaffPostStatus, StaffThread
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
        return _leftovers(now=now)
    posts = "1 post waits" if number == 1 else f"{number:,} posts wait"
    why = late.exclude(error="").values_list("error", flat=True).first()
    return degraded(f"{posts} for the staff channel: {why or 'the bot does not run'}", waiting=number)


def _leftovers(*, now: datetime) -> Finding:
    """What Discord still shows of members who were forgotten."""
    number = StaffThread.objects.filter(conversation=None).count()
    number += StaffPost.objects.filter(withdrawn_at__lt=now - PATIENCE).count()
    if not number:
        return ok("Staff are told in Discord.", waiting=0)
    what = "1 thread or post" if number == 1 else f"{number:,} threads or posts"
    return degraded(
        f"{what} of forgotten members or withdrawn messages must still be deleted in Discord. If that stays so, give "
        "the bot the permission Manage Threads in the staff channel.",
        undeleted=number,
    )
