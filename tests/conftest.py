"""Fixtures for every test. The database is a real PostgreSQL, started on demand."""
