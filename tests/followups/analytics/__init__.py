"""What follow-ups achieve."""
