"""A button under a question whether something shall really be done. It is for one person, and not for long."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import discord
import structlog

from bots import failures, panels, texts
from bots.failures import UNREACHED
from bots.panels import Panel

log = structlog.get_logger(__name__)

PREFIX: Final = "confirm:"
VALID_FOR: Final = timedelta(minutes=15)
"""From the time at which the question was shown, by Discord's clock."""
SOMEBODY_ELSES: Final = "This question was put to somebody else, so I did nothing."
TOO_OLD: Final = "This question is too old, so I did nothing. Please ask again: `{again}`."


@dataclass(frozen=True)
class Deed:
    """What can be confirmed."""

    label: str
    """On the button."""
    again: str
    """The command that asks."""
    act: Callable[[discord.Interaction[Any]], Awaitable[str]]
    """Does it, after it has judged once more whether this person may; returns what to say."""


_PRESSES: Final = (discord.InteractionType.component, discord.InteractionType.modal_submit)
DEEDS: Final[dict[str, Deed]] = {}


def offer(name: str, deed: Deed) -> None:
    """Let answers carry the panel `name`, whose button does the deed."""
    DEEDS[name] = deed
    panels.PANELS[name] = Panel(read=_asker, draw=lambda asker: _draw(name, asker))


class ConfirmButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=rf"{PREFIX}(?P<deed>[a-z_]+):(?P<asker>\d{{1,20}})",
):
    """The button. What it does and for whom stands in its id, so that it survives a restart."""

    def __init__(self, deed: str, asker: str) -> None:
        label = DEEDS[deed].label if deed in DEEDS else "?"
        super().__init__(
            discord.ui.Button(label=label, style=discord.ButtonStyle.danger, custom_id=f"{PREFIX}{deed}:{asker}")
        )
        self.deed = deed
        self.asker = asker

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make it anew from its id."""
        return cls(match["deed"], match["asker"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do the deed, if this person may and the question is not too old, and put the answer in its place."""
        try:
            await self._decide(interaction)
        except Exception as error:
            # discord.py would log it with a traceback, which can quote people.
            log.error("bot.press_failed", deed=self.deed, **failures.describe(error))  # noqa: TRY400
            with suppress(*UNREACHED):
                await say(interaction, texts.TRY_AGAIN)

    async def _decide(self, interaction: discord.Interaction[Any]) -> None:
        deed = DEEDS.get(self.deed)
        if str(interaction.user.id) != self.asker:
            await say(interaction, SOMEBODY_ELSES)
        elif deed is None or interaction.message is None or _age(interaction, interaction.message) > VALID_FOR:
            again = deed.again if deed else "help"
            await interaction.response.edit_message(content=TOO_OLD.format(again=again), view=None)
        else:
            await interaction.response.defer()  # the first answer must come within 3 s, whatever the database does
            await _show(interaction, await deed.act(interaction))


async def heard(interaction: discord.Interaction[Any]) -> None:
    """Answer a press that nothing else answers, because the message has lost that button, or another version has made
    it: discord.py is silent about it.
    """
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if interaction.type not in _PRESSES or custom_id.startswith(tuple(panels.HEARD_ELSEWHERE)):
        return
    shown = interaction.message.components if interaction.message else []
    is_live = ConfirmButton.__discord_ui_compiled_template__.fullmatch(custom_id) and custom_id in _custom_ids(shown)
    if not is_live:
        with suppress(*UNREACHED):
            await say(interaction, texts.GONE)


async def _show(interaction: discord.Interaction[Any], told: str) -> None:
    """Put it in the place of the question. That may be gone by now: what was done is done, so it is told beside it."""
    try:
        await interaction.edit_original_response(content=told, view=None)
    except UNREACHED as error:
        log.warning("bot.panel_gone", **failures.describe(error))
        with suppress(*UNREACHED):
            await say(interaction, told)


def _custom_ids(components: Iterable[Any]) -> Iterator[str]:
    for component in components:
        yield getattr(component, "custom_id", None) or ""
        yield from _custom_ids(getattr(component, "children", ()))


def _age(interaction: discord.Interaction[Any], message: discord.Message) -> timedelta:
    return interaction.created_at - message.created_at


async def say(interaction: discord.Interaction[Any], sentence: str) -> None:
    """Tell it to who pressed, and leave the question as it is."""
    if interaction.response.is_done():
        await interaction.followup.send(sentence, ephemeral=True)
    else:
        await interaction.response.send_message(sentence, ephemeral=True)


def _asker(user_id: str, *, now: datetime) -> str:
    return user_id


def _draw(name: str, asker: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(ConfirmButton(name, asker))
    return view


panels.ITEMS.append(ConfirmButton)
