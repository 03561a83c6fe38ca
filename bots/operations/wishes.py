"""`goal` and `birthday`: what a member wants to be asked about, and the day to congratulate them."""

import calendar
from datetime import datetime, tzinfo
from typing import Final

from discord.utils import escape_markdown

from bots import moments
from bots.answers import Answer, Question, Refused
from bots.cockpit import wording
from bots.cockpit.reading import obstacle
from followups import conf, consent, goals, policy, preferences
from followups.models import Goal, Topic, UserProfile
from followups.planning import Plan
from followups.policy import Gate
from followups.preferences import BadPreference

NO_GOAL: Final = "You have no goal. Set one like this: `goal set run 5 km in 2 weeks`, and I will ask you then."
WHEN: Final = "And when shall I ask you about it? Put the time at the end: `goal set run 5 km in 2 weeks`."
NO_TEXT: Final = "What is your goal? Write it before the time: `goal set run 5 km in 2 weeks`."
NO_BIRTHDAY: Final = "You have not told me your birthday. Tell me like this: `birthday set March 14`."
NOT_OPTED_IN: Final = (
    "No message will come of it, because you have not allowed any. `followup_settings on` changes that."
)
NO_CHECK_INS: Final = "No message will come of it, because you have left out check-ins."
MONTHS: Final = tuple(calendar.month_name)[1:]


def show_goal(question: Question) -> Answer:
    """Show the open goal."""
    goal = Goal.objects.filter(user_id=question.user_id, closed_at=None).first()
    if goal is None:
        return Answer(NO_GOAL)
    zone = _zone(question.user_id)
    planned = "I will ask you about it" if goal.follow_up_id else "The time to ask you about it is"
    will_come = "" if goal.follow_up_id else f" {_why_nothing_comes(question.user_id)}"
    return Answer(
        f"Your goal: {_quoted(goal.text)}. {planned} on {_moment(goal.check_in_at, zone)}.{will_come}".strip()
    )


def set_goal(question: Question, *, text: str, when: str, now: datetime) -> Answer:
    """Set the goal; without `when` the time stands at the end of the text. Says whether a message will come of it."""
    if not when.strip():
        text, when = moments.split(text)
    if not when:
        raise Refused(WHEN)
    if not text.strip():
        raise Refused(NO_TEXT)
    zone = _zone(question.user_id)
    try:
        at = moments.read(when, zone=zone, now=now)
    except moments.NotATime as error:
        raise Refused(str(error)) from None
    words = text.strip().strip('"“”')
    if len(words) > goals.LONGEST_TEXT:
        raise Refused(f"That is a long goal: {len(words):,} characters. Please say it in {goals.LONGEST_TEXT} at most.")
    if at > now + preferences.LONGEST:
        raise Refused(f"{_moment(at, zone)} is too far ahead: choose a time within a year.")
    if at <= now:
        raise Refused(f"{_moment(at, zone)} is past. Choose a time that lies ahead, like `in 2 weeks`.")
    found = goals.set_goal(user_id=question.user_id, text=words, check_in_at=at, now=now)
    noted = f"Noted: {_quoted(found.goal.text)}."
    if found.plan.created:
        return Answer(f"{noted} I will ask you about it on {_moment(at, zone)}. `goal clear` takes it back.")
    return Answer(f"{noted} {_why_not(found.plan)}")


def _why_not(plan: Plan) -> str:
    gate, inputs = plan.decision.gate, plan.decision.inputs
    known = {Gate.CONSENT: NOT_OPTED_IN, Gate.TOPIC: NO_CHECK_INS}
    if gate is None or gate in known:
        return known[gate] if gate else f"But I will not ask you about it: {plan.reason}"
    stop = obstacle(gate, inputs, until=None, is_final=True)
    return f"But I will not ask you about it, because {wording.because(stop)}."


def clear_goal(question: Question, *, now: datetime) -> Answer:
    """Close the goal, with the message about it."""
    if not goals.close(user_id=question.user_id, now=now):
        return Answer(NO_GOAL)
    return Answer("Your goal is closed; I will not ask you about it.")


def show_birthday(question: Question, *, now: datetime) -> Answer:
    """Show the birthday."""
    chosen = preferences.of_member(question.user_id, now=now)
    if chosen.birthday_month is None or chosen.birthday_day is None:
        return Answer(NO_BIRTHDAY)
    when = _day(chosen.birthday_month, chosen.birthday_day)
    return Answer(f"Your birthday: {when}. {_greeting(question.user_id)}")


def set_birthday(question: Question, *, month: str, day: int, now: datetime) -> Answer:
    """Note the birthday. Says whether a message will come of it."""
    number = _month(month)
    try:
        preferences.change(user_id=question.user_id, birthday_month=number, birthday_day=day, now=now)
    except BadPreference:
        name, last = MONTHS[number - 1], calendar.monthrange(2000, number)[1]
        raise Refused(f"{name} has days from 1 to {last}, so I noted nothing. Which one is yours?") from None
    return Answer(f"Noted: {_day(number, day)}. {_greeting(question.user_id)} `birthday clear` takes it back.")


def clear_birthday(question: Question, *, now: datetime) -> Answer:
    """Forget the birthday."""
    preferences.change(user_id=question.user_id, birthday_month=None, birthday_day=None, now=now)
    return Answer("I have forgotten your birthday; there will be no greeting.")


def _month(word: str) -> int:
    """A month by its number or its name, which three letters are enough of. Raises Refused."""
    plain = word.strip().strip(".").lower()
    if plain.isascii() and plain.isdigit() and 1 <= int(plain[:4]) <= len(MONTHS):
        return int(plain[:4])
    for number, name in enumerate(MONTHS, start=1):
        if len(plain) >= len("jan") and name.lower().startswith(plain):
            return number
    raise Refused(f"I know no month {_quoted(word)}: write it like `March` or `3`, and then the day.")


def _greeting(user_id: str) -> str:
    why_not = _why_nothing_comes(user_id)
    return why_not or "I will congratulate you then, in private."


def _why_nothing_comes(user_id: str) -> str:
    """Why a check-in would not be sent to this member; empty if it would, as far as they have a say in it."""
    try:
        consent.require(user_id)
    except consent.ConsentMissing:
        return NOT_OPTED_IN
    topics = UserProfile.objects.values_list("topics", flat=True).get(pk=user_id)
    return "" if Topic.CHECK_INS in topics else NO_CHECK_INS


def _zone(user_id: str) -> tzinfo:
    own = UserProfile.objects.values_list("timezone", flat=True).get(pk=user_id)
    return policy.zone_for(own, conf.current().timezone)


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d at %H:%M} ({zone})"


def _day(month: int, day: int) -> str:
    return f"{MONTHS[month - 1]} {day}"


def _quoted(words: str) -> str:
    """Somebody's words between quotation marks, short, as they stand."""
    short = " ".join(words.split())
    return f"“{escape_markdown(short if len(short) <= goals.LONGEST_TEXT else short[:60] + '…')}”"
