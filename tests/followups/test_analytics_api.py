"""Results and campaigns over REST."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from followups.models import Campaign, Trigger
from tests.config.factories import make_key
from tests.followups.analytics.factories import make_history, make_holdouts
from tests.followups.factories import DAY, HOUR, make_member

pytestmark = pytest.mark.django_db
FIGURES = "/api/v1/analytics/followups"
CAMPAIGNS = "/api/v1/campaigns"


def client(*scopes: str) -> APIClient:
    """A program with a key."""
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(*scopes, name='robot')}")
    return program


@pytest.fixture
def program() -> APIClient:
    return client("followups:read", "followups:write")


class TestFigures:
    def test_of_nothing_are_zero_and_null(self, program: APIClient) -> None:  # ORIGINS 8.11
        found = program.get(FIGURES).json()
        assert (found["by"], found["groups"]) == ("trigger", [])
        total = found["total"]
        assert (total["sent"], total["response_rate"], total["interval"], total["median_seconds"]) == (
            0,
            None,
            None,
            None,
        )
        assert total["in_words"] == "Nothing was sent."

    def test_are_exact(self, program: APIClient) -> None:
        member, now = make_member(), timezone.now()
        make_history(member, 40, answered=12, harmed=2, returned=14, at=now - 10 * DAY)
        make_history(member, 5, answered=1, after=HOUR, at=now - DAY)
        total = program.get(FIGURES).json()["total"]
        interval = total.pop("interval")
        assert (interval["low"], interval["high"]) == pytest.approx((0.1807, 0.4543), abs=0.0001)
        assert total == {
            "key": "",
            "name": "All",
            "sent": 45,
            "too_young": 5,
            "answered_so_far": 1,
            "judged": 40,
            "answered": 12,
            "response_rate": 0.3,
            "average_seconds": 3600,
            "median_seconds": 3600,
            "first_quartile_seconds": 3600,
            "third_quartile_seconds": 3600,
            "reacted": 0,
            "returned": 14,
            "harmed": 2,
            "harm_rate": 0.05,
            "in_words": "12 of 40 answered (30 %, likely 18-45 %); 5 more are too young to judge (1 answered so far)",
        }

    @pytest.mark.parametrize("by", ["trigger", "template", "variant", "level", "emotion", "locale", "composed_by",
                                    "hour", "weekday", "member"])  # fmt: skip
    def test_come_by_group(self, program: APIClient, by: str) -> None:
        make_history(make_member(), 3, at=timezone.now() - 10 * DAY)
        found = program.get(FIGURES, {"by": by}).json()
        assert [group["sent"] for group in found["groups"]] == [3]

    def test_can_be_of_one_member_and_one_time(self, program: APIClient) -> None:
        member, now = make_member(), timezone.now()
        make_history(member, 3, at=now - 10 * DAY)
        make_history(member, 4, at=now - 20 * DAY)
        make_history(make_member(), 5, at=now - 10 * DAY)
        asked = {"user_id": member.pk, "since": (now - 12 * DAY).isoformat(), "until": now.isoformat()}
        assert program.get(FIGURES, asked).json()["total"]["sent"] == 3
        assert program.get(FIGURES, {"user_id": "nobody"}).status_code == 404

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "`since` must be before `until`"),
            ({"since": "2024-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "at most 400 days"),
            ({"since": "2026-01-01T00:00:00"}, "time zone"),
            ({"until": "0001-01-02T00:00:00Z"}, "30 days before"),
            ({"by": "zodiac"}, "not a valid choice"),
            ({"form": "x"}, "no such field"),
        ],
    )
    def test_refuse_what_makes_no_sense(self, program: APIClient, asked: dict[str, str], words: str) -> None:
        response = program.get(FIGURES, asked)
        assert response.status_code == 400
        assert words in response.json()["errors"][0]["detail"]


class TestBestHour:
    def test_is_null_while_too_little_is_known(self, program: APIClient) -> None:
        found = program.get(f"/api/v1/analytics/members/{make_member().pk}/best-hour")
        assert found.json() == {"hour": None, "in_words": "Too little is known."}
        assert program.get("/api/v1/analytics/members/nobody/best-hour").status_code == 404


class TestCampaigns:
    def test_are_listed_with_what_they_achieved(self, program: APIClient, django_assert_max_num_queries: Any) -> None:
        at = timezone.now() - 10 * DAY
        make_history(make_member(), 40, answered=12, returned=20, at=at)
        make_holdouts(make_member(), 40, returned=5, at=at)
        with django_assert_max_num_queries(8):
            found = program.get(CAMPAIGNS).json()
        assert [row["campaign"]["trigger"] for row in found] == Trigger.values
        quiet = found[0]
        assert quiet["results"]["answered"] == 12
        assert quiet["lift"]["difference"] == pytest.approx(0.375)
        assert (quiet["lift"]["held_out"], quiet["lift"]["held_out_returned"]) == (40, 5)
        assert found[1]["lift"] is None
        assert not Campaign.objects.exists()

    def test_are_paused_and_resumed(self, program: APIClient) -> None:
        paused = program.post(f"{CAMPAIGNS}/inactivity/pause", {"reason": "Summer."})
        assert (paused.status_code, paused.json()["pause_reason"], paused.json()["paused_by"]) == (
            200,
            "Summer.",
            "robot",
        )
        again = program.post(f"{CAMPAIGNS}/inactivity/pause", {"reason": "Winter."})
        assert (again.status_code, again.json()["errors"][0]["detail"]) == (409, "inactivity is paused already.")
        resumed = program.post(f"{CAMPAIGNS}/inactivity/resume")
        assert (resumed.status_code, resumed.json()["paused_at"]) == (200, None)
        assert resumed.json()["judged_from"] is not None
        assert program.post(f"{CAMPAIGNS}/inactivity/resume").status_code == 409

    @pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 256}, {"reason": "x", "by": "me"}])
    def test_need_a_reason_to_pause(self, program: APIClient, body: dict[str, str]) -> None:
        assert program.post(f"{CAMPAIGNS}/inactivity/pause", body).status_code == 400
        assert not Campaign.objects.exists()

    def test_take_a_holdout(self, program: APIClient) -> None:
        set_to = program.patch(f"{CAMPAIGNS}/inactivity", {"holdout_percent": 5})
        assert (set_to.status_code, set_to.json()["holdout_percent"]) == (200, 5)
        assert program.patch(f"{CAMPAIGNS}/inactivity", {"holdout_percent": None}).json()["holdout_percent"] is None

    @pytest.mark.parametrize(
        ("trigger", "body", "status"),
        [
            ("inactivity", {"holdout_percent": 51}, 400),
            ("inactivity", {}, 400),
            ("birthday", {"holdout_percent": 5}, 400),
            ("nothing", {"holdout_percent": 5}, 404),
        ],
    )
    def test_refuse_another_holdout(self, program: APIClient, trigger: str, body: dict[str, int], status: int) -> None:
        assert program.patch(f"{CAMPAIGNS}/{trigger}", body).status_code == status

    def test_that_nobody_knows_are_not_found(self, program: APIClient) -> None:
        assert program.post(f"{CAMPAIGNS}/nothing/pause", {"reason": "x"}).status_code == 404
        assert program.post(f"{CAMPAIGNS}/nothing/resume").status_code == 404

    def test_are_changed_only_with_the_scope(self) -> None:
        reader = client("followups:read")
        assert reader.get(CAMPAIGNS).status_code == 200
        assert reader.post(f"{CAMPAIGNS}/inactivity/pause", {"reason": "x"}).status_code == 403
        assert reader.patch(f"{CAMPAIGNS}/inactivity", {"holdout_percent": 5}).status_code == 403
