"""What the cockpit says, all of it: plain words for how things stand, for what a press came to, and for why. Pure."""

from datetime import datetime
from typing import Final

from bots.cockpit import presses
from bots.cockpit.standing import Next, Obstacle, Standing
from bots.splitting import LIMIT
from followups import consent
from followups.models import Topic
from followups.policy import Gate

"""Discord's limit for one message."""

TURN_ON, STOP, KEEP = "Turn on", "Stop everything", "Keep them"
SKIP, LESS_OFTEN, RESUME = "Skip this one", "Less often", "End the pause"
SETTINGS, BACK, REFRESH = "Settings", "Back", "Refresh"
WHY, MY_DATA, QUIET_HOURS = "Why?", "My data", "Quiet hours and time zone"
SNOOZE, PAUSE = "Move the next one …", "Pause for a while …"
CHOOSE_TOPICS, CHOOSE_FREQUENCY, CHOOSE_LANGUAGE = "What about?", "How often at most?", "In which language?"
FORM_TITLE, FORM_ZONE, FORM_START, FORM_END = "Quiet hours and time zone", "Your time zone", "Quiet from", "Quiet until"
FORM_ZONE_HINT = "Like Europe/Berlin. Empty: the community's."
FORM_HOUR_HINT = "An hour of your day, 0 to 23, like 22. Both empty: only the community's quiet hours."

TOPICS: Final = {topic.value: str(topic.label) for topic in Topic}
LANGUAGES: Final = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "pt": "Português"}

# --- what a press came to ---

TURNED_ON: Final = "Thank you! You can change your mind at any time."
ON_ALREADY: Final = "Follow-ups were on already."
NEW_WORDING: Final = (
    "The words have changed since you opened that message. Please read them, and press again if you agree."
)
SAID_SINCE: Final = "You have said something else since you pressed that, so nothing was changed."
SKIPPED: Final = "Done: that one is skipped and will not come."
SKIPPED_ALREADY: Final = "That one was already skipped."
CANCELLED_ALREADY: Final = "That one is cancelled already."
ARRIVED_ALREADY: Final = "That one has reached you already."
OVER: Final = "That one will not come any more anyway."
UNDER_WAY: Final = "That one is on its way to you, so it can't be changed any more."
GONE: Final = "I don't know that one (any more). Here is how things stand now."
TOO_FAR: Final = "That would be more than a year ahead. Skip it, if you don't want it."
RESUMED: Final = "The pause is over."
NOT_PAUSED: Final = "There is no pause to end."
NO_TOPIC: Final = (
    "With no topic left there would be nothing to write about. Shall I stop everything? Nothing has changed so far."
)
STOPPED: Final = "Understood: I will not write to you of my own accord any more."
STOPPED_ALREADY: Final = "Follow-ups are off already. Nothing will come."
OFF: Final = "Follow-ups are off for you, so there is nothing to change here."
NOT_UNDERSTOOD: Final = "That button is from another version of me. Nothing was changed; here is how things stand now."
STRANGER: Final = "I hold nothing about you (any more), so nothing was changed."
MY_DATA_IS: Final = (
    "`/mydata show` tells you what I hold about you, `/mydata export` hands you all of it as a file, and "
    "`/mydata forget` erases it. Only you can see the answer."
)
CHANGED: Final = "Changed."


def moved(due_at: datetime) -> str:
    """It was put off."""
    return f"Moved: it is now planned for {moment(due_at)}."


def moved_already(due_at: datetime) -> str:
    """It is not where the member saw it."""
    return f"That one has been moved meanwhile: it is planned for {moment(due_at)}. Nothing was changed."


def paused(until: datetime) -> str:
    """A pause began."""
    return f"Paused until {moment(until)}. What falls into it waits, or is dropped when it would come too late."


def less_often(hours: int) -> str:
    """It became less."""
    return f"Less often, then: {at_most_every(hours).lower()}."


def less_often_already(hours: int) -> str:
    """It was less before."""
    return f"They are that rare already: {at_most_every(hours).lower()}. Nothing was changed."


def topics_chosen(topics: tuple[str, ...], *, cancelled: int) -> str:
    """Other topics."""
    named = ", ".join(TOPICS[topic].lower() for topic in topics if topic in TOPICS)
    return f"You will hear from me about: {named}.{_cancelled(cancelled)}"


def stopped(cancelled: int) -> str:
    """Everything ended."""
    return f"{STOPPED}{_cancelled(cancelled)}"


def _cancelled(number: int) -> str:
    return f" {number} planned message{'' if number == 1 else 's'} cancelled." if number else ""


def not_kept(problem: str) -> str:
    """A value was refused."""
    return f"That did not work: {problem}"


# --- menus ---


def later(days: int) -> str:
    """One choice of moving the next one."""
    return {1: "A day later", 7: "A week later"}.get(days, f"{days} days later")


def pause_for(days: int) -> str:
    """One choice of a pause."""
    return {7: "For a week", 30: "For a month", 90: "For three months"}.get(days, f"For {days} days")


def at_most_every(hours: int) -> str:
    """One choice of a frequency."""
    named = {24: "At most once a day", 168: "At most once a week", 336: "At most once every two weeks"}
    if hours in named:
        return named[hours]
    if hours == 720:
        return "At most once a month"
    return f"At most once every {hours // 24} days" if hours % 24 == 0 else f"At least {hours} hours apart"


def language(code: str) -> str:
    """A language in its own words."""
    return LANGUAGES.get(code) or LANGUAGES.get(code.partition("-")[0], "English") + f" ({code})"


def community_language(code: str) -> str:
    """The menu's first entry."""
    return f"The community's ({language(code)})"


# --- how things stand ---


def moment(at: datetime) -> str:
    """A time, in full and as a distance, as everybody's own clock shows it."""
    seconds = int(at.timestamp())
    return f"<t:{seconds}:F> (<t:{seconds}:R>)"


def screen(standing: Standing, page: str = presses.HOME, *, notice: str = "") -> str:
    """The whole text of a page. The preview comes last, cut to what is left: nothing else is lost to a long one."""
    if not standing.is_on:
        parts = [notice, _off()]
    elif page == presses.SETTINGS:
        parts = [notice, "**Settings**", _chosen(standing)]
    elif page == presses.LAST_WORD:
        parts = [notice]
    else:
        parts = [notice, *_home(standing)]
    text = "\n\n".join(part for part in parts if part)
    if standing.is_on and page not in (presses.SETTINGS, presses.LAST_WORD) and standing.next is not None:
        text += _preview(standing.next, room=LIMIT - len(text))
    return cut(text, LIMIT)


def cut(text: str, room: int) -> str:
    """The text, or as much of its beginning as there is room for."""
    return text if len(text) <= room else text[: max(room - 1, 0)].rstrip() + "…"


def _off() -> str:
    return f"Follow-ups are **off** for you: nothing comes unless you turn them on.\n\n{consent.WORDING}"


def _home(standing: Standing) -> list[str]:
    upcoming = standing.next
    if upcoming is None:
        return ["Follow-ups are **on**. Nothing is planned for you at the moment.", _chosen(standing)]
    more = (
        f" {standing.others} more {'is' if standing.others == 1 else 'are'} planned after it."
        if standing.others
        else ""
    )
    way = " It is on its way to you." if upcoming.is_written else ""
    lines = [f"**Next:** {moment(upcoming.due_at)}, {reason(upcoming)}.{way}{more}"]
    if upcoming.obstacle is not None:
        lines.append(_held(upcoming.obstacle, due_at=upcoming.due_at))
    return ["Follow-ups are **on**.", "\n".join(lines), _chosen(standing)]


def _held(obstacle: Obstacle, *, due_at: datetime) -> str:
    if obstacle.is_final:
        return f"As things stand it will **not** come, because {because(obstacle)}."
    later = f" until about {moment(obstacle.until)}" if obstacle.until is not None and obstacle.until > due_at else ""
    return f"As things stand it will be **held**{later}, because {because(obstacle)}."


def _chosen(standing: Standing) -> str:
    often = at_most_every(max(standing.frequency_hours, standing.least_hours))
    zone = standing.zone if standing.own_zone else f"{standing.zone}, the community's"
    lines = [
        f"About: {', '.join(TOPICS[topic].lower() for topic in standing.topics if topic in TOPICS)}",
        f"{often}; {_quiet(standing)}",
        f"Your clock: {standing.local_time} ({zone})",
        f"Language: {_spoken(standing)}",
    ]
    if standing.paused_until is not None:
        lines.insert(0, f"**Paused** until {moment(standing.paused_until)}")
    return "\n".join(f"• {line}" for line in lines)


def _spoken(standing: Standing) -> str:
    return language(standing.locale) if standing.locale else f"{language(standing.community_locale)} (the community's)"


def _quiet(standing: Standing) -> str:
    both = ((standing.quiet, "yours"), (standing.community_quiet, "the community's"))
    windows = {window: whose for window, whose in reversed(both) if window and window[0] != window[1]}
    named = [(f"{start}:00 to {end}:00", whose) for (start, end), whose in reversed(windows.items())]
    if len(named) < 2:
        return f"never from {named[0][0]}" if named else "at any hour"
    return "never from " + " or ".join(f"{hours} ({whose})" for hours, whose in named)


def _preview(upcoming: Next, *, room: int) -> str:
    if not upcoming.text:
        return cut("\n\nThere are no words for it yet.", room)
    says = "It reads" if upcoming.is_certain else "It reads now, and may be worded differently when it is sent"
    quoted = "\n".join(f"> {line}" for line in upcoming.text.splitlines())
    return cut(f"\n\n{says}:\n{quoted}", room)


_REASONS: Final = {
    "inactivity": "because you have been quiet",
    "post_event": "after an event you booked",
    "re_engagement": "because you have been away for long",
    "emotion_based": "because you sounded unhappy",
    "custom": "because your community's team planned it for you",
    "birthday": "for your birthday",
    "goal": "to ask about your goal",
}
KINDS: Final = {
    "inactivity": "A check-in",
    "post_event": "A message after an event",
    "re_engagement": "A message after a long silence",
    "emotion_based": "A check-in because you sounded unhappy",
    "custom": "A message by your community's team",
    "birthday": "A birthday greeting",
    "goal": "A question about your goal",
}


def reason(upcoming: Next) -> str:
    """Why it is planned: the trigger and its occasion."""
    day = f"<t:{int(upcoming.since.timestamp())}:D>" if upcoming.since is not None else ""
    words = _REASONS.get(upcoming.trigger, "because something you did asks for it")
    if upcoming.trigger in {"inactivity", "re_engagement"} and day:
        return f"{words} since {day}"
    if upcoming.trigger == "post_event":
        named = f"after **{upcoming.occasion}**" if upcoming.occasion else words
        return f"{named} on {day}" if day else named
    if upcoming.trigger == "goal" and upcoming.occasion:
        return f"{words}: {upcoming.occasion}"
    return words


_BECAUSE: Final[dict[str, str]] = {
    Gate.SWITCH: "follow-ups are switched off for everybody at the moment",
    Gate.CAMPAIGN: "messages of this kind are paused for everybody at the moment",
    Gate.TOO_LATE: "by then it would be too late to be of any use",
    Gate.PROFILE: "I did not know you",
    Gate.CONSENT: "follow-ups were off for you",
    Gate.TOPIC: "it is about something you left out",
    Gate.REACHABLE: "my messages don't get through to you: you left, take no private messages, or are blocked",
    Gate.ESCALATED: "somebody of the team would rather write to you in person",
    Gate.PAUSED: "you paused follow-ups, or said that you are away",
    Gate.ACTIVE: "you wrote not long ago, so there is no need to ask",
    Gate.GAP: "not enough time had passed since the last one",
    Gate.WEEKLY_CAP: "you have had as many as there may be in a week",
    Gate.TRIGGER_CAP: "another one of its kind came less than a day before",
    Gate.QUIET_HOURS: "it would come in quiet hours",
    Gate.HOLDOUT: "you are one of a few who get none of these for now, so that we learn whether they do any good",
}


def because(obstacle: Obstacle) -> str:
    """What stops a follow-up, as the member would put it."""
    words = _BECAUSE.get(obstacle.gate, "something speaks against it")
    return f"{words}, and afterwards it would be too late" if obstacle.is_in_vain else words
