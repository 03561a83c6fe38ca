"""A bot whose answers have buttons, menus and forms, for the chat page to show."""

from typing import Any

import discord
from discord.ext import commands

from tests.bots.practice.bot import TinyBot

COLOURS = ("Amber", "Blue", "Crimson", "<b>Dusk</b>")


class PanelBot(TinyBot):
    """`/panel` shows a panel to its asker alone; each press redraws it in place, with other ids than before."""

    async def setup_hook(self) -> None:
        self.add_command(panel)
        self.add_command(choose)
        self.tree.add_command(staff)
        await super().setup_hook()

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        data: dict[str, Any] = dict(interaction.data or {})
        name, _, number = str(data.get("custom_id", "")).partition(":")
        if interaction.type is discord.InteractionType.modal_submit:
            await interaction.response.edit_message(content=f"Wrote {written(data)}")
        elif name == "count":
            await interaction.response.edit_message(
                content=f"Counted {int(number) + 1}", view=panel_view(int(number) + 1)
            )
        elif name in ("colour", "colours"):
            chosen = data["values"]
            text = f"Chose {', '.join(chosen) or 'nothing'}"
            await interaction.response.edit_message(content=text, view=panel_view(0, chosen))
        elif name == "form":
            await interaction.response.send_modal(note_form())
        elif name == "yes":
            await super().on_interaction(interaction)


def panel_view(count: int, chosen: tuple[str, ...] | list[str] = ()) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for label, custom_id, style in (
        ("Count", f"count:{count}", discord.ButtonStyle.primary),
        ("Write", "form", discord.ButtonStyle.secondary),
        ("Silent", "silent", discord.ButtonStyle.danger),
    ):
        view.add_item(discord.ui.Button(label=label, custom_id=custom_id, style=style))
    view.add_item(discord.ui.Button(label="Off", custom_id="off", style=discord.ButtonStyle.success, disabled=True))
    view.add_item(discord.ui.Button(label="Site", url="https://example.org/", emoji="🏮"))
    options = [
        discord.SelectOption(label=each, value=each, description=f"The {each} one", default=each in chosen)
        for each in COLOURS
    ]
    one = [
        discord.SelectOption(label=each.label, value=each.value, default=each.default and len(chosen) == 1)
        for each in options
    ]
    view.add_item(discord.ui.Select(custom_id="colour", placeholder="One colour", options=one))
    many = discord.ui.Select[Any](
        custom_id="colours", placeholder="Some colours", options=options, min_values=1, max_values=3
    )
    view.add_item(many)
    return view


def note_form() -> discord.ui.Modal:
    form = discord.ui.Modal(title="A <b>note</b>", custom_id="note")
    form.add_item(discord.ui.TextInput(label="Title", custom_id="title", min_length=3, max_length=20))
    body = discord.ui.TextInput[Any](
        custom_id="body", style=discord.TextStyle.long, required=False, default="As before"
    )
    form.add_item(discord.ui.Label(text="Text", description="As long as you like", component=body))
    return form


def written(data: dict[str, Any]) -> str:
    fields = [each.get("component") or each["components"][0] for each in data["components"]]
    return " / ".join(str(each["value"]) for each in fields)


@commands.hybrid_command()
async def panel(ctx: commands.Context[PanelBot]) -> None:
    """Show buttons and menus."""
    await ctx.send("A panel", view=panel_view(0), ephemeral=True)


@commands.hybrid_command()
@discord.app_commands.choices(
    size=[discord.app_commands.Choice(name=each, value=each.lower()) for each in ("Small", "Large")]
)
async def choose(
    ctx: commands.Context[PanelBot], days: int, size: discord.app_commands.Choice[str], who: discord.User | None = None
) -> None:
    """Choose among options."""
    await ctx.send(f"{days + 1} days, {size.value}, {who}")


@discord.app_commands.command()
@discord.app_commands.guild_only()
@discord.app_commands.default_permissions(manage_guild=True)
async def staff(interaction: discord.Interaction[Any]) -> None:
    """Only for those who look after the community."""
    await interaction.response.send_message("At your service", ephemeral=True)
