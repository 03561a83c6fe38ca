"""The engine over REST, and what the API of every app shares."""
