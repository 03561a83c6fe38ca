"""What of the log of actions grows old."""

from datetime import timedelta

import pytest

from jobs import cleanup
from socialmedia.models import AutomationAction
from tests.socialmedia.factories import NOON, make_bot

DAY = timedelta(days=1)


def make_action(action_type: str, *, days: int) -> None:
    """Something that was done so long ago."""
    at = NOON - days * DAY
    AutomationAction.objects.create(
        account=make_bot(), action_type=action_type, action_date=at.date(), action_hour=at.hour, created_at=at
    )


@pytest.mark.django_db
class TestOpenings:
    def test_go_after_a_month_and_other_actions_stay(self) -> None:
        for action_type, days in (("open_dm", 31), ("open_dm", 29), ("like", 400)):
            make_action(action_type, days=days)
        (found,) = cleanup.survey("openings", now=NOON)
        assert (found.total, found.removable, found.oldest) == (2, 1, NOON - 31 * DAY)
        (removal,) = cleanup.clean("openings", now=NOON)
        assert removal.removed == 1
        kept = AutomationAction.objects.order_by("created_at").values_list("action_type", "created_at")
        assert list(kept) == [("like", NOON - 400 * DAY), ("open_dm", NOON - 29 * DAY)]

    def test_that_the_budget_counts_stay_whatever_is_asked_for(self) -> None:
        make_action("open_dm", days=1)
        (removal,) = cleanup.clean("openings", keep=timedelta(0), now=NOON)
        assert removal.removed == 0
