"""The app's entry in Django."""

from django.apps import AppConfig


class BotsConfig(AppConfig):
    name = "bots"
    verbose_name = "Discord bot"

    def ready(self) -> None:
        """Tell the layers below what is kept here about members."""
        from bots import holdings  # the models are known only now

        holdings.register()
