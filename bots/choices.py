"""A member's yes or no to follow-ups, as `followup_settings` takes it."""

from datetime import datetime
from enum import StrEnum

from bots import texts
from bots.answers import Answer, Question
from followups import consent, opting_in, preferences


class Choice(StrEnum):
    """What a member can ask of `followup_settings`."""

    STATUS = "status"
    ON = "on"
    OFF = "off"

    @classmethod
    def of(cls, word: str) -> "Choice":
        """Read a member's word; whatever is not understood asks for the status."""
        word = word.strip().lower()
        if consent.asks_to_stop(word):
            return cls.OFF
        return {"on": cls.ON, "enable": cls.ON, "off": cls.OFF, "disable": cls.OFF}.get(word, cls.STATUS)


def choose(choice: Choice, question: Question, *, now: datetime) -> Answer:
    """Show or change the member's choice. A yes that is read late, after a time offline, must not undo what the member
    said since.
    """
    user_id = question.user_id
    if choice is Choice.ON and not was_changed_after(user_id, question.asked_at):
        receipt = opting_in.opt_in(
            user_id=user_id, source=question.source, evidence=question.evidence, actor=user_id, now=now
        )
        return Answer(texts.enabled(receipt.wording_version))
    if choice is Choice.OFF:
        withdrawal = consent.withdraw(
            user_id=user_id, source=question.source, evidence=question.evidence, actor=user_id, now=now
        )
        return Answer(texts.disabled(cancelled=withdrawal.cancelled_follow_ups))
    try:
        consent.require(user_id)  # what the sender asks, so that the answer can't differ from what happens
    except consent.ConsentMissing:
        return Answer(texts.status(None, now=now))
    return Answer(texts.status(preferences.of_member(user_id, now=now), now=now))


def was_changed_after(user_id: str, moment: datetime) -> bool:
    """Whether the member has said yes or no since."""
    newest = consent.current(user_id)
    return newest is not None and newest.recorded_at > moment
