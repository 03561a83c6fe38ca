"""The console's pages of what was done on the networks, and within which limits."""
