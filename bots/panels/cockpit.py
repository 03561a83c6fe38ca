"""The cockpit's buttons, menus and form on Discord: drawn from the layout, and every press answered.

discord.py calls an item only when the message still has it, and a form only in the process that has opened it. Of two
presses at once, the second would go unanswered, as would a form that was sent after a restart. So the cog hears all
interactions and passes on (`heard`) every id that begins with ours, those of other versions too.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Self

import discord
import structlog
from django.utils import timezone

from bots import failures, texts
from bots.answers import question_of
from bots.cockpit import acts, layout, presses, reading, wording
from bots.cockpit.acts import Screen
from bots.cockpit.presses import Press
from bots.database import run_unit
from bots.failures import UNREACHED
from bots.panels import HEARD_ELSEWHERE, PANELS, Panel, confirming

log = structlog.get_logger(__name__)

FORM_SECONDS: Final = 900


class CockpitItem(discord.ui.DynamicItem[discord.ui.Item[Any]], template=rf"{presses.PREFIX}.*"):
    """Any button or menu of the cockpit. Dynamic, so that discord.py keeps nothing of the views in memory."""

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: Any, /
    ) -> Self:
        """Take what discord.py has found in the message; its callback does nothing."""
        return cls(item)


class QuietForm(discord.ui.Modal):
    """Quiet hours and time zone. It is read from what Discord sends, by `heard`."""

    def __init__(self, present: dict[str, str]) -> None:
        super().__init__(title=wording.FORM_TITLE, custom_id=presses.FORM, timeout=FORM_SECONDS)
        for name, label, hint, longest in (
            (presses.QUIET_START, wording.FORM_START, wording.FORM_HOUR_HINT, 10),
            (presses.QUIET_END, wording.FORM_END, wording.FORM_HOUR_HINT, 10),
            (presses.ZONE, wording.FORM_ZONE, wording.FORM_ZONE_HINT, 64),
        ):
            field: discord.ui.TextInput[Any] = discord.ui.TextInput(
                custom_id=name, default=present.get(name) or None, required=False, max_length=longest
            )
            self.add_item(discord.ui.Label(text=label, description=hint, component=field))


def read(user_id: str, *, now: datetime) -> list[layout.Row]:
    """What the panel below a command's answer shows."""
    return layout.rows(reading.read(user_id, now=now), presses.HOME)


def draw(rows: Iterable[layout.Row]) -> discord.ui.View:
    """Make the view. Without a time-out, and of dynamic items only: discord.py keeps nothing of it."""
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for item in row:
            view.add_item(CockpitItem(_drawn(item), row=number))
    return view


async def handle(interaction: discord.Interaction[Any], press: Press) -> None:
    """Answer a press: at once, then in truth. Whatever goes wrong is told kindly and logged without words."""
    try:
        if press.kind == "form":
            await interaction.response.send_modal(QuietForm(presses.form_values(press.argument)))
            return
        await _acknowledge(interaction, press)
        question = question_of(interaction, source="button")
        screen = await run_unit(acts.answer, press, question, now=timezone.now())
    except Exception as error:  # discord.py would only log it, with a traceback that may quote people
        log.error("bot.press_failed", kind=press.kind, **failures.describe(error))  # noqa: TRY400 - the same
        with suppress(*UNREACHED):
            await confirming.say(interaction, texts.TRY_AGAIN)
        return
    await _show(interaction, press, screen)


async def _show(interaction: discord.Interaction[Any], press: Press, screen: Screen) -> None:
    """Change the message. It may be gone by now: what was done is done, so it is told in a message of its own."""
    view = draw(screen.rows) if screen.rows else discord.utils.MISSING
    try:
        await interaction.edit_original_response(content=screen.text, view=view)
    except UNREACHED as error:
        log.warning("bot.panel_gone", kind=press.kind, **failures.describe(error))
        with suppress(*UNREACHED):
            await interaction.followup.send(screen.text, view=view, ephemeral=True)


async def heard(interaction: discord.Interaction[Any]) -> None:
    """Answer an interaction, if it is a press or a form of the cockpit."""
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if not custom_id.startswith(presses.PREFIX):
        return
    if interaction.type is discord.InteractionType.component:
        await handle(interaction, presses.read(custom_id, data.get("values", ())))
    elif interaction.type is discord.InteractionType.modal_submit:
        written = dict(_fields(data.get("components", ())))
        names = (presses.QUIET_START, presses.QUIET_END, presses.ZONE)
        await handle(interaction, presses.read(custom_id, [written.get(name, "") for name in names]))


async def _acknowledge(interaction: discord.Interaction[Any], press: Press) -> None:
    """Say within 3 s that it was heard. The message that was pressed is changed afterwards, unless others can see it,
    or the answer belongs beside it. A stop counts even if Discord takes no answer to it any more.
    """
    message = interaction.message
    is_private = interaction.guild_id is None or (message is not None and message.flags.ephemeral)
    is_beside = message is None or not is_private or press.kind in acts.BESIDE
    try:
        await interaction.response.defer(ephemeral=is_beside, thinking=is_beside)
    except UNREACHED as error:
        if press.kind != acts.STOP:
            raise
        log.warning("bot.answer_not_sent", interaction_id=interaction.id, **failures.describe(error))


def _drawn(item: layout.Button | layout.Menu) -> discord.ui.Item[Any]:
    if isinstance(item, layout.Button):
        return discord.ui.Button(custom_id=item.custom_id, label=item.label, style=discord.ButtonStyle[item.style])
    options = [discord.SelectOption(label=o.label, value=o.value, default=o.is_chosen) for o in item.options]
    return discord.ui.Select(
        custom_id=item.custom_id,
        placeholder=item.placeholder,
        options=options,
        min_values=item.least,
        max_values=item.most,
    )


def _fields(components: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """The fields of a form, in a row (the older way) or in a label."""
    for each in components:
        inner = [*each.get("components", ()), *([each["component"]] if "component" in each else [])]
        yield from _fields(inner)
        if "value" in each:
            yield str(each.get("custom_id", "")), str(each["value"] or "")


PANELS[acts.PANEL] = Panel(read=read, draw=draw)
HEARD_ELSEWHERE.add(presses.PREFIX)
