"""The tests' settings for a cluster whose processes say who they are, so that each can be killed."""

import logging

from tests.settings import *  # noqa: F403

logging.getLogger("django-q").setLevel(logging.INFO)
