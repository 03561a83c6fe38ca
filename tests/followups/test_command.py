"""`manage.py followups`."""

import json
import stat
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from followups.models import ErasureReceipt, FollowUp, UserProfile
from jobs.models import ScheduledJob
from tests.config.factories import make_follow_up, make_member

pytestmark = pytest.mark.django_db


def followups(*arguments: str) -> tuple[str, str]:
    """What the command writes as results and as problems."""
    out, err = StringIO(), StringIO()
    call_command("followups", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> tuple[int, str]:
    """The exit code and the sentence of a command that could not do it."""
    with pytest.raises(CommandError) as raised:
        followups(*arguments)
    return raised.value.returncode, str(raised.value)


def objects(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in followups(*arguments, "--json")[0].splitlines()]


def make_quiet(**values: Any) -> UserProfile:
    return make_member(opted_in=True, last_interaction=timezone.now() - timedelta(days=3), **values)


class TestPlan:
    def test_plans_with_a_job(self) -> None:
        member = make_quiet()

        out, _ = followups("plan", member.pk, "--in-hours", "30", "--text", "How was the trip, {name}?")

        planned = FollowUp.objects.get()
        assert f"Planned: {planned.pk}, due " in out
        assert planned.trigger_data == {"text": "How was the trip, {name}?"}
        assert ScheduledJob.objects.filter(pk=planned.job_id, status="pending").exists()

    def test_says_that_it_is_planned_already(self) -> None:
        member = make_quiet()
        followups("plan", member.pk, "--occasion", "trip")

        (again,) = objects("plan", member.pk, "--occasion", "trip")

        assert (again["created"], again["follow_up"]["id"]) == (False, FollowUp.objects.get().pk)

    def test_names_the_gate_that_refuses(self) -> None:
        code, sentence = refused("plan", make_member().pk)

        assert (code, FollowUp.objects.count()) == (1, 0)
        assert "Nothing was planned: The member was never asked for consent" in sentence

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["nobody"], 1, "Nobody with the id 'nobody' is known."),
            (["MEMBER", "--in-hours", "-1"], 2, "write hours from 0 to 8,784"),
            (["MEMBER", "--in-hours", "900000"], 2, "write hours from 0 to 8,784"),
            (["MEMBER", "--in-hours", "soon"], 2, "write hours from 0 to 8,784"),
            (["MEMBER", "--at", "2027-01-01T10:00:00"], 2, "say which time zone is meant"),
            (["MEMBER", "--at", "2020-01-01T10:00:00Z"], 1, "out of range"),
            (["MEMBER", "--at", "2027-01-01T10:00:00Z", "--in-hours", "1"], 2, "not both"),
            (["MEMBER", "--trigger", "whim"], 2, "invalid choice"),
        ],
    )
    def test_says_what_is_wrong_and_stores_nothing(self, arguments: list[str], code: int, sentence: str) -> None:
        member = make_quiet()

        found = refused("plan", *(member.pk if word == "MEMBER" else word for word in arguments))

        assert found[0] == code
        assert sentence in found[1]
        assert not FollowUp.objects.exists()


class TestListAndShow:
    def test_lists_by_member_state_and_trigger(self) -> None:
        first, second = make_quiet(), make_quiet()
        pending = make_follow_up(first, now=timezone.now())
        skipped = make_follow_up(second, "skipped", now=timezone.now())

        assert {row["id"] for row in objects("list")} == {pending.pk, skipped.pk}
        assert [row["id"] for row in objects("list", "--status", "skipped")] == [skipped.pk]
        assert [row["id"] for row in objects("list", "--member", first.pk)] == [pending.pk]
        assert objects("list", "--trigger", "goal") == []
        out, err = followups("list", "--limit", "1")
        assert len(out.splitlines()) == 2
        assert "There may be more" in err

    def test_says_that_there_are_none(self) -> None:
        assert followups("list") == ("", "There are no such follow-ups.\n")

    def test_shows_one_with_its_decisions(self) -> None:
        row = make_follow_up(make_quiet(), "skipped", now=timezone.now())

        out, _ = followups("show", row.pk)

        assert row.pk in out
        assert "The member has opted out." in out
        assert objects("show", row.pk)[0]["decisions"][0]["gate"] == "consent"

    def test_knows_no_strange_id(self) -> None:
        assert refused("show", "x\x1b[2J") == (1, "No follow-up has the id x\\x1b[2J.")


class TestCancel:
    def test_cancels_with_the_job_and_tells_of_each(self) -> None:
        planned = FollowUp.objects.get(pk=objects("plan", make_quiet().pk)[0]["follow_up"]["id"])
        done = make_follow_up(make_quiet(), "executed", now=timezone.now())

        code, problem = refused("cancel", planned.pk, done.pk, "nothing", "--reason", "by mistake")

        planned.refresh_from_db()
        assert (code, planned.status, planned.reason) == (1, "cancelled", "by mistake")
        assert ScheduledJob.objects.get(pk=planned.job_id).status == "cancelled"
        assert f"{done.pk} cannot be cancelled any more: it is executed." in problem
        assert "No follow-up has the id nothing." in problem


class TestWhy:
    def test_names_the_gate_for_each_trigger(self) -> None:
        out, _ = followups("why", make_member().pk)

        assert out.count("The member was never asked for consent") == 7
        assert "Nothing." in out

    def test_answers_as_json(self) -> None:
        member = make_quiet()
        planned = make_follow_up(member, now=timezone.now())

        (found,) = objects("why", member.pk)

        assert found["consent"] == "granted"
        assert [row["id"] for row in found["planned"]] == [planned.pk]
        assert set(found["answers"]) >= {"inactivity", "post_event", "re_engagement", "emotion_based", "custom"}

    def test_knows_no_stranger(self) -> None:
        assert refused("why", "nobody") == (1, "Nobody with the id 'nobody' is known.")


class TestSimulate:
    def test_shows_totals_days_and_to_whom(self) -> None:
        member = make_quiet()

        out, _ = followups("simulate", "--days", "20")

        assert "Nothing was sent." in out
        assert member.pk in out
        assert "▇" in out
        assert not FollowUp.objects.exists()

    def test_compares(self) -> None:
        make_quiet()

        out, _ = followups("simulate", "--days", "20", "--with", "FOLLOW_UP_MAX_PER_USER_PER_WEEK=0")
        now, then = objects("simulate", "--days", "20", "--with", "FOLLOW_UP_MAX_PER_USER_PER_WEEK=0")

        assert "difference" in out
        assert (now["messages"], then["messages"], then["dropped"]) == (1, 0, {"weekly_cap": 1})

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["--days", "0"], 2, "1 to 366"),
            (["--with", "nonsense"], 2, "write NAME=VALUE"),
            (["--with", "FOLLOW_UP_ENABLD=true"], 1, "Did you mean FOLLOW_UP_ENABLED?"),
            (["--member", "nobody"], 1, "Nobody with the id 'nobody'"),
        ],
    )
    def test_says_what_is_wrong(self, arguments: list[str], code: int, sentence: str) -> None:
        found = refused("simulate", *arguments)

        assert found[0] == code
        assert sentence in found[1]


class TestExportAndForget:
    def test_exports_to_a_new_file_for_its_owner_only(self, tmp_path: Path) -> None:
        member, file = make_quiet(), tmp_path / "ada.json"

        out, err = followups("export", member.pk, "--output", str(file))

        assert (out, "for you only" in err) == ("", True)
        assert member.pk in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        code, sentence = refused("export", member.pk, "--output", str(file))
        assert (code, "cannot be written: File exists" in sentence) == (1, True)

    def test_exports_to_standard_output(self) -> None:
        member = make_quiet()

        assert objects("export", member.pk)[0]["profile"]["user_id"] == member.pk

    def test_forgets_after_the_id_was_written_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        member = make_quiet()
        monkeypatch.setattr("builtins.input", lambda: "yes")
        assert refused("forget", member.pk, "--evidence", "ticket 12") == (1, "Nothing was changed.")
        assert UserProfile.objects.filter(pk=member.pk).exists()

        monkeypatch.setattr("builtins.input", lambda: member.pk)
        out, err = followups("forget", member.pk, "--evidence", "ticket 12")

        assert not UserProfile.objects.filter(pk=member.pk).exists()
        assert f"Forgotten. Receipt {ErasureReceipt.objects.get().pk}." in out
        assert "BACKUP_KEEP_DAYS" in err

    def test_forget_wants_evidence_and_a_known_member(self) -> None:
        assert refused("forget", "nobody")[0] == 2
        assert refused("forget", "nobody", "--evidence", "x") == (1, "Nobody with the id 'nobody' is known.")
