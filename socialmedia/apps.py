"""The app's entry in Django."""

from django.apps import AppConfig


class SocialmediaConfig(AppConfig):
    name = "socialmedia"
    verbose_name = "Social media"
