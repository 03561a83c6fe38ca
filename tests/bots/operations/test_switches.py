"""`pause_followups` and `stop_all`."""

import pytest

from bots import answers
from bots.governor import controls
from bots.operations import switches
from jobs import pauses
from jobs.models import JobPause
from socialmedia import outbox
from tests.bots.operations.asking import ask
from tests.concurrency import at_once
from tests.followups.factories import HOUR, NOON, make_member, make_queued, make_thread
from tests.socialmedia.factories import make_bot

WHO = "ada (1001, on Discord)"


def pause(action: str, reason: str = "") -> str:
    """Ask as the command does."""

    def operation(question: answers.Question) -> answers.Answer:
        return switches.pause_followups(question, action=action, reason=reason, now=NOON)

    return answers.answer_interaction(operation, ask(), meets=False, now=NOON).text


@pytest.mark.django_db
class TestPauseFollowUps:
    def test_pauses_the_follow_ups_jobs_with_who_and_why(self) -> None:
        make_queued(make_member())
        told = pause("on", " a  flood ")
        row = JobPause.objects.get()
        assert (row.job_type, row.paused_by, row.reason) == ("follow_up_message", WHO, "a flood")
        assert "1 written message waits." in told

    def test_is_not_ended_by_a_wish_from_before_it(self) -> None:
        """A typed command can be read hours late, after a time offline."""
        pauses.pause("follow_up_message", by="boss", now=NOON + HOUR)
        assert "were paused after you asked" in pause("off")
        assert JobPause.objects.exists()

    def test_says_who_did_it_and_since_when(self) -> None:
        pause("on", "a flood")
        since = f"since 2026-11-18 12:00 UTC, by {WHO} (a flood)"
        assert since in pause("status")
        assert since in pause("ON")
        assert since in pause("off")
        assert not JobPause.objects.exists()

    def test_says_when_there_is_nothing_to_do(self) -> None:
        assert "are not paused" in pause("off")
        assert "are not paused" in pause("status")

    def test_does_not_end_a_pause_of_everything(self) -> None:
        pauses.pause("*", by="grace", now=NOON)
        for action in ("off", "status"):
            assert "all jobs are paused" in pause(action)
        assert JobPause.objects.get().job_type == "*"

    def test_keeps_the_longest_reason(self) -> None:
        pause("on", "*" * switches.LONGEST_REASON)
        assert JobPause.objects.get().reason == "*" * switches.LONGEST_REASON

    @pytest.mark.parametrize(("action", "reason"), [("", ""), ("maybe", ""), ("on", "x" * 256), ("x" * 5000, "")])
    def test_refuses_kindly_and_changes_nothing(self, action: str, reason: str) -> None:
        told = pause(action, reason)
        assert "Write `pause_followups on`" in told or "at most 255 characters" in told
        assert not JobPause.objects.exists()


@pytest.mark.django_db
class TestStopAll:
    def test_stops_and_says_what_waits(self) -> None:
        bot = make_bot()
        outbox.queue_reply(conversation=make_thread(make_member()), text="Sure.", now=NOON)
        told = switches.stop_all(ask(), account_id=bot.pk, reason="fire", now=NOON).text
        stopped = controls.of_account(bot.pk)
        assert (stopped.is_stopped, stopped.stopped_by, stopped.stop_reason) == (True, WHO, "fire")
        assert "Nothing is lost; 1 message waits." in told

    def test_twice_keeps_the_first(self) -> None:
        bot = make_bot()
        controls.stop(bot.pk, by="grace", reason="flood", now=NOON)
        told = switches.stop_all(ask(), account_id=bot.pk, reason="fire", now=NOON + HOUR).text
        assert "stopped already, since 2026-11-18 12:00 UTC, by grace (flood)" in told

    def test_asks_before_it_goes_on(self) -> None:
        bot = make_bot()
        assert switches.ask_to_resume(ask(), account_id=bot.pk, now=NOON).panel == ""
        controls.stop(bot.pk, by="grace", now=NOON)
        assert switches.ask_to_resume(ask(), account_id=bot.pk, now=NOON).panel == "resume"
        assert controls.of_account(bot.pk).is_stopped

    def test_goes_on(self) -> None:
        bot = make_bot()
        controls.stop(bot.pk, by="grace", now=NOON)
        assert "**Going on**" in switches.resume_all(ask(), account_id=bot.pk, now=NOON).text
        assert not controls.of_account(bot.pk).is_stopped
        assert "not stopped" in switches.resume_all(ask(), account_id=bot.pk, now=NOON).text


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_go_on_once() -> None:
    bot = make_bot()
    controls.stop(bot.pk, by="grace", now=NOON)
    told = at_once(2, lambda _: switches.resume_all(ask(), account_id=bot.pk, now=NOON).text)
    assert sorted(text.startswith("**Going on**") for text in told) == [False, True]
