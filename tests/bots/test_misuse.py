"""Misuse: each of discord.py's errors becomes a kind sentence; ours do not."""

import inspect
from collections.abc import Iterator
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from bots.misuse import BadInput, NotStaff, sentence

USAGE = "!goal set <text>"
OURS = (commands.CommandInvokeError, commands.HybridCommandError, app_commands.CommandInvokeError)
"""They wrap what went wrong."""
NEVER_OF_A_MEMBER = (
    commands.ExtensionError,
    app_commands.CommandAlreadyRegistered,
    app_commands.CommandLimitReached,
    app_commands.CommandSyncFailure,
    app_commands.TranslationError,
    app_commands.MissingApplicationID,
)


def every_error() -> Iterator[type[Exception]]:
    """The errors of discord.py's commands that a member can cause."""
    for module, base in ((commands, commands.CommandError), (app_commands, app_commands.AppCommandError)):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, base) and kind is not base and not issubclass(kind, (*OURS, *NEVER_OF_A_MEMBER)):
                yield kind


def made(kind: type[Exception]) -> Exception:
    """Such an error, with whatever its sentence could ask for."""
    error = kind.__new__(kind)
    parameter = commands.Parameter("text", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    values: dict[str, Any] = {
        "argument": "x`y" * 90, "value": "nonsense", "minimum": 1, "maximum": 31, "literals": ("on", "off"),
        "retry_after": 12.3, "param": parameter,
    }  # fmt: skip
    for name, value in values.items():
        setattr(error, name, value)
    return error


class TestSentence:
    @pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
    def test_is_kind_and_short(self, kind: type[Exception]) -> None:
        told = sentence(made(kind), usage=USAGE)
        assert told is not None
        assert told[0].isupper() or told[0] == "`"
        assert told[-1] in ".`?!"
        assert len(told) < 300

    def test_names_the_right_usage_of_bad_input(self) -> None:
        assert sentence(commands.BadArgument("x"), usage=USAGE) == (
            f"I did not understand that. Use it like this: `{USAGE}`"
        )
        assert sentence(BadInput("Say on or off."), usage=USAGE) == f"Say on or off. Use it like this: `{USAGE}`"

    def test_looks_into_the_wrappers(self) -> None:
        cooldown = commands.CommandOnCooldown(commands.Cooldown(1, 60), 0.4, commands.BucketType.user)
        wrapped = commands.HybridCommandError(cooldown)  # type: ignore[arg-type]
        assert sentence(wrapped, usage=USAGE) == "One moment, please: you can use that again in 1 second."

    def test_cannot_be_broken_by_what_was_written(self) -> None:
        told = sentence(commands.UserNotFound("`@everyone` " * 50), usage=USAGE)
        assert told is not None
        assert told.count("`") == 4
        assert len(told) < 250

    def test_does_not_offer_a_usage_to_who_may_not(self) -> None:
        told = sentence(NotStaff(), usage=USAGE)
        assert told is not None
        assert USAGE not in told

    @pytest.mark.parametrize(
        "error", [ValueError("ours"), commands.CommandInvokeError(KeyError("ours")), discord.DiscordException()]
    )
    def test_leaves_our_own_errors_to_the_log(self, error: Exception) -> None:
        assert sentence(error, usage=USAGE) is None
