"""What Discord takes of a message's embeds."""

from bots.practice.refusals import invalid_form
from bots.practice.world import Json

MOST_EMBEDS, MOST_FIELDS, MOST_CHARACTERS = 10, 25, 6_000
LONGEST = {"title": 256, "description": 4_096, "footer.text": 2_048, "author.name": 256}
LONGEST_FIELD = {"name": 256, "value": 1_024}


def check(embeds: list[Json], *, at: str = "embeds") -> None:
    """Raise what Discord says of embeds that are too many or too long; all of a message's count together."""
    if len(embeds) > MOST_EMBEDS:
        raise invalid_form(at, "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_EMBEDS} or fewer in length.")
    total = sum(_check_one(embed, f"{at}.{index}") for index, embed in enumerate(embeds))
    if total > MOST_CHARACTERS:
        text = f"Embed size exceeds maximum size of {MOST_CHARACTERS}"
        raise invalid_form(at, "MAX_EMBED_SIZE_EXCEEDED", text)


def _check_one(embed: Json, at: str) -> int:
    """Return how many characters an embed has."""
    fields = embed.get("fields") or []
    if len(fields) > MOST_FIELDS:
        raise invalid_form(f"{at}.fields", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_FIELDS} or fewer in length.")
    total = sum(_length(_part(embed, path), longest, f"{at}.{path}") for path, longest in LONGEST.items())
    for index, field in enumerate(fields):
        for name, longest in LONGEST_FIELD.items():
            if not field.get(name):
                raise invalid_form(f"{at}.fields.{index}.{name}", "BASE_TYPE_REQUIRED", "This field is required")
            total += _length(field[name], longest, f"{at}.fields.{index}.{name}")
    return total


def _part(embed: Json, path: str) -> str:
    part: object = embed
    for step in path.split("."):
        part = part.get(step) if isinstance(part, dict) else None
    return str(part or "")


def _length(text: str, longest: int, at: str) -> int:
    if len(text) > longest:
        raise invalid_form(at, "BASE_TYPE_MAX_LENGTH", f"Must be {longest} or fewer in length.")
    return len(text)
