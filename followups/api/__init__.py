"""Follow-ups, consent and the scheduler's health over REST."""
