"""The engine: durable scheduled jobs on Django-Q2. Knows no other app."""
