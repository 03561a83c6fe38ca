"""Tests of the members' cockpit."""
