"""Booked events, and moving follow-ups, over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from followups.models import Booking, FollowUp
from jobs.models import ScheduledJob
from tests.config.factories import make_follow_up, make_key, make_member

pytestmark = pytest.mark.django_db
EVENTS = "/api/v1/events"


def client(*scopes: str) -> APIClient:
    """A program with a key."""
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(*scopes)}")
    return program


@pytest.fixture
def program() -> APIClient:
    return client("followups:read", "followups:write")


@pytest.fixture(autouse=True)
def _no_night(settings: Any) -> None:
    settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0


def book(program: APIClient, user_id: str, days: float = 5, **more: Any) -> Any:
    event_at = (timezone.now() + timedelta(days=days)).isoformat()
    return program.post(EVENTS, {"user_id": user_id, "event_at": event_at, **more})


class TestBook:
    def test_notes_the_event_and_plans_its_follow_up(self, program: APIClient) -> None:
        member = make_member(opted_in=True)

        response = book(program, member.user_id, name="Party", booking_id="b1", follow_up_delay_hours=2)

        assert response.status_code == 201, response.content
        body = response.json()
        assert (body["event"]["name"], body["event"]["booking_id"]) == ("Party", "b1")
        assert (body["event"]["follow_up_delay_hours"], body["is_planned"], body["reason"]) == (2, True, "")
        assert body["event"]["follow_up_id"] == body["follow_up"]["id"]
        assert body["follow_up"]["event_at"] == body["event"]["event_at"]

    def test_says_what_has_the_booking_id_already(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        first = book(program, member.user_id, booking_id="b1").json()["event"]

        response = book(program, member.user_id, 50, booking_id="b1")

        assert response.status_code == 409
        error = response.json()["errors"][0]
        assert (error["code"], error["attr"], response.json()["event"]) == ("booking_exists", "booking_id", first)
        assert Booking.objects.count() == 1

    def test_says_why_there_is_no_follow_up(self, program: APIClient) -> None:
        body = book(program, make_member().user_id).json()

        assert (body["follow_up"], body["is_planned"]) == (None, False)
        assert "never asked" in body["reason"]

    @pytest.mark.parametrize(
        "change",
        [
            {"user_id": "nobody"},
            {"user_id": "a\x00b"},
            {"event_at": "2026-12-01T12:00:00"},
            {"event_at": "2026-12-01T12:00:00 Mars/Olympus"},
            {"event_at": "0001-01-01T00:00:00+14:00"},
            {"event_at": "9999-12-31T00:00:00Z"},
            {"follow_up_delay_hours": 0},
            {"follow_up_delay_hours": -1},
            {"follow_up_delay_hours": 8761},
            {"follow_up_delay_hours": "nan"},
            {"follow_up_delay_hours": "1e999"},
            {"name": "a\nb"},
            {"booking_id": "x" * 256},
            {"colour": "red"},
        ],
    )
    def test_refuses_nonsense(self, program: APIClient, change: dict[str, Any]) -> None:
        response = book(program, **{"user_id": make_member(opted_in=True).user_id, **change})

        assert response.status_code == 400, response.content
        assert response.json()["errors"][0]["detail"]
        assert not Booking.objects.exists()
        assert not FollowUp.objects.exists()

    def test_needs_the_scope_to_write(self) -> None:
        assert book(client("followups:read"), make_member().user_id).status_code == 403


class TestList:
    def test_goes_from_page_to_page(self, program: APIClient) -> None:
        member, at = make_member(), timezone.now()
        made = [Booking.objects.create(user=member, event_at=at) for _ in range(5)]
        seen, address = [], f"{EVENTS}?page_size=2"
        while address:
            page = program.get(address).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
        assert seen == [booking.pk for booking in reversed(made)]

    def test_filters(self, program: APIClient) -> None:
        ada, ben, at = make_member("Ada"), make_member("Ben"), timezone.now()
        wanted = Booking.objects.create(user=ada, event_at=at, booking_id="b1")
        Booking.objects.create(user=ben, event_at=at)
        Booking.objects.create(user=ada, event_at=at - timedelta(days=9))
        query = {"user_id": ada.user_id, "booking_id": "b1", "status": "booked", "since": at.isoformat()}
        assert [row["id"] for row in program.get(EVENTS, query).json()["results"]] == [wanted.pk]
        assert len(program.get(EVENTS, {"before": at.isoformat()}).json()["results"]) == 1

    def test_refuses_a_cursor_of_another_list(self, program: APIClient) -> None:
        member, now = make_member(), timezone.now()
        for _ in range(2):
            make_follow_up(member, now=now)
        cursor = program.get("/api/v1/followups?page_size=1").json()["next"].split("cursor=")[1].split("&")[0]
        assert program.get(f"{EVENTS}?cursor={cursor}").status_code == 400


class TestOne:
    def test_shows_it(self, program: APIClient) -> None:
        booking = Booking.objects.create(user=make_member(), event_at=timezone.now())
        assert program.get(f"{EVENTS}/{booking.pk}").json()["id"] == booking.pk
        for strange in ("0", "9" * 40, "x"):
            assert program.get(f"{EVENTS}/{strange}").status_code == 404

    def test_moves_and_renames_with_the_follow_up(self, program: APIClient) -> None:
        event = book(program, make_member(opted_in=True).user_id).json()["event"]
        later = timezone.now() + timedelta(days=20)

        response = program.patch(f"{EVENTS}/{event['id']}", {"event_at": later.isoformat(), "name": "Feast"})

        assert response.status_code == 200, response.content
        planned = FollowUp.objects.get()
        assert (planned.event_at, planned.scheduled_at) == (later, later + timedelta(days=1))
        assert planned.trigger_data["event"] == "Feast"
        assert (response.json()["event"]["name"], response.json()["is_planned"]) == ("Feast", True)

    def test_renames_alone(self, program: APIClient) -> None:
        event = book(program, make_member(opted_in=True).user_id).json()["event"]
        body = program.patch(f"{EVENTS}/{event['id']}", {"name": "Feast"}).json()
        assert (body["event"]["name"], body["follow_up"]["id"]) == ("Feast", event["follow_up_id"])

    @pytest.mark.parametrize("change", [{}, {"event_at": "soon"}, {"event_at": "2099-01-01T00:00:00Z"}, {"status": ""}])
    def test_refuses_nonsense(self, program: APIClient, change: dict[str, Any]) -> None:
        event = book(program, make_member(opted_in=True).user_id).json()["event"]
        assert program.patch(f"{EVENTS}/{event['id']}", change).status_code == 400

    def test_does_not_move_what_is_cancelled(self, program: APIClient) -> None:
        event = book(program, make_member().user_id).json()["event"]
        program.post(f"{EVENTS}/{event['id']}/cancel")
        response = program.patch(f"{EVENTS}/{event['id']}", {"event_at": timezone.now().isoformat()})
        assert response.status_code == 409


class TestCancel:
    def test_stops_the_follow_up_and_tells_who_has_one_now(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        event = book(program, member.user_id).json()["event"]
        near = book(program, member.user_id, 5.1).json()["event"]

        body = program.post(f"{EVENTS}/{event['id']}/cancel").json()

        assert (body["event"]["status"], body["changed"], body["stopped_follow_up"]) == ("cancelled", True, True)
        assert [entry["event"]["id"] for entry in body["followed"]] == [near["id"]]
        assert program.post(f"{EVENTS}/{event['id']}/cancel").json()["changed"] is False
        assert program.post(f"{EVENTS}/0/cancel").status_code == 404


class TestReschedule:
    def test_moves_the_follow_up_and_its_job(self, program: APIClient) -> None:
        planned = program.post(
            "/api/v1/followups", {"user_id": make_member(opted_in=True).user_id, "trigger": "custom"}
        ).json()["follow_up"]
        due = timezone.now() + timedelta(days=9)

        response = program.post(f"/api/v1/followups/{planned['id']}/reschedule", {"due_at": due.isoformat()})

        assert response.status_code == 200, response.content
        assert ScheduledJob.objects.get().next_attempt_at == FollowUp.objects.get().scheduled_at == due

    def test_comes_too_late_for_what_is_over(self, program: APIClient) -> None:
        row = make_follow_up(make_member(), "executed", now=timezone.now())
        response = program.post(f"/api/v1/followups/{row.pk}/reschedule", {"due_at": timezone.now().isoformat()})
        assert response.status_code == 409
        assert "it is executed" in response.json()["errors"][0]["detail"]

    @pytest.mark.parametrize("due_at", ["", "2026-12-01T00:00:00", "1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
    def test_refuses_nonsense(self, program: APIClient, due_at: str) -> None:
        row = make_follow_up(make_member(), now=timezone.now())
        response = program.post(f"/api/v1/followups/{row.pk}/reschedule", {"due_at": due_at})
        assert response.status_code == 400
        assert response.json()["errors"][0]["attr"] == "due_at"

    def test_knows_no_such_one(self, program: APIClient) -> None:
        assert program.post("/api/v1/followups/nothing/reschedule", {"due_at": "x"}).status_code == 404


class TestDuplicate:
    def test_says_what_exists_and_why(self, program: APIClient) -> None:
        event_at = (timezone.now() + timedelta(days=2)).isoformat()
        body = {
            "user_id": make_member(opted_in=True).user_id,
            "trigger": "post_event",
            "trigger_data": {"event_at": event_at},
        }
        first = program.post("/api/v1/followups", body).json()
        second = program.post("/api/v1/followups", body)
        assert (second.status_code, second.json()["created"]) == (200, False)
        assert second.json()["follow_up"]["id"] == first["follow_up"]["id"]
        assert "has a follow-up already" in second.json()["reason"]
