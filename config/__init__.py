"""The project: environment, settings, URLs, the REST conventions and the process runner."""
