"""Error answers in Discord's form."""

from dataclasses import dataclass, field

from bots.practice.world import Json


@dataclass
class Refusal(Exception):
    """An error answer: its status, Discord's code for it, and Discord's words."""

    status: int
    code: int
    message: str
    extra: Json = field(default_factory=dict)


def unknown(code: int, what: str) -> Refusal:
    return Refusal(404, code, f"Unknown {what}")


def invalid_form(path: str, code: str, message: str) -> Refusal:
    """50035. `path` names the field with dots: "components.0.components.2.label"."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for step in reversed(path.split(".")):
        errors = {step: errors}
    return Refusal(400, 50035, "Invalid Form Body", {"errors": errors})
