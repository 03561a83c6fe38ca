"""The bot's own tables; what it carries is socialmedia's."""

from bots.models.governing import BotControl, InvalidRequests
from bots.models.heartbeats import BotHeartbeat
from bots.models.staff import StaffPost, StaffPostStatus, StaffThread

__all__ = ["BotControl", "BotHeartbeat", "InvalidRequests", "StaffPost", "StaffPostStatus", "StaffThread"]
