"""How many follow-ups were answered, and how fast."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from followups.analytics import rates
from followups.analytics.intervals import Share
from followups.analytics.rates import By, Quartiles
from followups.models import FollowUpHistory
from jobs.figures import Span
from tests.followups.analytics.factories import RIPE, SPAN, make_history
from tests.followups.factories import DAY, HOUR, NOON, make_member

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class TestSpan:
    def test_is_refused_when_empty_or_too_long(self) -> None:
        assert rates.span(NOON - rates.LONGEST, NOON) == Span(NOON - rates.LONGEST, NOON)
        with pytest.raises(rates.BadSpan, match="before"):
            rates.span(NOON, NOON)
        with pytest.raises(rates.BadSpan, match="at most 400 days"):
            rates.span(NOON - rates.LONGEST - MINUTE, NOON)


class TestNothing:  # ORIGINS 8.11, T-A12
    def test_has_no_rate_and_no_error(self) -> None:
        rate = rates.overall(SPAN, now=NOON)
        assert (rate.sent, rate.answered, rate.answered.value, rate.average, rate.quartiles) == (
            0,
            Share(0, 0),
            None,
            None,
            None,
        )
        assert rate.in_words == "Nothing was sent."

    @pytest.mark.parametrize("by", By)
    def test_has_no_groups(self, by: By) -> None:
        assert rates.grouped(SPAN, by, now=NOON) == []


class TestOverall:
    def test_judges_one_answered_follow_up(self) -> None:
        make_history(make_member(), 1, answered=1)
        rate = rates.overall(SPAN, now=NOON)
        assert (rate.answered, rate.answered.value, rate.average) == (Share(1, 1), 1.0, HOUR)
        assert rate.quartiles == Quartiles(HOUR, HOUR, HOUR)
        assert rate.in_words == "1 of 1 answered: not enough data yet"

    def test_gives_the_exact_numbers_in_one_query(self, django_assert_num_queries: Any) -> None:
        member = make_member()
        make_history(member, 28, harmed=2, returned=14)
        for hours in range(1, 13):
            make_history(member, 1, answered=1, after=hours * HOUR, reacted_at=RIPE + HOUR)
        with django_assert_num_queries(1):
            rate = rates.overall(SPAN, now=NOON)
        assert (rate.sent, rate.answered, rate.young) == (40, Share(12, 40), 0)
        assert (rate.reacted, rate.returned, rate.harmed) == (Share(12, 40), Share(14, 40), Share(2, 40))
        assert rate.average == 6.5 * HOUR
        assert rate.quartiles == Quartiles(3.75 * HOUR, 6.5 * HOUR, 9.25 * HOUR)
        assert rate.in_words == "12 of 40 answered (30 %, likely 18-45 %)"

    def test_counts_what_is_too_young_apart(self) -> None:
        member = make_member()
        make_history(member, 20, answered=5)
        make_history(member, 8, answered=3, after=MINUTE, at=NOON - 7 * DAY, harmed=8)  # the window's very last moment
        rate = rates.overall(SPAN, now=NOON)
        assert (rate.sent, rate.answered, rate.young, rate.young_answered) == (28, Share(5, 20), 8, 3)
        assert (rate.harmed.hits, rate.average) == (0, HOUR)
        assert rate.in_words == (
            "5 of 20 answered (25 %, likely 11-47 %); 8 more are too young to judge (3 answered so far)"
        )

    def test_says_so_when_all_is_too_young(self) -> None:
        make_history(make_member(), 3, answered=1, at=NOON - DAY)
        assert rates.overall(SPAN, now=NOON).in_words == "3 are too young to judge (1 answered so far)"

    def test_takes_the_span_from_its_begin_up_to_its_end(self) -> None:
        member = make_member()
        for at in (SPAN.since, SPAN.until - MINUTE, SPAN.since - MINUTE, SPAN.until):
            make_history(member, 1, at=at)
        assert rates.overall(SPAN, now=NOON).sent == 2

    def test_can_be_of_one_member(self) -> None:
        ada = make_member()
        make_history(ada, 2)
        make_history(make_member(), 3)
        assert rates.overall(SPAN, user_id=ada.pk, now=NOON).sent == 2
        assert [rate.sent for rate in rates.grouped(SPAN, By.TRIGGER, user_id=ada.pk, now=NOON)] == [2]


class TestGrouped:
    COLUMNS: dict[By, tuple[dict[str, Any], str, str]] = {
        By.TRIGGER: ({"trigger_type": "post_event"}, "post_event", "After an event"),
        By.TEMPLATE: ({"template_key": "quiet"}, "quiet", "quiet"),
        By.VARIANT: ({"template_key": "quiet", "variant": "b"}, "quiet/b", "quiet, variant b"),
        By.LEVEL: ({"relationship_level": 3}, "3", "Friend"),
        By.EMOTION: ({"emotion": "low"}, "low", "low"),
        By.LOCALE: ({"locale": "de"}, "de", "de"),
        By.COMPOSED_BY: ({"composed_by": "llm"}, "llm", "Language model"),
        By.HOUR: ({"local_hour": 9}, "9", "09:00"),
        By.WEEKDAY: ({"local_weekday": 6}, "6", "Sunday"),
    }

    @pytest.mark.parametrize("by", COLUMNS)
    def test_has_a_row_for_each_group_in_one_query(self, by: By, django_assert_num_queries: Any) -> None:
        columns, key, label = self.COLUMNS[by]
        member = make_member()
        make_history(member, 4, answered=1, **columns)
        make_history(member, 2, answered=2, trigger_type="")
        with django_assert_num_queries(1):
            found = {rate.key: rate for rate in rates.grouped(SPAN, by, now=NOON)}
        assert (found[key].label, found[key].answered) == (label, Share(1, 4))
        unknown = next(rate for name, rate in found.items() if not name.strip("/"))
        assert (unknown.label, unknown.answered) == ("Not known", Share(2, 2))
        assert len(found) == 2

    def test_names_the_members(self, django_assert_num_queries: Any) -> None:
        ada, nobody = make_member(name="Ada"), make_member(name="")
        make_history(ada, 1)
        make_history(nobody, 2)
        with django_assert_num_queries(1):
            found = rates.grouped(SPAN, By.MEMBER, now=NOON)
        assert [(rate.key, rate.label, rate.sent) for rate in found] == [
            (nobody.pk, nobody.pk, 2),
            (ada.pk, "Ada", 1),
        ]

    def test_puts_hours_in_the_order_of_the_day_and_others_by_size(self) -> None:
        member = make_member()
        for hour, trigger, count in ((23, "custom", 1), (0, "goal", 3), (9, "birthday", 2)):
            make_history(member, count, local_hour=hour, trigger_type=trigger)
        assert [rate.key for rate in rates.grouped(SPAN, By.HOUR, now=NOON)] == ["0", "9", "23"]
        assert [rate.key for rate in rates.grouped(SPAN, By.TRIGGER, now=NOON)] == ["goal", "birthday", "custom"]

    def test_has_an_end(self) -> None:
        member = make_member()
        for number in range(rates.MOST_GROUPS + 5):
            make_history(member, 1, template_key=f"text {number}")
        assert len(rates.grouped(SPAN, By.TEMPLATE, now=NOON)) == rates.MOST_GROUPS

    def test_reads_its_span_by_an_index(self) -> None:
        member = make_member()
        for day in range(300):
            make_history(member, 20, at=NOON - day * DAY)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE follow_up_history")
        rows = FollowUpHistory.objects.filter(sent_at__gte=NOON - 5 * DAY, sent_at__lt=NOON)
        assert "idx_follow_up_time" in rows.order_by().values("trigger_type").explain()
