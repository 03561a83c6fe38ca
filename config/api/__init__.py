"""REST conventions shared by every app: keys and scopes, pages, errors."""
