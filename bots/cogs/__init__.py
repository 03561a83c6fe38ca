"""The bot's commands."""

from bots.cogs.cockpit import CockpitCog
from bots.cogs.guide import GuideCog
from bots.cogs.my_data import MyDataCog
from bots.cogs.settings import SettingsCog
from bots.cogs.staff import StaffCog
from bots.cogs.switches import SwitchesCog
from bots.cogs.team import TeamCog
from bots.cogs.wishes import WishesCog

COGS = (SettingsCog, CockpitCog, MyDataCog, WishesCog, GuideCog, TeamCog, SwitchesCog, StaffCog)
"""What the client adds when it starts."""
