"""What Discord takes of a message that a bot sends or edits."""

from bots.practice import components, embeds, uploads
from bots.practice.refusals import Refusal, invalid_form
from bots.practice.uploads import Upload
from bots.practice.world import Json

EPHEMERAL = 1 << 6
LONGEST_MESSAGE = 2_000
LONGEST_NONCE = 25


KEPT_FLAGS = components.V2 | 1 << 2 | 1 << 12
"""Flags that a message keeps: newer components, no embeds of links, no notification."""


def flags_of(data: Json) -> int:
    return int(data.get("flags") or 0) & KEPT_FLAGS


def is_ephemeral(data: Json) -> bool:
    return bool(int(data.get("flags") or 0) & EPHEMERAL)


def checked(data: Json, *, files: list[Upload] | None = None, edited: bool = False, at: str = "") -> Json:
    """Return a message's data, or raise what Discord says of a message that it does not take."""
    content = data.get("content") or ""
    if len(content) > LONGEST_MESSAGE:
        raise invalid_form(f"{at}content", "BASE_TYPE_MAX_LENGTH", f"Must be {LONGEST_MESSAGE} or fewer in length.")
    nonce = data.get("nonce")
    if nonce is not None and len(str(nonce)) > LONGEST_NONCE:
        raise invalid_form("nonce", "NONCE_TYPE_TOO_LONG", f"Must be {LONGEST_NONCE} or fewer in length.")
    components.check_message(data.get("components") or [], flags=int(data.get("flags") or 0), at=f"{at}components")
    embeds.check(data.get("embeds") or [], at=f"{at}embeds")
    if int(data.get("flags") or 0) & components.V2 and (content or data.get("embeds")):
        text = "The content and embeds fields cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        raise invalid_form(f"{at}content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)
    uploads.require_small(files or [])
    if not edited and not files and not content.strip() and not data.get("embeds") and not data.get("components"):
        raise Refusal(400, 50006, "Cannot send an empty message")
    return data
