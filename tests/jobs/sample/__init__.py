"""A Django app with handlers whose effects can be counted, for tests with real clusters."""
