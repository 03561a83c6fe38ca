"""Writing the text of a follow-up: trigger, relationship and name in, words out. No network."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from followups.models import FollowUp, UserProfile

LONGEST_MESSAGE = 2000
"""Discord's limit for one message."""
LONGEST_NAME = 40
LONGEST_DETAIL = 100
STOP_LINE = "(Don't want these messages? Use `/followup_settings off` at any time.)"

_TONES = {3: "friend", 4: "close_friend"}
_NEUTRAL = "acquaintance"

_TEXTS: dict[str, dict[str, str]] = {
    "inactivity": {
        "acquaintance": "Hi{name}! We haven't heard from you for a bit and wanted to say hello. How are things?",
        "friend": "Hey{name}! It's been quiet without you. How have you been?",
        "close_friend": "Hey{name}, we miss you around here! How are you doing? We're glad to listen any time.",
    },
    "post_event": {
        "acquaintance": "Hi{name}! Thank you for coming to {event}. How did you like it? Every word helps us.",
        "friend": "Hey{name}! It was good to have you at {event}. What did you think of it?",
        "close_friend": "Hey{name}! So good that you came to {event}. Tell us honestly: how was it for you?",
    },
    "re_engagement": {
        "acquaintance": "Hi{name}! It's been a while. A lot has happened here, and you are welcome back any time.",
        "friend": "Hey{name}! Long time no see. Drop by when you like, we'd love to catch up.",
        "close_friend": "Hey{name}, it's been far too long! We think of you. Come by whenever you feel like it.",
    },
    "emotion_based": {
        "acquaintance": "Hi{name}! Your last messages sounded as if something was wrong. Can we help with anything?",
        "friend": "Hey{name}, you sounded a bit down lately. Would you like to talk about it?",
        "close_friend": "Hey{name}, we noticed that things seemed hard lately. We're here for you, whatever it is.",
    },
    "custom": {
        "acquaintance": "Hi{name}! We just wanted to check in. How are you?",
        "friend": "Hey{name}! Just checking in. How is everything?",
        "close_friend": "Hey{name}! Thinking of you. How are you, really?",
    },
}
_SHARED_IDS = {
    "post_event": "post_event_neutral_emotion",
    "re_engagement": "reengagement_general",
    "emotion_based": "emotion_check_in",
    "custom": "custom",
}
_MARKDOWN = re.compile(r"([\\*_~`|>#\[\]()<:])")
_LINK = re.compile(r"://|www\.|discord(?:app)?\.(?:gg|com)", re.IGNORECASE)


@dataclass(frozen=True)
class Composed:
    """A text ready to be sent, and how it came about."""

    text: str
    key: str
    """The template's key."""
    template: int | None = None
    """The very version of the template."""
    variant: str = ""
    locale: str = ""
    level: int = 1
    """The member's relationship level."""
    emotion: str = ""
    """The member's mood: high, neutral or low."""
    composed_by: str = "template"
    """template, llm or staff."""

    @property
    def composition(self) -> dict[str, Any]:
        """What the follow-up and its history keep of it: everything but the words."""
        return {name: value for name, value in asdict(self).items() if name != "text"}


def compose(profile: UserProfile, follow_up: FollowUp, *, now: datetime) -> Composed:
    """Write the message. A stranger gets the neutral tone, and so does anybody with an unknown level.

    Names, and what the trigger brought along, may hold anything: they come out as plain words.
    """
    trigger, data, level = follow_up.trigger_type, follow_up.trigger_data, profile.relationship_level
    tone = _TONES.get(level, _NEUTRAL)
    own_text = _own_text(data) if trigger == "custom" else ""
    greeting = plain(profile.name, longest=LONGEST_NAME)
    if own_text:
        body = own_text.replace("{name}", greeting or "there")
    else:
        texts = _TEXTS.get(trigger, _TEXTS["custom"])
        body = texts[tone].format(name=f" {greeting}" if greeting else "", event=_event(data))
    room = LONGEST_MESSAGE - len(STOP_LINE) - 2
    return Composed(
        text=f"{_shorten(body, room)}\n\n{STOP_LINE}",
        key=_SHARED_IDS.get(trigger, f"{trigger}_{tone}"),
        level=level,
        composed_by="staff" if own_text else "template",
    )


def plain(text: str, *, longest: int) -> str:
    """Make untrusted text safe inside a Discord message: no control characters, no markdown, no mention, no link.

    Returns an empty text when nothing readable is left, or when it is a link: then it is no name.
    """
    readable = "".join(" " if unicodedata.category(char) in _UNREADABLE else char for char in text)
    words = " ".join(readable.split())[:longest].strip()
    if _LINK.search(words) or not any(char.isalnum() for char in words):
        return ""
    return _MARKDOWN.sub(r"\\\1", words).replace("@", "@\u200b")


_UNREADABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _own_text(data: Mapping[str, Any]) -> str:
    """The text a member of staff wrote: their formatting stays, mentions do not."""
    text = data.get("text")
    if not isinstance(text, str):
        return ""
    return text.replace("\x00", "").strip().replace("@", "@\u200b").replace("<#", "<\u200b#")


def _event(data: Mapping[str, Any]) -> str:
    """The event in words: its name, its date, both or neither."""
    name = plain(str(data.get("event") or ""), longest=LONGEST_DETAIL)
    when = _date(data.get("event_at"))
    return (name or "our event") + (f" on {when}" if when else "")


def _date(value: object) -> str:
    """Full month name, day and year, as the seed's templates have it; nothing when it is no date."""
    try:
        at = parse_datetime(str(value)) if value else None
    except ValueError:
        at = None
    return "" if at is None else f"{at:%B} {at.day}, {at.year}"


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
