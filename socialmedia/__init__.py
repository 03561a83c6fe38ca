"""Accounts, channels, the one inbox and the one outbox for every network."""
