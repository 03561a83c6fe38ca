"""One script per question; the last numbers are in README.md."""
