"""Settings that staff edit while everything runs. ORIGINS section 8, number 24; section 2.6."""

import importlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from socialmedia import rules
from socialmedia.models import SystemSetting
from socialmedia.rules import Allowance, BadSetting, BrokenSetting, CheckOffset
from socialmedia.tracking import plan

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def store(key: str, value: Any) -> None:
    """Write past the rules, as raw SQL does."""
    SystemSetting.objects.filter(pk=key).update(setting_value=value)


def seed_again() -> None:
    """Run the data migration once more."""
    migration: Any = importlib.import_module("socialmedia.migrations.0007_limits")
    with connection.schema_editor() as editor:
        migration.write_missing_rows(apps, editor)


class TestMigration:
    def test_writes_the_seeds_numbers(self) -> None:
        assert dict(SystemSetting.objects.values_list("setting_key", "setting_value")) == rules.DEFAULTS

    def test_never_writes_over_an_edit(self) -> None:
        """ORIGINS section 8, number 24."""
        rules.change(rules.RATE_LIMITS, {"like": {"daily": 7}}, by="ann", now=NOW)
        SystemSetting.objects.filter(pk=rules.CHECK_SCHEDULE).delete()
        seed_again()
        seed_again()
        assert rules.rate_limits() == {"like": Allowance(None, 7)}
        assert SystemSetting.objects.get(pk=rules.RATE_LIMITS).updated_by == "ann"
        assert SystemSetting.objects.get(pk=rules.CHECK_SCHEDULE).setting_value == rules.DEFAULTS[rules.CHECK_SCHEDULE]


class TestRead:
    def test_knows_the_limits_of_each_action(self) -> None:
        limits = rules.rate_limits()
        assert limits["comment"] == Allowance(hourly=5, daily=20)
        assert set(limits) == {"like", "comment", "follow", "unfollow", "message", "search"}

    def test_knows_the_nine_checks(self) -> None:
        offsets = rules.check_offsets()
        assert tuple(offset.hours for offset in offsets) == plan.NINE == plan.default_offsets()
        assert offsets[-1] == CheckOffset(720, "30 days")
        assert [rules.offset_name(offset.hours) for offset in offsets] == [offset.name for offset in offsets]

    def test_takes_the_defaults_for_a_missing_row(self) -> None:
        SystemSetting.objects.all().delete()
        assert rules.rate_limits()["like"] == Allowance(20, 100)
        assert len(rules.check_offsets()) == 9

    @pytest.mark.parametrize(
        "value", [None, [], {}, 5, {"like": 5}, {"like": {"daily": "many"}}, {"likes": {"daily": 5}}]
    )
    def test_allows_nothing_by_a_broken_row(self, value: Any) -> None:
        SystemSetting.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO system_settings (setting_key, setting_value) VALUES (%s, %s::jsonb)",
                [rules.RATE_LIMITS, json.dumps(value)],
            )
        with pytest.raises(BrokenSetting, match=r"The setting automation_rate_limits is broken: .* under Settings"):
            rules.rate_limits()


class TestChange:
    def test_is_read_at_once(self) -> None:
        rules.change(rules.RATE_LIMITS, {"like": {"hourly": 3, "daily": None}, "view": {"daily": 0}}, by="ann", now=NOW)
        assert rules.rate_limits() == {"like": Allowance(3, None), "view": Allowance(None, 0)}
        row = SystemSetting.objects.get(pk=rules.RATE_LIMITS)
        assert (row.updated_by, row.updated_at) == ("ann", NOW)
        assert row.description  # stays

    @pytest.mark.parametrize(
        ("value", "sentence"),
        [
            ({"dance": {"daily": 1}}, "There is no action 'dance': the actions are like, comment"),
            ({"open_dm": {"daily": 1}}, "There is no action 'open_dm'"),
            ({"like": {"daily": -1}}, "The daily limit of like is a whole number from 0 to 1,000,000, not -1"),
            ({"like": {"hourly": 1.5}}, "The hourly limit of like is a whole number"),
            ({"like": {"hourly": "5"}}, "not '5'"),
            ({"like": {"hourly": True}}, "not True"),
            ({"like": {"hourly": 1_000_001}}, "not 1000001"),
            ({"like": {"weekly": 5}}, "that of like names 'weekly'"),
            ({"like": []}, "The limit of like is an object"),
            ({}, "At least one action has a limit"),
            ([1, 2], "Limits are an object"),
            (None, "Limits are an object"),
        ],
    )
    def test_refuses_limits_that_make_no_sense(self, value: Any, sentence: str) -> None:
        with pytest.raises(BadSetting, match=sentence):
            rules.change(rules.RATE_LIMITS, value, by="ann", now=NOW)
        assert rules.rate_limits()["like"] == Allowance(20, 100)

    @pytest.mark.parametrize(
        ("hours", "sentence"),
        [
            ([], "Give 1 to 50 offsets"),
            (list(range(1, 52)), "these are 51"),
            ([1, 6, 6], r"Offset 3 \(6\) does not come after the one before it \(6\)"),
            ([6, 1.5], "does not come after"),
            ([0], "Offset 1"),
            ([1, 8761], "Offset 2 .* is more than 8760 hours"),
            ([float("nan")], "no number of hours"),
            (["soon"], "no number of hours"),
            ([True], "no number of hours"),
        ],
    )
    def test_refuses_plans_that_make_no_sense(self, hours: Any, sentence: str) -> None:
        plan = [{"offset_hours": hour, "name": "x"} for hour in hours]
        with pytest.raises(BadSetting, match=sentence):
            rules.change(rules.CHECK_SCHEDULE, plan, by="ann", now=NOW)
        assert len(rules.check_offsets()) == 9

    @pytest.mark.parametrize(
        "entry",
        [
            {"offset_hours": 1},
            {"offset_hours": 1, "name": " "},
            {"offset_hours": 1, "name": 5},
            {"offset_hours": 1, "name": "x" * 101},
            {"offset_hours": 1, "name": "x", "more": 1},
            1,
        ],
    )
    def test_refuses_checks_without_a_name(self, entry: Any) -> None:
        with pytest.raises(BadSetting, match="Check 1 has"):
            rules.change(rules.CHECK_SCHEDULE, [entry], by="ann", now=NOW)

    def test_knows_no_other_setting(self) -> None:
        with pytest.raises(
            BadSetting, match="no setting 'everything': the settings are automation_rate_limits, checkback"
        ):
            rules.change("everything", {}, by="ann", now=NOW)


class TestRemarks:
    def test_names_hours_that_the_day_never_lets_be_used(self) -> None:
        limits = {"like": Allowance(50, 20), "comment": Allowance(5, 20), "view": Allowance(5, None)}
        assert rules.remarks(limits) == ["Like: the hourly limit of 50 is never reached, the daily one is less."]
