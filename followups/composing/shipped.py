"""The templates that come with Checkback: which keys there are, and how they get into the table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

from followups.composing import languages
from followups.models import RelationshipLevel, Trigger
from followups.moods import Mood
from socialmedia import placeholders

PAST_CUSTOMER: Final = "reengagement_past_customer"
"""Only for members who have come to an event."""


@dataclass(frozen=True)
class Key:
    """What a key is for."""

    trigger: Trigger
    emotion: str = ""


KEYS: Final = {
    "inactivity_acquaintance": Key(Trigger.INACTIVITY),
    "inactivity_friend": Key(Trigger.INACTIVITY),
    "inactivity_close_friend": Key(Trigger.INACTIVITY),
    "inactivity_interest": Key(Trigger.INACTIVITY),
    "inactivity_after_sadness": Key(Trigger.INACTIVITY, Mood.LOW),
    "inactivity_after_happiness": Key(Trigger.INACTIVITY, Mood.HIGH),
    "post_event_high_emotion": Key(Trigger.POST_EVENT, Mood.HIGH),
    "post_event_neutral_emotion": Key(Trigger.POST_EVENT, Mood.NEUTRAL),
    "post_event_low_emotion": Key(Trigger.POST_EVENT, Mood.LOW),
    "reengagement_general": Key(Trigger.RE_ENGAGEMENT),
    PAST_CUSTOMER: Key(Trigger.RE_ENGAGEMENT),
    "emotion_check_in": Key(Trigger.EMOTION_BASED),
    "custom": Key(Trigger.CUSTOM),
    "birthday_greeting": Key(Trigger.BIRTHDAY),
    "goal_check_in": Key(Trigger.GOAL),
}
_LOAD: Final = (Path(__file__).parents[1] / "sql" / "load_templates_v1.sql").read_text()
TONES: Final = {
    "neutral": None,  # strangers and acquaintances, and whoever has no text of their own
    "friend": RelationshipLevel.FRIEND.value,
    "close_friend": RelationshipLevel.CLOSE_FRIEND.value,
}


def rows() -> Iterator[dict[str, Any]]:
    """Yield every shipped template's own columns."""
    for language in sorted(languages.codes()):
        for key, texts in languages.of(language).texts.items():
            for tone, text in texts.items():
                yield {
                    "name": key.replace("_", " ").capitalize() + ("" if tone == "neutral" else f", {tone}"),
                    "key": key,
                    "trigger": KEYS[key].trigger.value,
                    "emotion": str(KEYS[key].emotion),
                    "level": TONES[tone],
                    "locale": language,
                    "template_text": text,
                    "variables": sorted(placeholders.used(text)),
                }


def load(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Insert the shipped templates that are missing, published. What staff edited, retired or switched off stays as
    it is.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_LOAD, {"templates": _as_json()})


def on_migrated(*, using: str, apps: Any = None, **_: object) -> None:
    """Load after every migration and every flush, unless the migration has gone back to before the table."""
    if apps is None or "messagetemplate" in apps.all_models["socialmedia"]:
        load(using=using)


@cache
def _as_json() -> str:
    return json.dumps(list(rows()))
