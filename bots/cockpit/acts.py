"""What each press does: one transaction, the member locked, and a sentence about what came of it.

A press may come a year late, twice at once, or for what is gone. Then it changes nothing and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from bots import choices, inbound
from bots.answers import Answer, Question, Refused
from bots.cockpit import forms, layout, presses, reading, stories, wording
from bots.cockpit.presses import Press
from bots.cockpit.standing import Standing
from bots.splitting import LIMIT
from followups import conf, consent, members, opting_in, planning, preferences
from followups.models import ConsentState, FollowUp, FollowUpStatus, UserProfile
from followups.planning import CannotPlan
from followups.preferences import BadPreference, Preferences

PANEL: Final = "cockpit"
STOP: Final = "stop"


@dataclass(frozen=True)
class Outcome:
    """What a press came to, and the page to show then."""

    notice: str
    page: str = presses.HOME


@dataclass(frozen=True)
class Screen:
    """What the member gets to see."""

    text: str
    rows: tuple[layout.Row, ...] = ()


Act = Callable[[Press, Question, datetime], Outcome]


def open_cockpit(question: Question, *, now: datetime) -> Answer:
    """Answer the command. Looking records nothing."""
    return Answer(wording.screen(reading.read(question.user_id, now=now)), panel=PANEL)


def answer(press: Press, question: Question, *, now: datetime) -> Screen:
    """Carry a press out for whoever pressed, and show how things stand for them then."""
    if press.kind in _STORIES:
        return Screen(wording.cut(_STORIES[press.kind](question.user_id, now=now), LIMIT))
    page = _PAGES.get(press.kind, presses.HOME)
    try:
        with transaction.atomic():
            outcome = _carry_out(press, question, now=now)
    except Refused as refusal:
        outcome = Outcome(str(refusal), page)
    except BadPreference as refusal:
        outcome = Outcome(wording.not_kept(refusal.problem), page)
    return screen(reading.read(question.user_id, now=now), outcome)


def screen(standing: Standing, outcome: Outcome) -> Screen:
    """The page with what came of the press on top."""
    text = wording.screen(standing, outcome.page, notice=outcome.notice)
    return Screen(text, tuple(layout.rows(standing, outcome.page)))


def _carry_out(press: Press, question: Question, *, now: datetime) -> Outcome:
    act = _ACTS.get(press.kind)
    if act is None:
        raise Refused(wording.NOT_UNDERSTOOD)
    if press.kind == "on":
        inbound.meet(question.author, now=now)
    if press.kind in {"page", "on"}:
        return act(press, question, now)
    try:
        members.lock(question.user_id)
    except UserProfile.DoesNotExist:
        raise Refused(wording.STRANGER) from None  # whoever was forgotten is not remembered for an old button's sake
    if press.kind != STOP and not reading.is_on(question.user_id):
        raise Refused(wording.OFF)
    return act(press, question, now)


def _show(press: Press, question: Question, now: datetime) -> Outcome:
    known = press.argument in {presses.HOME, presses.SETTINGS}
    return Outcome("", press.argument) if known else Outcome(wording.NOT_UNDERSTOOD)


def _turn_on(press: Press, question: Question, now: datetime) -> Outcome:
    """Record the yes with the wording that was read. Another one than today's covers other things: ask again."""
    if reading.is_on(question.user_id):
        return Outcome(wording.ON_ALREADY)
    if press.argument != consent.WORDING_VERSION:
        raise Refused(wording.NEW_WORDING)
    if choices.was_changed_after(question.user_id, question.asked_at):
        raise Refused(wording.SAID_SINCE)
    opting_in.opt_in(
        user_id=question.user_id,
        source=question.source,
        evidence=question.evidence,
        actor=question.user_id,
        wording_version=press.argument,
        now=now,
    )
    return Outcome(wording.TURNED_ON)


def _stop(press: Press, question: Question, now: datetime) -> Outcome:
    newest = consent.current(question.user_id)
    if newest is not None and newest.state != ConsentState.GRANTED:
        return Outcome(wording.STOPPED_ALREADY)
    withdrawal = consent.withdraw(
        user_id=question.user_id,
        source=question.source,
        evidence=question.evidence,
        actor=question.user_id,
        now=now,
    )
    return Outcome(wording.stopped(withdrawal.cancelled_follow_ups))


def _skip(press: Press, question: Question, now: datetime) -> Outcome:
    follow_up = _own(press.argument, question)
    if planning.cancel_followup(follow_up.pk, reason=stories.SKIPPED, now=now):
        return Outcome(wording.SKIPPED)
    raise Refused(wording.UNDER_WAY)


def _snooze(press: Press, question: Question, now: datetime) -> Outcome:
    asked, days = presses.snoozed(press.argument), press.number
    if asked is None or days not in layout.SNOOZES:
        raise Refused(wording.NOT_UNDERSTOOD)
    seconds, follow_up_id = asked
    follow_up = _own(follow_up_id, question)
    if int(follow_up.scheduled_at.timestamp()) != seconds:
        raise Refused(wording.moved_already(follow_up.scheduled_at))
    due_at = max(follow_up.scheduled_at, now) + timedelta(days=days)
    try:
        is_moved = planning.reschedule_followup(follow_up.pk, due_at=due_at, now=now)
    except CannotPlan:
        raise Refused(wording.TOO_FAR) from None
    if not is_moved:
        raise Refused(wording.UNDER_WAY)
    return Outcome(wording.moved(due_at))


def _own(follow_up_id: str, question: Question) -> FollowUp:
    """The presser's own follow-up, still to come. Anybody else's is not known to them."""
    own = FollowUp.objects.filter(user_id=question.user_id)
    follow_up = own.filter(pk=follow_up_id).first() if "\x00" not in follow_up_id else None
    if follow_up is None:
        raise Refused(wording.GONE)
    if follow_up.status == FollowUpStatus.PENDING:
        return follow_up
    if follow_up.status == FollowUpStatus.CANCELLED:
        is_own_doing = follow_up.reason == stories.SKIPPED
        raise Refused(wording.SKIPPED_ALREADY if is_own_doing else wording.CANCELLED_ALREADY)
    raise Refused(wording.ARRIVED_ALREADY if follow_up.status == FollowUpStatus.EXECUTED else wording.OVER)


def _pause(press: Press, question: Question, now: datetime) -> Outcome:
    days = press.number
    if days not in layout.PAUSES:
        raise Refused(wording.NOT_UNDERSTOOD)
    until = now + timedelta(days=days)
    preferences.change(user_id=question.user_id, paused_until=until, now=now)
    return Outcome(wording.paused(until))


def _resume(press: Press, question: Question, now: datetime) -> Outcome:
    if _chosen(question, now=now).paused_until is None:
        return Outcome(wording.NOT_PAUSED)
    preferences.change(user_id=question.user_id, paused_until=None, now=now)
    return Outcome(wording.RESUMED)


def _less_often(press: Press, question: Question, now: datetime) -> Outcome:
    hours = int(press.argument) if press.argument.isdecimal() and len(press.argument) < 7 else 0
    present = _chosen(question, now=now).frequency_hours
    if hours <= present:  # offered before they chose an even rarer one: never make it more by "less often"
        return Outcome(wording.less_often_already(present))
    preferences.change(user_id=question.user_id, frequency_hours=hours, now=now)
    return Outcome(wording.less_often(hours))


def _often(press: Press, question: Question, now: datetime) -> Outcome:
    hours = press.number
    if hours is None:
        raise Refused(wording.NOT_UNDERSTOOD)
    preferences.change(user_id=question.user_id, frequency_hours=hours, now=now)
    least = int(conf.current().min_between / timedelta(hours=1))
    return Outcome(f"{wording.at_most_every(max(hours, least))}.", presses.SETTINGS)


def _topics(press: Press, question: Question, now: datetime) -> Outcome:
    if not press.values:
        return Outcome(wording.NO_TOPIC, presses.LAST_WORD)
    try:
        changed = consent.change_topics(
            user_id=question.user_id,
            topics=press.values,
            source=question.source,
            evidence=question.evidence,
            actor=question.user_id,
            now=now,
        )
    except consent.UnknownTopic:
        raise Refused(wording.NOT_UNDERSTOOD) from None
    notice = wording.topics_chosen(tuple(changed.receipt.topics), cancelled=changed.cancelled_follow_ups)
    return Outcome(notice, presses.SETTINGS)


def _language(press: Press, question: Question, now: datetime) -> Outcome:
    code = press.values[0] if press.values else presses.COMMUNITY
    locale = "" if code == presses.COMMUNITY else code
    preferences.change(user_id=question.user_id, locale=locale, now=now)
    return Outcome(wording.CHANGED, presses.SETTINGS)


def _quiet(press: Press, question: Question, now: datetime) -> Outcome:
    """Take the form: both or nothing."""
    start, end, zone = (*press.values, "", "", "")[:3]
    quiet = forms.quiet_hours(start, end)
    preferences.change(
        user_id=question.user_id,
        quiet_start=quiet[0] if quiet else None,
        quiet_end=quiet[1] if quiet else None,
        timezone=zone.strip(),
        now=now,
    )
    return Outcome(wording.CHANGED, presses.SETTINGS)


def _chosen(question: Question, *, now: datetime) -> Preferences:
    return preferences.of_member(question.user_id, now=now)


_ACTS: Final[dict[str, Act]] = {
    "page": _show,
    "on": _turn_on,
    STOP: _stop,
    "skip": _skip,
    "snooze": _snooze,
    "pause": _pause,
    "resume": _resume,
    "less": _less_often,
    "often": _often,
    "topics": _topics,
    "language": _language,
    "quiet": _quiet,
}
_PAGES: Final = dict.fromkeys(("often", "topics", "language", "quiet"), presses.SETTINGS)
"""Where a press was made, if not on the first page."""
_STORIES: Final = {"why": stories.why, "mydata": stories.my_data}
BESIDE: Final = frozenset(_STORIES)
"""What is answered beside the panel, which stays as it is."""
