"""`manage.py create_api_key NAME --scopes a,b`: make an API key and print it, once."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import keys
from config.models import SCOPES


class Command(BaseCommand):
    help = "Make an API key and print it. It cannot be shown again: only its digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="What will use the key.")
        parser.add_argument("--scopes", required=True, help=f"Comma-separated: {', '.join(SCOPES)}.")
        parser.add_argument("--user", default="", help="Login of the user it belongs to (default: programs).")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of the bare key.")

    def handle(self, **options: Any) -> None:
        scopes = [part.strip() for part in options["scopes"].split(",") if part.strip()]
        try:
            new = keys.create(name=options["name"], scopes=scopes, username=options["user"])
        except keys.BadKey as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            body = {"name": new.token.name, "scopes": new.token.scopes, "key": new.secret}
            self.stdout.write(json.dumps(body))
            return
        self.stdout.write(new.secret)
        self.stderr.write(f"{new.token.name} may: {', '.join(new.token.scopes)}. This key is not shown again.")
