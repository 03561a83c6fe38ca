"""The charts on the console's first page."""

import html
import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config import charts
from jobs.models import DailyFigure
from tests.config.factories import make_staff

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def count(day: date, **values: float) -> None:
    for name, value in values.items():
        DailyFigure.objects.create(day=day, name=name.replace("__", "."), value=value)


class TestJobs:
    def test_shows_thirty_days_up_to_yesterday(self) -> None:
        for back, executions in ((31, 1000), (30, 7), (1, 5), (0, 1000)):
            count(NOW.date() - timedelta(days=back), jobs__executions=executions, jobs__failures=2)
        chart = charts.draw([charts.JOBS], now=NOW)[0]
        drawn = json.loads(chart.data)
        assert (drawn["labels"][0], drawn["labels"][-1], len(drawn["labels"])) == ("4 Apr", "3 May", 30)
        run, failed = drawn["datasets"]
        assert (run["label"], run["data"][0], run["data"][-1]) == ("Run", 7, 5)
        assert (failed["label"], failed["data"][0], failed["data"][-1]) == ("Failed", 2, 2)
        assert run["data"][1:-1] == [None] * 28, "a day that nobody counted is no 0"
        assert chart.summary == "12 attempts of jobs ran, 4 of them failed."

    def test_says_that_no_day_was_counted(self) -> None:
        assert charts.draw([charts.JOBS], now=NOW)[0] == charts.Chart("Jobs in the last 30 days", charts.EMPTY)

    def test_says_that_nothing_happened(self) -> None:
        count(NOW.date() - timedelta(days=1), jobs__executions=0, jobs__failures=0)
        chart = charts.draw([charts.JOBS], now=NOW)[0]
        assert (chart.data, chart.summary) == ("", "0 attempts of jobs ran, 0 of them failed.")


class TestFollowUps:
    def test_shows_what_was_sent_and_answered(self) -> None:
        count(NOW.date() - timedelta(days=1), followups__sent=5, followups__answered=2, jobs__executions=9)
        chart = charts.draw([charts.FOLLOW_UPS], now=NOW)[0]
        assert [line["data"][-1] for line in json.loads(chart.data)["datasets"]] == [5, 2]
        assert chart.summary == "5 follow-ups were sent, 2 were answered."


class TestPosts:
    def test_shows_what_was_measured_and_what_failed(self) -> None:
        count(NOW.date() - timedelta(days=1), posts__checks=5, posts__checks_failed=2)
        chart = charts.draw([charts.POSTS], now=NOW)[0]
        assert chart.summary == "5 checks measured a post, 2 got no answer."


class TestFirstPage:
    def test_draws_what_one_may_see(self, client: Client) -> None:
        count(timezone.now().date() - timedelta(days=1), jobs__executions=3, followups__sent=5)
        client.force_login(make_staff("jobs.view_scheduledjob"))
        page = client.get(reverse("admin:index")).content.decode()
        (data,) = re.findall(r'data-value="([^"]*)"', page)
        assert json.loads(html.unescape(data))["datasets"][0]["data"][-1] == 3
        (options,) = re.findall(r'data-options="([^"]*)"', page)
        assert json.loads(html.unescape(options))["scales"]["y"]["beginAtZero"] is True
        assert "Follow-ups in the last 30 days" not in page

    def test_says_in_words_that_nothing_was_counted(self, boss: Client) -> None:
        page = boss.get(reverse("admin:index")).content.decode()
        assert page.count(charts.EMPTY) == 3
        assert "<canvas" not in page
