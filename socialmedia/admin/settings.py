"""The console's pages of settings that staff edit while everything runs."""
