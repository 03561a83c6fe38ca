"""The console's forecast."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from followups.admin import forecast
from followups.models import PolicyDecision
from socialmedia.models import Message
from tests.config.factories import make_staff
from tests.followups.factories import make_member

pytestmark = pytest.mark.django_db
ADDRESS = "admin:followups_forecast"


def page(boss: Client, **asked: object) -> Any:
    return boss.get(reverse(ADDRESS), asked)


class TestForecastPage:
    def test_says_what_would_be_sent_to_whom(self, boss: Client) -> None:
        member = make_member(last_interaction=timezone.now() - timedelta(days=3), name="Ada")

        text = page(boss).content.decode()

        assert "In the next 30 days 2 messages to 1 member who opted in" in text
        assert member.pk in text
        assert ">Ada</a>" in text
        assert (Message.objects.count(), PolicyDecision.objects.count()) == (0, 0)

    def test_counts_one_as_one(self, boss: Client) -> None:
        make_member(last_interaction=timezone.now() - timedelta(days=3))
        assert re.search(
            r"In the next 1 day (1 message|0 messages) to 1 member who", page(boss, days=1).content.decode()
        )

    def test_says_a_problem_once_and_where_one_is(self, boss: Client) -> None:
        shown = page(boss, days=5, member="nobody")
        assert shown.content.decode().count("Nobody with the id") == 1
        lines = [line for group in shown.context["sidebar_navigation"] for line in group["items"]]
        assert [line["title"] for line in lines if line["active"]] == ["Forecast"]

    def test_compares_with_another_setting(self, boss: Client) -> None:
        make_member(last_interaction=timezone.now() - timedelta(days=3))

        text = page(boss, days=20, setting="FOLLOW_UP_ENABLED", value="false").content.decode()

        assert "0 against 1 messages" in text
        assert "If FOLLOW_UP_ENABLED were false" in text

    @pytest.mark.parametrize(
        ("asked", "sentence"),
        [
            ({"days": 0}, "greater than or equal to 1"),
            ({"days": "many"}, "Enter a whole number"),
            ({"days": 5, "member": "nobody"}, "Nobody with the id"),
            ({"days": 5, "setting": "FOLLOW_UP_QUIET_HOURS_START", "value": "25"}, "is outside 0 to 23"),
            ({"days": 5, "setting": "SECRET_KEY", "value": "x"}, "Select a valid choice"),
        ],
    )
    def test_says_what_is_wrong(self, boss: Client, asked: dict[str, object], sentence: str) -> None:
        response = page(boss, **asked)

        assert response.status_code == 200
        assert sentence in response.content.decode()

    def test_sends_a_large_community_to_the_command(self, boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forecast, "MOST_MEMBERS", 1)
        members = [make_member(), make_member()]

        assert "manage.py followups simulate --days 30" in page(boss).content.decode()
        assert "to 1 member who" in page(boss, days=30, member=members[0].pk).content.decode()

    def test_is_for_those_who_may_see_follow_ups(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_scheduledjob"))

        assert client.get(reverse(ADDRESS)).status_code == 403
