"""Delivers queued messages to Discord, each exactly once, and records what became of it.

The order of doubt: an answer that was lost is asked for again with the same nonce while Discord remembers it;
after that only the channel's history can tell; and what even that does not tell is left to a person.
"""

from bots.relay.calls import NETWORK_ERRORS
from bots.relay.flow import Relay, finish

__all__ = ["NETWORK_ERRORS", "Relay", "finish"]
