"""A member's own cockpit, `/followups`: what is planned for them and why, and all that they can change about it."""
