"""Reading a member's private message: its row, the member's mood, and what an unhappy one sets off."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from django.db import connection
from psycopg.types.json import Jsonb

from followups import cancelling, conf, consent, emotion, flags, harm, moods, planning, triggers
from followups.emotion import Reading
from followups.models import (
    FlagKind,
    FollowUp,
    FollowUpHistory,
    FollowUpStatus,
    Harm,
    MessageEmotion,
    StaffFlag,
    Trigger,
    UserProfile,
)
from followups.moods import Mood
from jobs import enqueue
from socialmedia.models import Message

log = structlog.get_logger(__name__)

JOB_TYPE: Final = "read_emotion"
KEPT_MOODS: Final = 50
FEWEST_SCORES: Final = 2
ONE_LOW_PHASE: Final = timedelta(days=7)
"""A member who stays low is asked once in this time."""
A_PERSON_ANSWERS = "a person answers, not a machine"
CHEERED_UP = "the member sounds better"
TAKEN_BACK = "the member took the message back"
_NOTE_MOOD: Final = (Path(__file__).parent / "sql" / "note_mood_v1.sql").read_text()


@dataclass(frozen=True)
class ReadEmotion:
    """Payload of the job that asks the language model about a message."""

    message_id: int = 0


def is_own_words(message: Message) -> bool:
    """Whether the member tells something: no command, no stop word, nothing from an import, nothing taken back."""
    is_noted = message.metadata.keys() & {"command", "imported"}
    is_theirs = not message.is_outgoing and message.deleted_at is None
    return is_theirs and not is_noted and not consent.asks_to_stop(message.message_text)


def take_in(message: Message, *, user_id: str, at: datetime, now: datetime) -> Reading | None:
    """Read a private message that the member wrote `at`, once; None when it is read already or none of their own words.

    Needs the member's row locked: then two messages at once keep both moods.
    """
    if not is_own_words(message):
        return None
    reading = emotion.read(message.message_text)
    row = _row(message, reading, user_id=user_id, at=at, method=emotion.METHOD)
    _, is_new = MessageEmotion.objects.get_or_create(message=message, defaults=_values(row))
    if not is_new:
        return None
    _note_mood(user_id, _entry(reading, at=at), change=_step(reading.category), at=at)
    _answer(message, reading, user_id=user_id, at=at, now=now)
    _ask_model(message, reading, user_id=user_id, now=now)
    return reading


def correct(message: Message, reading: Reading, *, method: str, now: datetime) -> bool:
    """Put a better reading in place of the stored one, and let it have its consequences. False when there is none to
    replace. Needs the member's row locked.
    """
    row = MessageEmotion.objects.filter(message=message).first()
    if row is None or row.method == method:
        return False
    _replace(row, message, reading, method=method)
    _answer(message, reading, user_id=row.user_id, at=row.sent_at, now=now)
    return True


def take_in_edit(message: Message, *, now: datetime) -> Reading | None:
    """Read the new words of a message that was read before; None for one that was not, or that tells nothing any more.
    What the old words have set off stays: a person has been called, a follow-up has done harm. Needs the member's row
    locked.
    """
    row = MessageEmotion.objects.filter(message=message).first()
    if row is None:
        return None
    if not is_own_words(message):
        forget(message, now=now)
        return None
    reading = emotion.read(message.message_text)
    is_as_before = row.method == emotion.METHOD and (row.score, row.category) == (reading.score, reading.category)
    _replace(row, message, reading, method=emotion.METHOD)
    if not is_as_before:
        _answer(message, reading, user_id=row.user_id, at=row.sent_at, now=now)
    _ask_model(message, reading, user_id=row.user_id, now=now)
    return reading


def forget(message: Message, *, now: datetime) -> bool:
    """Take back how a message sounded, and the words that told so, since its author has taken it back. A check-in that
    rests on a low mood goes with it, if the mood is not low without it. False when it was not read. Needs the member's
    row locked.
    """
    row = MessageEmotion.objects.filter(message=message).select_related("user").first()
    if row is None:
        return False
    row.delete()
    newest = MessageEmotion.objects.filter(user=row.user).order_by("-sent_at", "-pk").first()
    UserProfile.objects.filter(pk=row.user_id).update(
        emotion_history=_without(row.user.emotion_history, row),
        escalation_count=max(0, row.user.escalation_count - _step(row.category)),
        current_emotion=newest.category if newest is not None else emotion.Emotion.NEUTRAL.value,
    )
    if moods.of_scores(moods.last_scores(row.user_id)) is not Mood.LOW:
        cancelling.cancel_pending(row.user_id, reason=TAKEN_BACK, now=now, triggers=[Trigger.EMOTION_BASED])
    return True


def charge_answer(answer: Message, *, user_id: str, now: datetime) -> None:
    """Look at an answer that was read before its follow-up was recorded: it may have been an unhappy one."""
    row = MessageEmotion.objects.filter(message=answer).first()
    if row is not None and _reading_of(row).is_unhappy:
        _blame(answer, row.score, user_id, at=row.sent_at, now=now)


# --- what is stored ---


def _row(message: Message, reading: Reading, *, user_id: str, at: datetime, method: str) -> MessageEmotion:
    return MessageEmotion(
        message=message,
        user_id=user_id,
        sent_at=at,
        score=reading.score,
        label=reading.label.value,
        category=reading.category.value,
        intensity=reading.intensity,
        confidence=reading.confidence,
        method=method[:100],
    )


def _values(row: MessageEmotion) -> dict[str, Any]:
    names = ("user_id", "sent_at", "score", "label", "category", "intensity", "confidence", "method")
    return {name: getattr(row, name) for name in names}


def _reading_of(row: MessageEmotion) -> Reading:
    return Reading(
        score=row.score,
        category=emotion.Emotion(row.category),
        intensity=row.intensity,
        confidence=row.confidence,
    )


def _entry_of(row: MessageEmotion) -> dict[str, Any]:
    return _entry(_reading_of(row), at=row.sent_at)


def _entry(reading: Reading, *, at: datetime) -> dict[str, Any]:
    """One mood as the seed documents keep it. Times are in UTC and of one length, so that they sort as text."""
    return {
        "emotion": reading.category.value,
        "confidence": reading.confidence,
        "triggers": list(reading.cues),
        "intensity": reading.intensity,
        "timestamp": at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def _replace(row: MessageEmotion, message: Message, reading: Reading, *, method: str) -> None:
    """Put another reading of the same message in place of the stored one."""
    change = _step(reading.category) - _step(row.category)
    better = _row(message, reading, user_id=row.user_id, at=row.sent_at, method=method)
    MessageEmotion.objects.filter(message=message).update(**_values(better))
    _note_mood(row.user_id, _entry(reading, at=row.sent_at), was=_core(row), change=change, at=row.sent_at)


def _core(row: MessageEmotion) -> dict[str, Any]:
    """What tells the entry of a reading from the others."""
    return {key: value for key, value in _entry_of(row).items() if key != "triggers"}


def _without(history: list[dict[str, Any]], row: MessageEmotion) -> list[dict[str, Any]]:
    """The moods but the one of this reading; of two alike the later one goes."""
    core = _core(row)
    places = [n for n, entry in enumerate(history) if {k: v for k, v in entry.items() if k != "triggers"} == core]
    return [entry for n, entry in enumerate(history) if n not in places[-1:]]


def _step(category: str) -> int:
    """What a message of this emotion adds to the member's `escalation_count`."""
    return int(category in emotion.UNHAPPY) - int(category in emotion.CHEERFUL)


def _note_mood(
    user_id: str, entry: dict[str, Any], *, was: dict[str, Any] | None = None, change: int, at: datetime
) -> None:
    values = {
        "user_id": user_id,
        "entry": Jsonb(entry),
        "was": None if was is None else Jsonb(was),
        "emotion": entry["emotion"],
        "change": change,
        "at": at,
        "keep": KEPT_MOODS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_MOOD, values)


# --- what it sets off ---


def _answer(message: Message, reading: Reading, *, user_id: str, at: datetime, now: datetime) -> None:
    """A very unhappy message calls a person; some unhappy ones in a row plan a check-in; a better mood calls it off."""
    if reading.is_unhappy and FollowUpHistory.objects.filter(user_id=user_id, response_time=at).exists():
        _blame(message, reading.score, user_id, at=at, now=now)
    if reading.escalates:
        _call_person(message, reading, user_id=user_id, now=now)
        return
    scores = moods.last_scores(user_id)
    if moods.of_scores(scores) is not Mood.LOW:
        cancelling.cancel_pending(user_id, reason=CHEERED_UP, now=now, triggers=[Trigger.EMOTION_BASED])
    elif len(scores) >= FEWEST_SCORES:
        _plan_checkin(message, average=moods.mean(scores), user_id=user_id, now=now)


def _blame(message: Message, score: float, user_id: str, *, at: datetime, now: datetime) -> None:
    """An unhappy answer: the follow-up did harm, and a person should look at it."""
    harm.note(user_id, Harm.NEGATIVE_REPLY, at=at)
    flags.raise_flag(
        kind=FlagKind.NEGATIVE_REPLY,
        user_id=user_id,
        message=message,
        detail=f"Answered a follow-up unhappily: {score:.2f} of 1.",
        now=now,
    )


def _call_person(message: Message, reading: Reading, *, user_id: str, now: datetime) -> None:
    flags.raise_flag(
        kind=FlagKind.ESCALATION,
        user_id=user_id,
        message=message,
        detail=f"Sounded {reading.category.value}: {reading.score:.2f} of 1.",
        now=now,
    )
    cancelling.cancel_pending(user_id, reason=A_PERSON_ANSWERS, now=now, triggers=[Trigger.EMOTION_BASED])


def _plan_checkin(message: Message, *, average: float, user_id: str, now: datetime) -> None:
    """Plan one check-in for this low phase, for members who opted in and whom no person is about to answer."""
    if not UserProfile.objects.filter(pk=user_id, follow_ups_enabled=True).exists():
        return
    if _is_escalated(user_id) or _was_asked_lately(user_id, now=now):
        return
    try:
        triggers.schedule_emotion_checkin(
            user_id=user_id,
            average=average,
            conversation_id=str(message.conversation_id),
            message_id=message.pk,
            now=now,
        )
    except planning.CannotPlan as error:
        # As with too many plans. The message itself must be kept whatever becomes of the check-in.
        log.info("emotion.checkin_not_planned", user_id=user_id, reason=str(error))


def _is_escalated(user_id: str) -> bool:
    return StaffFlag.objects.filter(user_id=user_id, kind=FlagKind.ESCALATION, settled_at=None).exists()


def _was_asked_lately(user_id: str, *, now: datetime) -> bool:
    """Whether this low phase has its check-in. One that was called off because the mood was better ended its phase."""
    lately = FollowUp.objects.filter(
        user_id=user_id, trigger_type=Trigger.EMOTION_BASED, scheduled_at__gt=now - ONE_LOW_PHASE
    )
    return lately.exclude(status=FollowUpStatus.CANCELLED, reason=CHEERED_UP).exists()


def _ask_model(message: Message, reading: Reading, *, user_id: str, now: datetime) -> None:
    """Have the language model read what the word list could not, if there is one. Other members' words stay here."""
    if conf.current().llm.mode == "off" or reading.is_confident or not emotion.has_words(message.message_text):
        return
    if UserProfile.objects.filter(pk=user_id, follow_ups_enabled=True).exists():
        enqueue.schedule_job(JOB_TYPE, now, ReadEmotion(message_id=message.pk))
