"""The peers' tasks. Each module needs its peer's package; nobody else imports it."""
