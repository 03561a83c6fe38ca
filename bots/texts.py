"""What the bot says to members."""

from datetime import UTC, datetime

from bots.cockpit import wording
from followups import consent
from followups.models import Topic
from followups.preferences import Preferences

TRY_AGAIN = "Sorry, that did not work just now. Nothing was changed; please try again in a minute."
NOT_SHOWN = "I have dealt with that, but Discord did not take my answer. Please ask once more to see how things stand."
UNKNOWN_COMMAND = "I don't know that command. `help` shows what I can do."
GONE = "That is out of date, so I did nothing. `help` shows what I can do now."
STOPPED = "Understood: I will not write to you of my own accord any more."
_HOW = (
    "Use `/followup_settings on`, `off` or `status`, or just write `stop` to me. With `/followups` you see what is "
    "planned, and choose topics, less often or a pause."
)


def status(chosen: Preferences | None, *, now: datetime) -> str:
    """The member's present choice (None: no messages), and how to change it."""
    if chosen is None:
        return f"Follow-up messages are **disabled** for you. They are opt-in. {_HOW}"
    topics = ", ".join(str(Topic(topic).label).lower() for topic in chosen.topics)
    sentences = [
        f"Follow-up messages are **enabled** for you: {topics}.",
        f"{wording.at_most_every(chosen.frequency_hours)}.",
    ]
    if chosen.paused_until is not None and chosen.paused_until > now:
        sentences.append(f"They are paused until {chosen.paused_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    return " ".join([*sentences, _HOW])


def enabled(wording_version: str = consent.WORDING_VERSION) -> str:
    """What the member has agreed to, in the words of that consent: an older one may stand."""
    wording = consent.WORDINGS.get(wording_version, consent.WORDING)
    return f"Follow-up messages are now **enabled** for you. {wording}"


def disabled(*, cancelled: int) -> str:
    """What the opt-out stopped."""
    planned = f"; {cancelled} planned message{'' if cancelled == 1 else 's'} cancelled" if cancelled else ""
    return f"{STOPPED} Follow-up messages are now **disabled** for you{planned}. {_HOW}"
