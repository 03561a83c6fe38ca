"""`pause_followups` and `stop_all`: holding follow-ups back, and holding everything back."""

from datetime import UTC, datetime
from typing import Final

from discord.utils import escape_markdown

from bots.answers import Answer, Question, Refused
from bots.governor import controls, figures
from followups.planning import JOB_TYPE
from jobs import pauses
from jobs.models import JobPause
from socialmedia.models import Message, MessageStatus

LONGEST_REASON: Final = 255
"""As much as a pause keeps."""
_SINCE: Final = "since {at}, by {by}{reason}"
_ALL_JOBS: Final = (
    "Follow-ups are held back because all jobs are paused, not by me: go to Pauses in the console, or see there who "
    "did it."
)


def pause_followups(question: Question, *, action: str, reason: str, now: datetime) -> Answer:
    """Hold the community's follow-ups back, let them go again, or say which it is. Nothing is dropped by it."""
    words = {"on": _pause, "off": _resume, "status": _status}
    act = words.get(action.strip().lower())
    if act is None:
        raise Refused("Write `pause_followups on`, `off` or `status`; after `on` you may say why.")
    return act(question, reason, now)


def _pause(question: Question, reason: str, now: datetime) -> Answer:
    if not pauses.pause(JOB_TYPE, by=question.actor, reason=_checked(reason), now=question.asked_at):
        return Answer(f"Follow-ups have been paused already, {_since_pause()}. Nothing was changed.")
    return Answer(
        "Follow-ups are **paused**: no new one is written, and those that wait are held. Answers to members still go "
        f"out. {_waiting_follow_ups()} `pause_followups off` lets them go on; the policy is asked again then."
    )


def _resume(question: Question, _reason: str, now: datetime) -> Answer:
    row = JobPause.objects.filter(job_type=JOB_TYPE).first()
    if row is not None and row.paused_at > question.asked_at:  # read late, after a time offline
        raise Refused(f"Follow-ups were paused after you asked for that, {_since_pause()}, so nothing was changed.")
    since = _since_pause()
    if not pauses.resume(JOB_TYPE, by=question.actor):
        return Answer(_ALL_JOBS if pauses.is_paused(JOB_TYPE) else "Follow-ups are not paused. Nothing was changed.")
    more = f" But: {_ALL_JOBS}" if pauses.is_paused(JOB_TYPE) else ""
    return Answer(f"Follow-ups go on; they had been paused {since}. What waits follows within minutes.{more}")


def _status(question: Question, _reason: str, now: datetime) -> Answer:
    if JobPause.objects.filter(job_type=JOB_TYPE).exists():
        return Answer(f"Follow-ups have been **paused** {_since_pause()}. {_waiting_follow_ups()}")
    return Answer(_ALL_JOBS if pauses.is_paused(JOB_TYPE) else "Follow-ups are not paused.")


def stop_all(question: Question, *, account_id: int, reason: str, now: datetime) -> Answer:
    """Let nothing leave any more, at once."""
    is_new = controls.stop(account_id, by=question.actor, reason=_checked(reason), now=now)
    switches = controls.of_account(account_id)
    since = _since(switches.stopped_at or now, switches.stopped_by, switches.stop_reason)
    done = "**Stopped.** From now on I send nothing" if is_new else f"I was stopped already, {since}: I send nothing"
    queue = figures.of_account(account_id, now=now).queue
    return Answer(
        f"{done}, not even answers to what members type; slash commands still work. Nothing is lost; {queue}. "
        "`resume_all` lets me send again."
    )


def ask_to_resume(question: Question, *, account_id: int, now: datetime) -> Answer:
    """Say what would go out, and ask."""
    switches = controls.of_account(account_id)
    if switches.stopped_at is None:
        return Answer("I am not stopped: messages go out. Nothing was changed.")
    since = _since(switches.stopped_at, switches.stopped_by, switches.stop_reason)
    return Answer(
        f"I have been stopped {since}; {figures.of_account(account_id, now=now).queue}. They would go out now, each "
        "after the policy is asked again. Shall I go on? The button works for 15 minutes.",
        panel="resume",
    )


def resume_all(question: Question, *, account_id: int, now: datetime) -> Answer:
    """Let everything go again."""
    if not controls.resume(account_id, by=question.actor, now=now):
        return Answer("I am not stopped (any more): messages go out.")
    return Answer(f"**Going on**; {figures.of_account(account_id, now=now).queue}.")


def _checked(reason: str) -> str:
    words = " ".join(reason.replace("\x00", "").split())
    if len(words) > LONGEST_REASON:
        raise Refused(f"Please say why in at most {LONGEST_REASON} characters; that were {len(words):,}.")
    return words


def _since_pause() -> str:
    row = JobPause.objects.filter(job_type=JOB_TYPE).first()
    return _since(row.paused_at, row.paused_by, row.reason) if row else "until a moment ago"


def _since(at: datetime, by: str, reason: str) -> str:
    why = f" ({escape_markdown(reason)})" if reason else ""
    return _SINCE.format(at=f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", by=escape_markdown(by), reason=why)


def _waiting_follow_ups() -> str:
    held = Message.objects.filter(is_outgoing=True, is_automated=True, status=MessageStatus.QUEUED).count()
    return f"{held:,} written message{' waits' if held == 1 else 's wait'}."
