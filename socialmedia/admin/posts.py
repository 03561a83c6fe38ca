"""The console's pages of tracked posts and their figures."""
