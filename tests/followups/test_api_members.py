"""Members over REST: topics, preferences, export, forgetting."""

from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.utils import timezone
from hypothesis import strategies as st
from rest_framework.test import APIClient

from followups import consent, preferences, privacy
from followups.models import ConsentReceipt, ErasureReceipt, UserProfile
from tests.config.factories import make_key, make_member
from tests.followups.privacy.factories import make_known, places_with

pytestmark = pytest.mark.django_db


def client(*scopes: str) -> APIClient:
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(*scopes, name='website')}")
    return program


@pytest.fixture
def program() -> APIClient:
    return client("followups:read", "followups:write", "privacy:read", "privacy:write")


def address(member: UserProfile, what: str) -> str:
    return f"/api/v1/members/{member.user_id}/{what}"


class TestOptIn:
    def test_may_name_topics(self, program: APIClient) -> None:
        member = make_member()

        answer = program.post(address(member, "opt-in"), {"evidence": "form 7", "topics": ["events"]}, format="json")

        assert answer.status_code == 200, answer.content
        assert answer.json()["topics"] == answer.json()["receipts"][0]["topics"] == ["events"]

    @pytest.mark.parametrize("topics", [[], ["gossip"], "events"])
    def test_refuses_nonsense(self, program: APIClient, topics: Any) -> None:
        body = {"evidence": "form 7", "topics": topics}
        assert program.post(address(make_member(), "opt-in"), body, format="json").status_code == 400


class TestPreferences:
    def test_shows_them(self, program: APIClient) -> None:
        member = make_member(opted_in=True, birthday_month=2, birthday_day=29)

        body = program.get(address(member, "preferences")).json()

        assert body["topics"] == ["check_ins", "events", "re_engagement"]
        assert (body["frequency_hours"], body["birthday_day"], body["paused_until"]) == (48, 29, None)

    def test_changes_what_is_named(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        until = timezone.now() + timedelta(days=9)
        changes = {
            "less_often": True,
            "paused_until": until.isoformat(),
            "quiet_start": 22,
            "quiet_end": 7,
            "timezone": "Europe/Berlin",
            "locale": "de",
            "add_absence": {"starts_at": until.isoformat(), "ends_at": (until + timedelta(days=1)).isoformat()},
            "topics": ["events"],
            "evidence": "mail of Monday",
        }

        body = program.patch(address(member, "preferences"), changes, format="json")

        assert body.status_code == 200, body.content
        assert body.json() == program.get(address(member, "preferences")).json()
        assert (body.json()["frequency_hours"], body.json()["timezone"]) == (96, "Europe/Berlin")
        assert body.json()["topics"] == ["events"]
        receipt = ConsentReceipt.objects.latest("id")
        assert (receipt.source, receipt.evidence, receipt.actor) == ("api", "mail of Monday", "website")
        removed = program.patch(
            address(member, "preferences"), {"remove_absence": body.json()["absences"][0]["id"]}, format="json"
        )
        assert removed.json()["absences"] == []

    def test_with_no_topic_opts_out(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        body = {"topics": [], "evidence": "mail"}
        assert program.patch(address(member, "preferences"), body, format="json").json()["opted_in"] is False
        assert ConsentReceipt.objects.latest("id").state == "withdrawn"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"timezone": "Europe/Berln"}, "timezone"),
            ({"timezone": None}, "timezone"),
            ({"quiet_start": 3}, "quiet_end"),
            ({"birthday_month": 2, "birthday_day": 30}, "birthday_day"),
            ({"paused_until": "2026-01-01T00:00:00"}, "paused_until"),
            ({"paused_until": "2020-01-01T00:00:00Z"}, "paused_until"),
            ({"frequency_hours": 0}, "frequency_hours"),
            ({"frequency_hours": 9000}, "frequency_hours"),
            ({"locale": "!!"}, "locale"),
            ({"remove_absence": 99}, "remove_absence"),
            ({"add_absence": {"starts_at": "2026-01-01T00:00:00Z"}}, "add_absence.ends_at"),
            ({"topics": ["events"]}, "evidence"),
            ({"topics": ["gossip"], "evidence": "e"}, "topics.0"),
            ({"colour": "green"}, "colour"),
        ],
    )
    def test_refuses_nonsense_in_one_clear_error_and_changes_nothing(
        self, program: APIClient, changes: dict[str, Any], field: str
    ) -> None:
        member = make_member(opted_in=True)
        before = program.get(address(member, "preferences")).json()

        answer = program.patch(
            address(member, "preferences"), {"less_often": "frequency_hours" not in changes, **changes}, format="json"
        )

        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["attr"] == field
        assert error["detail"]
        assert program.get(address(member, "preferences")).json() == before

    def test_changes_nothing_when_only_a_part_is_good(self, program: APIClient) -> None:
        """The topics come first; what fails after them takes them back."""
        member = make_member(opted_in=True)
        body = {"topics": ["events"], "evidence": "mail", "timezone": "Mars"}

        assert program.patch(address(member, "preferences"), body, format="json").status_code == 400

        assert ConsentReceipt.objects.count() == 1
        member.refresh_from_db()
        assert len(member.topics) == 3

    def test_has_no_topics_for_those_who_did_not_opt_in(self, program: APIClient) -> None:
        answer = program.patch(
            address(make_member(), "preferences"), {"topics": ["events"], "evidence": "mail"}, format="json"
        )
        assert answer.status_code == 409
        assert "has not opted in" in answer.json()["errors"][0]["detail"]

    def test_never_makes_any_body_our_error(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        anything = (
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text()
            | st.just({})
        )
        names = [*preferences.Wishes.__annotations__, "topics", "evidence"]

        @hypothesis.settings(max_examples=80, deadline=None, database=None)
        @hypothesis.given(body=st.dictionaries(st.sampled_from(names), anything, max_size=4))
        def ask(body: dict[str, Any]) -> None:
            answer = program.patch(address(member, "preferences"), body, format="json")
            assert answer.status_code in {200, 400, 409}, (body, answer.content)

        ask()

    @pytest.mark.parametrize("key", ["nobody", "a%00b", "x" * 3000])
    def test_knows_no_strange_id(self, program: APIClient, key: str) -> None:
        for what in ("preferences", "export"):
            assert program.get(f"/api/v1/members/{key}/{what}").status_code == 404
        body = {"evidence": "e", "confirm": "nobody"}
        assert program.post(f"/api/v1/members/{key}/forget", body).status_code == 404
        assert program.patch(f"/api/v1/members/{key}/preferences", {}).status_code == 404


class TestExport:
    def test_is_everything(self, program: APIClient) -> None:
        member = make_known()

        body = program.get(address(member, "export")).json()

        assert body["profile"]["user_id"] == member.user_id
        assert body["consent"][0]["wording"] == consent.WORDING

    def test_needs_its_own_scope(self) -> None:
        answer = client("followups:read", "followups:write", "privacy:write").get(address(make_member(), "export"))
        assert answer.status_code == 403
        assert "privacy:read" in answer.json()["errors"][0]["detail"]


class TestForget:
    def test_erases_and_gives_the_receipt(self, program: APIClient) -> None:
        member = make_known()

        answer = program.post(
            address(member, "forget"), {"evidence": f"Mail of {member.user_id}", "confirm": member.user_id}
        )

        assert answer.status_code == 200, answer.content
        assert answer.json()["counts"]["user_profiles"] == 1
        assert answer.json()["actor"] == "website"
        assert member.user_id not in answer.content.decode()
        assert places_with(member.user_id, "Zebulon") == []
        assert privacy.was_forgotten(member.user_id)
        assert program.get(address(member, "preferences")).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {"evidence": "e"},
            {"evidence": "e", "confirm": "yes"},
            {"confirm": "ID"},
            {"evidence": "e", "confirm": "ID", "x": 1},
        ],
    )
    def test_wants_the_id_repeated_and_evidence(self, program: APIClient, body: dict[str, Any]) -> None:
        member = make_member()
        body = {name: member.user_id if value == "ID" else value for name, value in body.items()}

        answer = program.post(address(member, "forget"), body)

        assert answer.status_code == 400
        assert len(answer.json()["errors"]) == 1
        assert UserProfile.objects.filter(pk=member.pk).exists()
        assert not ErasureReceipt.objects.exists()

    def test_needs_its_own_scope(self) -> None:
        member = make_member()
        answer = client("followups:write", "privacy:read").post(
            address(member, "forget"), {"evidence": "e", "confirm": member.user_id}
        )
        assert answer.status_code == 403
        assert UserProfile.objects.filter(pk=member.pk).exists()
