"""The console's pages of providers."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from socialmedia.models import ApiUsage, ProviderBudget
from tests.config.factories import make_staff

pytestmark = pytest.mark.django_db

CALLS = reverse("admin:socialmedia_apiusage_changelist")
BUDGETS = reverse("admin:socialmedia_providerbudget_changelist")
PAGE = reverse("admin:socialmedia_providerbudget_change", args=["rapidapi"])
RESUME = reverse("admin:socialmedia_providerbudget_resume", args=["rapidapi"])


@pytest.fixture
def stopped() -> ProviderBudget:
    """A provider that refused us."""
    now = timezone.now()
    for number, success in enumerate((True, True, False, None)):
        ApiUsage.objects.create(
            provider_name="rapidapi",
            platform="tiktok",
            endpoint="video",
            success=success,
            latency_ms=None if success is None else 100 * (number + 1),
            error_code="refused" if success is False else "",
            error_message="The key <b>is</b> bad." if success is False else "",
        )
    return ProviderBudget.objects.create(
        provider_name="rapidapi",
        day=now.date(),
        used=4,
        refusals=1,
        blocked_until=now + timedelta(hours=1),
        blocked_reason="The key <b>is</b> bad.",
    )


@pytest.mark.usefixtures("stopped")
class TestPages:
    def test_list_the_calls_with_what_became_of_them(self, boss: Client) -> None:
        page = boss.get(CALLS).content.decode()
        for words in ("Answered", "Refused", "No answer noted", "100 ms", "The key &lt;b&gt;is&lt;/b&gt; bad."):
            assert words in page
        assert len(boss.get(CALLS, {"success__exact": "0"}).context["cl"].result_list) == 1
        assert len(boss.get(CALLS, {"q": "refused"}).context["cl"].result_list) == 1

    def test_show_what_is_left_and_the_days(self, boss: Client) -> None:
        assert "4 of 800" in boss.get(BUDGETS).content.decode()
        page = boss.get(PAGE)
        assert "Stopped" in page.content.decode()
        (day,) = page.context["panels"][0].rows
        assert day[1:] == ("4", "1", "1", "200 ms", "300 ms")

    def test_of_a_call_shows_all_of_it(self, boss: Client) -> None:
        row = ApiUsage.objects.get(success=False)
        page = boss.get(reverse("admin:socialmedia_apiusage_change", args=[row.pk])).content.decode()
        assert "The key &lt;b&gt;is&lt;/b&gt; bad." in page


class TestResume:
    def test_asks_first_and_then_ends_the_stop(self, boss: Client, stopped: ProviderBudget) -> None:
        assert "Ask this provider again?" in boss.get(RESUME).content.decode()
        stopped.refresh_from_db()
        assert stopped.blocked_until is not None
        page = boss.post(RESUME, follow=True)
        assert "It is asked again from now on." in page.content.decode()
        stopped.refresh_from_db()
        assert (stopped.blocked_until, stopped.refusals, stopped.blocked_reason) == (None, 0, "")
        assert LogEntry.objects.get().change_message == "Ask again now."
        assert "was not stopped any more" in boss.post(RESUME, follow=True).content.decode()

    @pytest.mark.usefixtures("stopped")
    def test_is_for_those_who_may_operate(self, client: Client) -> None:
        client.force_login(make_staff("socialmedia.view_providerbudget"))
        assert client.get(PAGE).status_code == 200
        assert client.post(RESUME).status_code == 403
