"""`manage.py create_api_key`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from config.models import ApiToken
from tests.config.factories import make_superuser

pytestmark = pytest.mark.django_db


class TestCreateApiKey:
    def test_prints_a_key_that_works(self) -> None:
        out = StringIO()
        call_command("create_api_key", "nightly", "--scopes", "jobs:read", stdout=out, stderr=StringIO())
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {out.getvalue().strip()}")
        assert program.get("/api/v1/jobs").status_code == 200

    def test_prints_json(self) -> None:
        make_superuser("ada")
        out = StringIO()
        call_command("create_api_key", "n", "--scopes", "jobs:write,jobs:read", "--user", "ada", "--json", stdout=out)
        body = json.loads(out.getvalue())
        assert (body["name"], body["scopes"]) == ("n", ["jobs:read", "jobs:write"])
        assert ApiToken.objects.get().user.get_username() == "ada"

    @pytest.mark.parametrize(
        "arguments",
        [
            ("n", "--scopes", "all"),
            ("n", "--scopes", ""),
            ("", "--scopes", "jobs:read"),
            ("n", "--scopes", "jobs:read", "--user", "nobody"),
        ],
    )
    def test_says_what_is_wrong(self, arguments: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match=r"name|scopes|user"):
            call_command("create_api_key", *arguments, stdout=StringIO())
        assert not ApiToken.objects.exists()
