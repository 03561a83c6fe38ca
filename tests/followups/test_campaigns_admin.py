"""The console's pages of campaigns and of what follow-ups achieve."""

import html
import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from followups.models import Campaign
from tests.config.factories import make_staff
from tests.followups.analytics.factories import make_history, make_holdouts
from tests.followups.factories import DAY, make_member

pytestmark = pytest.mark.django_db

CAMPAIGNS = reverse("admin:followups_campaign_changelist")
RESULTS = reverse("admin:followups_campaign_results")


def page_of(trigger: str, action: str = "change") -> str:
    """The address of a campaign's page, or of one of its actions."""
    return f"{CAMPAIGNS}{trigger}/{action}/"


@pytest.fixture
def history() -> None:
    member, at = make_member(name="Ada"), timezone.now() - 10 * DAY
    make_history(
        member, 40, answered=12, harmed=12, returned=20, at=at, local_hour=9, local_weekday=1,
        template_key="quiet", variant="a",
    )  # fmt: skip
    make_history(member, 80, answered=60, at=at, local_hour=18, local_weekday=6, template_key="quiet", variant="b")
    make_holdouts(make_member(), 60, returned=1, at=at)


class TestList:
    def test_has_every_campaign_before_anything_is_set(self, boss: Client) -> None:
        page = boss.get(CAMPAIGNS)
        assert page.context["cl"].result_count == 7
        assert page.content.decode().count("Nothing was sent.") == 7

    def test_says_in_words_what_they_achieved(
        self, boss: Client, history: None, django_assert_max_num_queries: Any
    ) -> None:
        boss.get(CAMPAIGNS)
        with django_assert_max_num_queries(12):
            page = html.unescape(boss.get(CAMPAIGNS).content.decode())
        assert "72 of 120 answered (60 %, likely 51-68 %)" in page
        assert "Of those who got a message 17 % came back, of those who did not 2 %: 15 points more" in page
        assert RESULTS in page

    def test_is_for_those_who_may_see_it(self, client: Client) -> None:
        client.force_login(make_staff("followups.view_followup"))
        assert client.get(CAMPAIGNS).status_code == 403
        assert client.get(RESULTS).status_code == 403


class TestPage:
    def test_shows_its_results_and_texts_with_few_queries(
        self, boss: Client, history: None, django_assert_max_num_queries: Any
    ) -> None:
        boss.get(CAMPAIGNS)
        with django_assert_max_num_queries(22):
            page = html.unescape(boss.get(page_of("inactivity")).content.decode())
        assert "72 of 120 answered" in page
        assert "quiet, variant b" in page
        assert "Nothing was sent." in html.unescape(boss.get(page_of("birthday")).content.decode())


class TestPause:
    def test_asks_for_a_reason_and_notes_who_did_it(self, boss: Client) -> None:
        boss.get(CAMPAIGNS)
        assert "Pause this campaign?" in boss.get(page_of("inactivity", "pause")).content.decode()
        boss.post(page_of("inactivity", "pause"), {"reason": " "})
        assert not Campaign.objects.filter(paused_at__isnull=False).exists()
        boss.post(page_of("inactivity", "pause"), {"reason": "Summer."})
        paused = Campaign.objects.get(paused_at__isnull=False)
        assert (paused.pk, paused.paused_by, paused.pause_reason) == ("inactivity", "boss", "Summer.")
        assert LogEntry.objects.get().object_id == "inactivity"
        assert "Summer." in boss.get(page_of("inactivity")).content.decode()

    def test_and_resume_change_nothing_twice(self, boss: Client) -> None:
        boss.get(CAMPAIGNS)
        boss.post(page_of("inactivity", "pause"), {"reason": "Summer."})
        again = boss.post(page_of("inactivity", "pause"), {"reason": "Winter."}, follow=True)
        assert "Nothing was changed" in again.content.decode()
        boss.get(page_of("inactivity", "resume"))
        assert Campaign.objects.filter(paused_at__isnull=False).exists(), "a link alone resumes nothing"
        boss.post(page_of("inactivity", "resume"))
        assert not Campaign.objects.filter(paused_at__isnull=False).exists()
        again = boss.post(page_of("inactivity", "resume"), follow=True)
        assert "Nothing was changed" in again.content.decode()

    def test_are_for_those_who_may_operate(self, client: Client, boss: Client) -> None:
        boss.get(CAMPAIGNS)
        client.force_login(make_staff("followups.view_campaign"))
        for action in ("pause", "resume", "holdout"):
            assert client.post(page_of("inactivity", action), {"reason": "x", "percent": 5}).status_code == 403
        assert not Campaign.objects.exclude(paused_at=None, holdout_percent=None).exists()


class TestHoldout:
    @pytest.fixture(autouse=True)
    def _rows(self, boss: Client) -> None:
        boss.get(CAMPAIGNS)

    def test_is_set_and_unset(self, boss: Client) -> None:
        boss.post(page_of("inactivity", "holdout"), {"percent": "7"})
        assert Campaign.objects.get(pk="inactivity").holdout_percent == 7
        assert 'value="7"' in boss.get(page_of("inactivity", "holdout")).content.decode()
        boss.post(page_of("inactivity", "holdout"), {"percent": ""})
        assert Campaign.objects.get(pk="inactivity").holdout_percent is None

    @pytest.mark.parametrize("percent", ["51", "-1", "many"])
    def test_takes_nothing_else(self, boss: Client, percent: str) -> None:
        assert boss.post(page_of("inactivity", "holdout"), {"percent": percent}).status_code == 200
        assert Campaign.objects.get(pk="inactivity").holdout_percent is None

    def test_is_not_for_messages_that_members_wait_for(self, boss: Client) -> None:
        assert "Hold members out" not in boss.get(page_of("birthday")).content.decode()
        boss.post(page_of("birthday", "holdout"), {"percent": "7"})
        assert Campaign.objects.get(pk="birthday").holdout_percent is None


class TestResults:
    def test_of_nothing_says_so(self, boss: Client) -> None:
        page = html.unescape(boss.get(RESULTS).content.decode())
        assert "Nothing was sent." in page
        assert "Nobody was held out" in page
        assert "<canvas" not in page

    @pytest.mark.parametrize(
        ("by", "label"),
        [
            ("trigger", "Went quiet"),
            ("template", "quiet"),
            ("variant", "quiet, variant b"),
            ("hour", "18:00"),
            ("weekday", "Sunday"),
            ("member", "Ada"),
            ("level", "Not known"),
            ("emotion", "Not known"),
            ("locale", "Not known"),
            ("composed_by", "Not known"),
        ],
    )
    def test_groups_by_what_was_chosen_with_few_queries(
        self, boss: Client, history: None, by: str, label: str, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(12):
            page = boss.get(RESULTS, {"by": by, "days": "365"})
        assert page.status_code == 200
        labels = [row[0] for row in page.context["panels"][0].rows]
        assert label in labels

    def test_draws_answers_by_hour_and_weekday(self, boss: Client, history: None) -> None:
        page = html.unescape(boss.get(RESULTS).content.decode())
        assert "Around 18:00 of the member's day: 60 of 80 answered" in page
        by_hour, by_weekday = (json.loads(data) for data in re.findall(r'data-value="([^>]*?)" data-options', page))
        assert by_hour["datasets"][1]["data"] == [0] * 9 + [12] + [0] * 8 + [60] + [0] * 5
        assert by_weekday["datasets"][0]["data"] == [0, 40, 0, 0, 0, 0, 80]

    def test_names_the_better_variant_and_marks_harm(self, boss: Client, history: None) -> None:
        page = html.unescape(boss.get(RESULTS, {"by": "variant"}).content.decode())
        assert "Variant b is answered more often, 75 % against 30 % of variant a: 45 points more" in page
        assert "12 (30 %)" in page

    @pytest.mark.parametrize("query", [{"days": "-1"}, {"by": "nothing"}, {"days": "9" * 30, "by": "\x00"}])
    def test_passes_over_what_cannot_be_chosen(self, boss: Client, query: dict[str, str]) -> None:
        assert boss.get(RESULTS, query).status_code == 200
