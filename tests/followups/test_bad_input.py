"""Bad input, over REST, by the command and by the console's forms: one clear sentence each, and nothing is stored."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from config.models import SCOPES
from followups import events, planning
from followups.models import Booking, FollowUp, UserProfile
from socialmedia.models import MessageTemplate
from tests.config.factories import make_key, make_member, make_superuser

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
NAIVE, NO_TIME = "2026-12-01T10:00:00", "soon"
ADA = "{ada}"
"""Stands for the member's id in what follows."""
API = "/api/v1"
TEXT = "Hi[[ {name}]]! How have you been?"


def at(days: float) -> str:
    """So many days from now, as a program writes it."""
    return (timezone.now() + timedelta(days=days)).isoformat()


def counted() -> dict[str, int]:
    """How many rows each table has."""
    return {model._meta.db_table: model._default_manager.count() for model in apps.get_models()}


def contents(profile: UserProfile) -> list[Any]:
    """What could have changed without a new row."""
    return [
        UserProfile.objects.filter(pk=profile.pk).values().get(),
        list(Booking.objects.order_by("pk").values()),
        list(FollowUp.objects.order_by("pk").values()),
        list(MessageTemplate.objects.order_by("pk").values("pk", "status", "template_text", "version")),
    ]


@pytest.fixture
def ada() -> UserProfile:
    """A member who opted in, with an event to come, its follow-up, and one that somebody planned."""
    ada = make_member("Ada", opted_in=True)
    now = timezone.now()
    events.book(user_id=ada.pk, event_at=now + 3 * DAY, booking_id="B-7", now=now)
    planning.plan(user_id=ada.pk, trigger="custom", due_at=now + 5 * DAY, now=now)
    return ada


@pytest.fixture
def program() -> APIClient:
    """A program that may do everything."""
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(*SCOPES, name='robot')}")
    return program


@pytest.fixture
def boss(client: Client) -> Client:
    """A person who may do everything."""
    client.force_login(make_superuser())
    return client


@pytest.fixture
def nothing_stored(ada: UserProfile, program: APIClient, boss: Client) -> Iterator[None]:
    """Whatever the test does, the database holds the same before and after."""
    rows, before = counted(), contents(ada)
    yield
    assert {name: number - rows[name] for name, number in counted().items() if number != rows[name]} == {}
    assert contents(ada) == before


POSTS: list[tuple[str, str, Any, int, str]] = [
    # planning
    ("a naive due time", "/followups", {"user_id": ADA, "trigger": "custom", "due_at": NAIVE}, 400, "time zone"),
    ("no time at all", "/followups", {"user_id": ADA, "trigger": "custom", "due_at": NO_TIME}, 400, "format"),
    (
        "long past",
        "/followups",
        {"user_id": ADA, "trigger": "custom", "due_at": "2020-01-01T00:00Z"},
        400,
        "out of range",
    ),
    ("centuries ahead", "/followups", {"user_id": ADA, "trigger": "custom", "due_at": "2999-01-01T00:00Z"}, 400, "366"),
    ("an unknown member", "/followups", {"user_id": "404", "trigger": "custom"}, 400, "'404'"),
    ("an unknown trigger", "/followups", {"user_id": ADA, "trigger": "whim"}, 400, "whim"),
    ("an unknown field", "/followups", {"user_id": ADA, "trigger": "custom", "urgent": True}, 400, "urgent"),
    ("a missing field", "/followups", {"user_id": ADA}, 400, "required"),
    ("a list", "/followups", [1], 400, "dictionary"),
    ("NUL", "/followups", {"user_id": "a\x00b", "trigger": "custom"}, 400, "NUL characters"),
    (
        "words with an unknown placeholder",
        "/followups",
        {"user_id": ADA, "trigger": "custom", "trigger_data": {"text": "Hi {wallet}!"}},
        400,
        "wallet",
    ),
    (
        "words that are too long",
        "/followups",
        {"user_id": ADA, "trigger": "custom", "trigger_data": {"text": "x" * 2001}},
        400,
        "2001 characters",
    ),
    (
        "words that are a number",
        "/followups",
        {"user_id": ADA, "trigger": "custom", "trigger_data": {"text": 7}},
        400,
        "text",
    ),
    # events
    ("a naive event", "/events", {"user_id": ADA, "event_at": NAIVE}, 400, "time zone"),
    (
        "an event of the stone age",
        "/events",
        {"user_id": ADA, "event_at": "0001-01-01T00:00Z"},
        400,
        "more than ten years away",
    ),
    (
        "an event in a century",
        "/events",
        {"user_id": ADA, "event_at": "2126-01-01T00:00Z"},
        400,
        "more than ten years away",
    ),
    ("an event of nobody", "/events", {"user_id": "404", "event_at": "2026-12-24T18:00Z"}, 400, "'404'"),
    (
        "a negative delay",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "follow_up_delay_hours": -1},
        400,
        "greater than or equal to 0",
    ),
    (
        "no delay",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "follow_up_delay_hours": 0},
        400,
        "delay",
    ),
    (
        "a delay of a century",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "follow_up_delay_hours": 876_000},
        400,
        "less than or equal",
    ),
    (
        "a delay that is no number",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "follow_up_delay_hours": "NaN"},
        400,
        "",
    ),
    (
        "a second live event with one booking id",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "booking_id": "B-7"},
        409,
        "'B-7' exists",
    ),
    (
        "a name on two lines",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "name": "a\nb"},
        400,
        "one line",
    ),
    (
        "an unknown field of an event",
        "/events",
        {"user_id": ADA, "event_at": "2026-12-24T18:00Z", "place": "Pier"},
        400,
        "place",
    ),
    # members
    ("an opt-in without evidence", f"/members/{ADA}/opt-in", {}, 400, "required"),
    ("an opt-in to an unknown topic", f"/members/{ADA}/opt-in", {"evidence": "x", "topics": ["spam"]}, 400, "spam"),
    ("an opt-in of nobody", "/members/404/opt-in", {"evidence": "x"}, 404, "no member"),
    ("an opt-out of nobody", "/members/404/opt-out", {"evidence": "x"}, 404, "no member"),
    ("forgetting without the id", f"/members/{ADA}/forget", {"evidence": "x", "confirm": "yes"}, 400, "Repeat"),
    ("forgetting nobody", "/members/404/forget", {"evidence": "x", "confirm": "404"}, 404, "no member"),
    # campaigns and forecasts
    ("pausing an unknown campaign", "/campaigns/whim/pause", {"reason": "x"}, 404, ""),
    ("pausing without a reason", "/campaigns/custom/pause", {}, 400, "required"),
    ("a forecast of no day", "/followups/simulate", {"days": 0}, 400, "1"),
    ("a forecast of a century", "/followups/simulate", {"days": 36500}, 400, "366"),
    ("a forecast for nobody", "/followups/simulate", {"user_id": "404"}, 400, "'404'"),
    ("a forecast with an unknown setting", "/followups/simulate", {"changes": {"LUCK": 1}}, 400, "LUCK"),
    (
        "a forecast with a wrong value",
        "/followups/simulate",
        {"changes": {"FOLLOW_UP_MAX_PER_USER_PER_WEEK": "many"}},
        400,
        "FOLLOW_UP_MAX_PER_USER_PER_WEEK",
    ),
    (
        "a forecast in an unknown zone",
        "/followups/simulate",
        {"changes": {"SCHEDULER_TIMEZONE": "Mars/Olympus"}},
        400,
        "Mars/Olympus",
    ),
]

PREFERENCES: list[tuple[dict[str, Any], str]] = [
    ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
    ({"timezone": "../etc/passwd"}, "passwd"),
    ({"locale": "klingon!"}, "locale"),
    ({"frequency_hours": 0}, "greater than or equal to 1"),
    ({"frequency_hours": 9000}, "8760"),
    ({"paused_until": NAIVE}, "time zone"),
    ({"paused_until": "2999-01-01T00:00Z"}, "366"),
    ({"paused_until": "2020-01-01T00:00Z"}, "future"),
    ({"quiet_start": 24, "quiet_end": 7}, "23"),
    ({"quiet_start": 22}, "quiet_end"),
    ({"birthday_month": 2, "birthday_day": 30}, "birthday"),
    ({"add_absence": {"starts_at": "2027-01-02T00:00Z", "ends_at": "2027-01-01T00:00Z"}}, "after"),
    ({"remove_absence": 4711}, "absence"),
    ({"topics": ["spam"], "evidence": "x"}, "spam"),
    ({"topics": ["events"]}, "evidence"),
    ({"follow_ups_enabled": True}, "follow_ups_enabled"),
]


def said(response: Any) -> str:
    """The one error of an answer, with the field that it is about."""
    (error,) = response.json()["errors"]
    assert error["detail"]
    return f"{error['attr']}: {error['detail']}"


@pytest.mark.usefixtures("nothing_stored")
class TestRest:
    @pytest.mark.parametrize(
        ("path", "body", "expected"), [(*row[1:3], row[3:]) for row in POSTS], ids=[row[0] for row in POSTS]
    )
    def test_refuses(self, program: APIClient, ada: UserProfile, path: str, body: Any, expected: Any) -> None:
        status, words = expected
        if isinstance(body, dict):
            body = {name: ada.pk if value == ADA else value for name, value in body.items()}
        response = program.post(API + path.format(ada=ada.pk), body, format="json")
        assert response.status_code == status, response.content
        assert words in said(response)

    @pytest.mark.parametrize(("body", "words"), PREFERENCES, ids=[str(body) for body, _ in PREFERENCES])
    def test_refuses_a_preference(self, program: APIClient, ada: UserProfile, body: Any, words: str) -> None:
        response = program.patch(f"{API}/members/{ada.pk}/preferences", body, format="json")
        assert response.status_code == 400, response.content
        assert words in said(response)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"event_at": NAIVE}, "time zone"),
            ({"event_at": "2126-01-01T00:00Z"}, "more than ten years away"),
            ({"event_at": at(400)}, "366 days ahead"),
            ({"name": "x" * 256}, "255"),
            ({"name": "Other", "event_at": "0001-01-01T00:00Z"}, "more than ten years away"),
            ({"booking_id": "B-8"}, "booking_id"),
            ({}, "event_at"),
        ],
        ids=str,
    )
    def test_refuses_to_change_an_event(self, program: APIClient, body: Any, words: str) -> None:
        """Renaming and moving at once is done whole, or not at all."""
        response = program.patch(f"{API}/events/{Booking.objects.get().pk}", body, format="json")
        assert response.status_code == 400, response.content
        assert words in said(response)

    @pytest.mark.parametrize("due_at", [NAIVE, "2020-01-01T00:00Z", "2999-01-01T00:00Z", "", None])
    def test_refuses_to_reschedule(self, program: APIClient, due_at: Any) -> None:
        planned = FollowUp.objects.get(trigger_type="custom")
        response = program.post(f"{API}/followups/{planned.pk}/reschedule", {"due_at": due_at}, format="json")
        assert response.status_code == 400, response.content
        assert said(response).startswith("due_at: ")

    @pytest.mark.parametrize("path", ["/followups", "/events", f"/members/{ADA}/opt-in", "/followups/simulate"])
    @pytest.mark.parametrize("content", ["{", "", "null", '"x"', '{"user_id": NaN}', "\xff"], ids=repr)
    def test_refuses_bad_json(self, program: APIClient, ada: UserProfile, path: str, content: str) -> None:
        if path.endswith("simulate") and content == "":
            pytest.skip("An empty request is a forecast with all defaults.")
        body = content.encode("latin-1")
        response = program.post(API + path.format(ada=ada.pk), body, content_type="application/json")
        assert response.status_code == 400, response.content
        assert all(error["detail"] for error in response.json()["errors"])

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/followups?status=lost", 400),
            ("/followups?due_before=2026-12-01T10:00:00", 400),
            ("/followups?sort=name", 400),
            ("/followups/404", 404),
            ("/events?since=yesterday", 400),
            ("/events/404", 404),
            ("/events/99999999999999999999999", 404),
            ("/members/404/why", 404),
            ("/members/404/preferences", 404),
            ("/members/404/export", 404),
            ("/members/404/consent", 404),
            ("/decisions?gate=garden", 400),
            ("/analytics/followups?by=luck", 400),
            ("/analytics/followups?since=2026-12-01T10:00:00", 400),
        ],
    )
    def test_refuses_to_show(self, program: APIClient, path: str, status: int) -> None:
        response = program.get(API + path)
        assert response.status_code == status, response.content
        assert said(response)


COMMANDS: list[tuple[list[str], int, str]] = [
    (["plan", "404"], 1, "'404'"),
    (["plan", ADA, "--at", NAIVE], 2, "time zone"),
    (["plan", ADA, "--at", NO_TIME], 2, "soon"),
    (["plan", ADA, "--at", "2020-01-01T00:00Z"], 1, "out of range"),
    (["plan", ADA, "--at", "2999-01-01T00:00Z"], 1, "366 days ahead"),
    (["plan", ADA, "--in-hours", "-1"], 2, "'-1'"),
    (["plan", ADA, "--in-hours", "876000"], 2, "'876000'"),
    (["plan", ADA, "--in-hours", "nan"], 2, "'nan'"),
    (["plan", ADA, "--in-hours", "1", "--at", "2026-12-01T10:00Z"], 2, "not both"),
    (["plan", ADA, "--trigger", "whim"], 2, "whim"),
    (["plan", ADA, "--text", "Hi {wallet}!"], 1, "wallet"),
    (["plan", ADA, "--text", "x" * 2001], 1, "2001 characters"),
    (["plan", ADA, "--trigger", "birthday", "--text", "Hello!"], 1, "trigger custom"),
    (["plan", ADA, "--occasion", "x" * 300], 1, "occasion"),
    (["list", "--limit", "0"], 2, "from 1 to 10,000"),
    (["list", "--status", "lost"], 2, "lost"),
    (["show", "404"], 1, "404"),
    (["cancel", "404"], 1, "404"),
    (["why", "404"], 1, "404"),
    (["simulate", "--days", "0"], 2, "from 1 to 366"),
    (["simulate", "--with", "LUCK"], 2, "NAME=VALUE"),
    (["simulate", "--with", "LUCK=1"], 1, "LUCK"),
    (["simulate", "--with", "SCHEDULER_TIMEZONE=Mars/Olympus"], 1, "Mars/Olympus"),
    (["simulate", "--member", "404"], 1, "'404'"),
    (["export", "404"], 1, "'404'"),
    (["export", ADA, "--output", "/nowhere/ada.json"], 1, "cannot be written"),
    (["forget", "404", "--evidence", "letter", "--yes"], 1, "'404'"),
    (["forget", ADA], 2, "--evidence"),
]


@pytest.mark.usefixtures("nothing_stored")
class TestCommand:
    @pytest.mark.parametrize(("arguments", "code", "words"), COMMANDS, ids=[" ".join(row[0])[:40] for row in COMMANDS])
    @pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
    def test_refuses(self, ada: UserProfile, arguments: list[str], code: int, words: str, form: list[str]) -> None:
        filled = [ada.pk if argument == ADA else argument for argument in arguments]
        with pytest.raises(CommandError) as raised:
            call_command("followups", *filled, *form, stdout=StringIO(), stderr=StringIO())
        assert (raised.value.returncode, words in str(raised.value)) == (code, True), str(raised.value)
        assert str(raised.value).count("\n") == 0

    def test_asks_nobody_whether_to_forget(self, ada: UserProfile, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in cron, where standard input is empty. What is asked does not mix with results."""
        monkeypatch.setattr("sys.stdin", StringIO(""))
        out, err = StringIO(), StringIO()
        with pytest.raises(CommandError, match="give --yes"):
            call_command("followups", "forget", ada.pk, "--evidence", "letter", stdout=out, stderr=err)
        assert (out.getvalue(), f"Erase {ada.pk}" in err.getvalue()) == ("", True)


@pytest.mark.usefixtures("nothing_stored")
class TestTemplateForm:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"text": "Hi {wallet}!"}, "wallet"),
            ({"text": "Hi {name!"}, "{"),
            ({"text": "x" * 2001}, "characters"),
            ({"text": ""}, "required"),
            ({"locale": "klingon!"}, "klingon!"),
            ({"key": "Two Words"}, "small letters"),
            ({"trigger": "whim"}, "whim"),
            ({"weight": "-1"}, "0"),
        ],
        ids=str,
    )
    def test_refuses(self, boss: Client, changes: dict[str, str], words: str) -> None:
        filled = {
            "key": "summer",
            "trigger": "inactivity",
            "locale": "en",
            "level": "",
            "emotion": "",
            "variant": "a",
            "account": "",
            "text": TEXT,
            "name": "",
            "weight": "1",
        }
        page = boss.post(reverse("admin:socialmedia_messagetemplate_add"), {**filled, **changes})
        assert page.status_code == 200
        form = page.context["question"].form if "question" in page.context else page.context["form"]
        ((field, (problem,)),) = form.errors.items()
        assert field == next(iter(changes))
        assert words in problem
