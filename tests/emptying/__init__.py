"""Emptying the test database between tests: what Django does by TRUNCATE in 0.2 s, by DELETE in a hundredth of that."""
