"""The project's settings plus what only tests need."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = ["tests.emptying", *INSTALLED_APPS, "tests.jobs.sample"]
# Password hashing is slow on purpose; the tests' passwords are not secrets.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
