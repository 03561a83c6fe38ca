"""`retire_account ID`: take one of our accounts out of use, as after a change of the bot."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from followups import retiring
from jobs import terminal
from socialmedia.models import Account, Platform


class Command(BaseCommand):
    help = (
        "Take one of our accounts out of use, as after a change of the bot. What waits for it is stopped; quiet "
        "members get their check-in from the new one. When its bot logs in again, it is back in use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="The network's id of the account (the bot's id on Discord).")
        parser.add_argument("--platform", choices=Platform.values, default=Platform.DISCORD, help="Default: discord.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.filter(platform=options["platform"], external_id=options["id"], is_own=True).first()
        if account is None:
            ours = Account.objects.filter(is_own=True).order_by("pk")
            known = ", ".join(f"{row.external_id} ({row.username})" for row in ours) or "none"
            raise CommandError(f"None of our accounts has the id {options['id']!r}. Ours are: {known}.")
        question = f"Retire {account}? What waits for it is stopped. [y/N] "
        if not options["yes"] and terminal.asked(self.stderr, question).lower() != "y":
            raise CommandError("Nothing was changed.")
        done = retiring.retire(account, now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"cancelled": done.cancelled, "suppressed": done.suppressed}))
            return
        self.stdout.write(
            f"{account} is retired. Stopped: follow-ups {done.cancelled}, other messages {done.suppressed}."
        )
