"""When a post is checked. ORIGINS section 8, number 16; W28."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia.models import SystemSetting
from socialmedia.tracking import plan
from socialmedia.tracking.plan import BadOffsets
from tests.socialmedia.factories import NOON

HOUR = timedelta(hours=1)


class TestReadOffsets:
    def test_reads_hours_and_parts_of_them(self) -> None:
        assert plan.read_offsets(" 0.5, 1,6 ,12") == (0.5, 1, 6, 12)
        assert plan.read_offsets([1, 2.5, "8760"]) == (1, 2.5, 8760)

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ("", r"Give 1 to 50 offsets in hours, like 1,6,24; these are 0\."),
            (",".join(map(str, range(1, 52))), r"Give 1 to 50 .* these are 51\."),
            ("1,6,twelve", r"Offset 3 \(twelve\) is no number of hours\."),
            ("1,,6", r"Offset 2 \(\) is no number"),
            ("1;6", r"Offset 1 \(1;6\) is no number"),
            ("0,1", r"Offset 1 \(0\) is not more than 0 hours\."),
            ("-1,1", r"Offset 1 \(-1\) is not more than 0"),
            ("1,nan", r"Offset 2 \(nan\) is no number"),
            ("1,inf", r"Offset 2 \(inf\) is more than 8760"),
            ("1e-12", r"Offset 1 \(1e-12\) is not more than 0"),
            ("1,8761", r"Offset 2 \(8761\) is more than 8760 hours, a year\."),
            ("6,1", r"Offset 2 \(1\) does not come after the one before it \(6\)\."),
            ("1,6,6", r"Offset 3 \(6\) does not come after the one before it \(6\)\."),
            ([1, True], r"Offset 2 \(True\) is no number"),
            ([1, None], r"Offset 2 \(None\) is no number"),
            ("9" * 400, r"Offset 1 \(9{30}\.\.\.\) is more than 8760"),
        ],
    )
    def test_names_the_one_that_is_wrong(self, given: str | list[object], told: str) -> None:
        with pytest.raises(BadOffsets, match=f"^{told}"):
            plan.read_offsets(given)

    @given(st.text() | st.lists(st.none() | st.booleans() | st.floats() | st.integers() | st.text()))
    def test_raises_nothing_else(self, given: str | list[object]) -> None:
        with suppress(BadOffsets):
            instants = plan.make(given, base="tracking_start", posted_at=None, now=NOON).instants
            assert all(before < after for before, after in pairwise([NOON, *instants]))


class TestMake:
    def test_counts_from_the_start_of_tracking(self) -> None:
        made = plan.make("1,6", base="tracking_start", posted_at=NOON - 48 * HOUR, now=NOON)
        assert (made.offsets, made.instants) == ((1, 6), (NOON + HOUR, NOON + 6 * HOUR))

    def test_counts_from_the_publication_and_leaves_out_what_is_past(self) -> None:
        made = plan.make("1,6,12,24", base="posting", posted_at=NOON - 6 * HOUR, now=NOON)
        assert (made.offsets, made.instants) == ((12, 24), (NOON + 6 * HOUR, NOON + 18 * HOUR))

    def test_takes_a_publication_in_the_future_for_now(self) -> None:
        made = plan.make("1", base="posting", posted_at=NOON + 999 * HOUR, now=NOON)
        assert made.instants == (NOON + HOUR,)

    @pytest.mark.parametrize(
        ("base", "posted_at", "told"),
        [
            ("posting", NOON - 6 * HOUR, r"The post is older than 6 hours, the last offset: give a later one"),
            ("posting", None, "It is not known when the post was published"),
            ("birth", NOON, "Offsets count from tracking_start or posting, not from birth"),
        ],
    )
    def test_refuses_what_gives_no_plan(self, base: str, posted_at: datetime | None, told: str) -> None:
        with pytest.raises(BadOffsets, match=told):
            plan.make("1,6", base=base, posted_at=posted_at, now=NOON)

    def test_refuses_times_without_a_zone(self) -> None:  # ORIGINS section 8, number 16
        naive = NOON.replace(tzinfo=None)
        with pytest.raises(ValueError, match="2026-03-10T12:00:00 needs a time zone"):
            plan.make("1", base="tracking_start", posted_at=None, now=naive)
        with pytest.raises(ValueError, match="needs a time zone"):
            plan.make("99", base="posting", posted_at=naive, now=NOON)
        with pytest.raises(ValueError, match="needs a time zone"):
            plan.from_texts(["2026-03-10T12:00:00"])

    def test_counts_real_hours_across_a_change_of_the_clocks(self) -> None:  # ORIGINS section 8, number 16
        evening = datetime(2026, 3, 28, 20, 0, tzinfo=ZoneInfo("Europe/Berlin"))
        made = plan.make("12", base="tracking_start", posted_at=None, now=evening)
        assert plan.as_texts(made.instants) == ["2026-03-29T07:00:00+00:00"]
        same = plan.make("12", base="tracking_start", posted_at=None, now=evening.astimezone(timezone(5 * HOUR)))
        assert same == made


class TestTexts:
    def test_are_iso_in_utc_and_come_back(self) -> None:
        moment = datetime(2026, 5, 1, 1, 30, 0, 5, tzinfo=timezone(2 * HOUR))
        assert plan.as_texts([moment]) == ["2026-04-30T23:30:00.000005+00:00"]
        assert plan.from_texts(plan.as_texts([moment])) == [moment.astimezone(UTC)]


@pytest.mark.django_db
class TestDefaultOffsets:
    def test_are_the_nine_without_a_row(self) -> None:
        SystemSetting.objects.filter(pk=plan.SETTING).delete()
        assert plan.default_offsets() == (1, 6, 12, 24, 48, 72, 168, 336, 720)

    def test_are_what_staff_chose(self) -> None:
        chosen = [{"offset_hours": 2, "name": "2 hours"}, {"offset_hours": 4.5, "name": "later"}]
        SystemSetting.objects.update_or_create(pk=plan.SETTING, defaults={"setting_value": chosen})
        assert plan.default_offsets() == (2, 4.5)

    @pytest.mark.parametrize("value", [{"a": 1}, ["x"], [{"offset_hours": "soon"}], [{}], []])
    def test_say_which_setting_is_wrong(self, value: object) -> None:
        SystemSetting.objects.update_or_create(pk=plan.SETTING, defaults={"setting_value": value})
        with pytest.raises(BadOffsets, match="The setting checkback_schedule_default"):
            plan.default_offsets()
