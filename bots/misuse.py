"""What a command's author is told when discord.py could not carry it out: one kind sentence that names the usage."""

from collections.abc import Callable
from typing import Any, Final

from discord import app_commands
from discord.ext import commands

from bots import texts


class NotStaff(commands.CheckFailure):
    """A command of the team, asked for by somebody else."""


class BadInput(commands.UserInputError):
    """An argument makes no sense; the message is the sentence for its author."""


NOT_STAFF: Final = (
    "That command is for this community's team, so I did nothing. `help` shows what I can do for you. "
    "If you belong to the team: use it in the community, or ask whoever runs me to put you on the list."
)
CHANGED: Final = "That command has changed lately. Please open the list of commands again (type `/`) and try once more."
NOT_ALLOWED: Final = "You can't use that command here."
NOT_HERE: Final = "That command works only inside a community."
ONLY_PRIVATE: Final = "That command works only in a private message to me."
TOO_FAST: Final = "One moment, please: you can use that again in {seconds} second{s}."
BUSY: Final = "That is being done already; please wait until it is finished."


def sentence(error: Exception, *, usage: str) -> str | None:
    """Return what to tell its author; None for an error of ours, which must be logged."""
    cause = _cause(error)
    for kind, tell in _TELL.items():
        if isinstance(cause, kind):
            told = tell(cause)
            return f"{told} Use it like this: `{usage}`" if isinstance(cause, _NEEDS_USAGE) else told
    return None


def _cause(error: Exception) -> Exception:
    """The error inside of discord.py's wrappers."""
    while isinstance(inner := getattr(error, "original", None), Exception):
        error = inner
    return error


def _seconds(error: Any) -> str:
    seconds = max(1, round(error.retry_after))
    return TOO_FAST.format(seconds=seconds, s="" if seconds == 1 else "s")


def _missing(error: Any) -> str:
    return f"I need one thing more: `{error.param.displayed_name or error.param.name}`."


def _quoted(argument: object) -> str:
    """What somebody wrote, short, and unable to break out of its quotes."""
    words = " ".join(str(argument).split()).replace("`", "'")
    return f"`{words[:60]}{'…' if len(words) > 60 else ''}`" if words else "nothing"


def _not_found(what: str) -> Callable[[Any], str]:
    return lambda error: f"I know no {what} {_quoted(error.argument)}: mention them with @, or give their id."


def _choices(error: Any) -> str:
    wanted = ", ".join(f"`{literal}`" for literal in error.literals)
    return f"{_quoted(error.argument)} is none of {wanted}."


def _range(error: Any) -> str:
    low, high = error.minimum, error.maximum
    return f"{_quoted(error.value)} is out of range: choose from {low} to {high}."


_TELL: Final[dict[type[Exception], Callable[[Any], str]]] = {
    NotStaff: lambda _: NOT_STAFF,
    BadInput: str,
    commands.MissingRequiredArgument: _missing,
    commands.MissingRequiredAttachment: _missing,
    commands.UserNotFound: _not_found("person"),
    commands.MemberNotFound: _not_found("member"),
    commands.RangeError: _range,
    commands.BadLiteralArgument: _choices,
    commands.TooManyArguments: lambda _: "That was more than I understand.",
    commands.ArgumentParsingError: lambda _: 'The quotation marks do not match: put both, "like this", or none.',
    commands.UserInputError: lambda _: "I did not understand that.",
    commands.ConversionError: lambda _: "I did not understand that.",
    app_commands.TransformerError: lambda error: f"I did not understand {_quoted(error.value)}.",
    commands.CommandOnCooldown: _seconds,
    app_commands.CommandOnCooldown: _seconds,
    commands.MaxConcurrencyReached: lambda _: BUSY,
    commands.NoPrivateMessage: lambda _: NOT_HERE,
    app_commands.NoPrivateMessage: lambda _: NOT_HERE,
    commands.PrivateMessageOnly: lambda _: ONLY_PRIVATE,
    commands.CheckFailure: lambda _: NOT_ALLOWED,
    app_commands.CheckFailure: lambda _: NOT_ALLOWED,
    commands.DisabledCommand: lambda _: NOT_ALLOWED,
    app_commands.CommandNotFound: lambda _: CHANGED,
    app_commands.CommandSignatureMismatch: lambda _: CHANGED,
    commands.CommandNotFound: lambda _: texts.UNKNOWN_COMMAND,
}
"""The first one that fits, so the special ones stand before the general ones."""
_NEEDS_USAGE: Final = (commands.UserInputError, commands.ConversionError, app_commands.TransformerError)
