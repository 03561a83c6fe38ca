"""The Discord edge: client, commands, relay of queued messages, the practice server."""
