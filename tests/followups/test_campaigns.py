"""Pausing campaigns, and keeping members without them."""

from typing import Any

import pytest

from followups import campaigns, flags
from followups.models import Campaign, StaffFlag, Trigger
from tests.concurrency import at_once
from tests.followups.factories import HOUR, NOON

pytestmark = pytest.mark.django_db


class TestCurrent:
    def test_has_every_trigger_also_without_rows(self, django_assert_num_queries: Any) -> None:
        Campaign.objects.create(pk="custom", holdout_percent=7)
        with django_assert_num_queries(1):
            found = campaigns.current()
        assert [campaign.pk for campaign in found] == Trigger.values
        assert [campaign.holdout_percent for campaign in found if campaign.pk == "custom"] == [7]
        assert Campaign.objects.count() == 1


class TestEnsure:
    def test_makes_the_missing_rows_and_leaves_the_others(self) -> None:
        Campaign.objects.create(pk="custom", holdout_percent=7)
        campaigns.ensure()
        campaigns.ensure()
        assert set(Campaign.objects.values_list("pk", flat=True)) == set(Trigger.values)
        assert Campaign.objects.get(pk="custom").holdout_percent == 7


class TestPause:
    def test_says_who_when_and_why(self) -> None:
        assert campaigns.pause("inactivity", by="boss", reason=" Summer. ", now=NOON)
        row = Campaign.objects.get()
        assert (row.pk, row.paused_at, row.paused_by, row.pause_reason) == ("inactivity", NOON, "boss", "Summer.")

    def test_of_a_paused_one_leaves_it_as_it_is(self) -> None:
        campaigns.pause("inactivity", by="boss", reason="Summer.", now=NOON)
        assert not campaigns.pause("inactivity", by="other", reason="Winter.", now=NOON + HOUR)
        assert Campaign.objects.get().pause_reason == "Summer."

    def test_needs_a_reason_and_a_known_trigger(self) -> None:
        with pytest.raises(campaigns.NoReason, match="Say why"):
            campaigns.pause("inactivity", by="boss", reason=" ", now=NOON)
        with pytest.raises(campaigns.UnknownTrigger, match="there are: inactivity, post_event"):
            campaigns.pause("nothing", by="boss", reason="Why", now=NOON)
        assert not Campaign.objects.exists()

    def test_takes_a_long_reason(self) -> None:
        campaigns.pause("inactivity", by="boss", reason="x" * 1000, now=NOON)
        assert len(Campaign.objects.get().pause_reason) == 255

    @pytest.mark.django_db(transaction=True)
    def test_of_eight_at_once_one_wins(self) -> None:
        found = at_once(8, lambda n: campaigns.pause("inactivity", by=str(n), reason=f"{n}", now=NOON))
        assert sorted(found) == [False] * 7 + [True]
        row = Campaign.objects.get()
        assert row.paused_by == row.pause_reason == str(found.index(True))


class TestResume:
    def test_ends_the_pause_and_forgives_what_was(self) -> None:
        campaigns.pause("inactivity", by="boss", reason="Summer.", now=NOON)
        flags.raise_flag(kind="harm", subject=campaigns.subject("inactivity"), detail="Bad.", now=NOON)
        flags.raise_flag(kind="harm", subject=campaigns.subject("custom"), detail="Bad.", now=NOON)
        assert campaigns.resume("inactivity", by="boss", now=NOON + HOUR)
        row = Campaign.objects.get()
        assert (row.paused_at, row.paused_by, row.pause_reason, row.judged_from) == (None, "", "", NOON + HOUR)
        assert StaffFlag.objects.get(settled_at=None).subject == "campaign custom"

    def test_of_one_that_is_not_paused_changes_nothing(self) -> None:
        assert not campaigns.resume("inactivity", by="boss", now=NOON)
        assert Campaign.objects.get().judged_from is None
        with pytest.raises(campaigns.UnknownTrigger):
            campaigns.resume("nothing", by="boss", now=NOON)


class TestSetHoldout:
    def test_sets_and_unsets_it(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 8
        assert campaigns.holdout_percent("inactivity") == 8
        assert campaigns.set_holdout("inactivity", 5, by="boss", now=NOON)
        assert campaigns.holdout_percent("inactivity") == 5
        assert not campaigns.set_holdout("inactivity", 5, by="boss", now=NOON)
        assert campaigns.set_holdout("inactivity", 0, by="boss", now=NOON)
        assert campaigns.holdout_percent("inactivity") == 0
        assert campaigns.set_holdout("inactivity", None, by="boss", now=NOON)
        assert campaigns.holdout_percent("inactivity") == 8
        assert not campaigns.set_holdout("inactivity", None, by="boss", now=NOON)

    @pytest.mark.parametrize("percent", [-1, 51, 100])
    def test_takes_nought_to_fifty(self, percent: int) -> None:
        with pytest.raises(campaigns.CannotHoldOut, match="0 to 50"):
            campaigns.set_holdout("inactivity", percent, by="boss", now=NOON)

    def test_holds_nobody_out_who_waits_for_the_message(self) -> None:
        with pytest.raises(campaigns.CannotHoldOut, match="Went quiet and Away for long"):
            campaigns.set_holdout("birthday", 5, by="boss", now=NOON)
        assert campaigns.holdout_percent("birthday") == 0
        with pytest.raises(campaigns.UnknownTrigger):
            campaigns.set_holdout("nothing", 5, by="boss", now=NOON)
