"""Tests of the follow-up domain."""
