"""Tests of the panels below answers."""
