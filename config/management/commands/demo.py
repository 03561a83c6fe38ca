"""`manage.py demo`: the main job on sample data, from an import to an answered private message."""

import os
import secrets
import shutil
from argparse import ArgumentParser
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone
from rich import box
from rich.console import Console
from rich.panel import Panel

from config import demo_posts, processes
from config.embedded_postgres import server
from config.management.commands import up
from followups import consent, events, goals, opting_in
from followups.models import FollowUp, UserProfile
from jobs import recurring
from socialmedia.shell import quiet

SAMPLES = Path(settings.BASE_DIR) / "followups" / "samples"
ADA, BRUNO, CELIA = "816961168605184001", "602561363050496002", "400189500162048003"
STAFF = "admin"


class Command(up.Command):
    help = "Set up the sample community, opt one member in, and run everything until Ctrl-C. Sends nothing anywhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reset", action="store_true", help="stop it, and delete the embedded database and the practice chat"
        )

    def handle(self, *args: Any, reset: bool = False, **options: Any) -> None:
        if settings.DATABASES["default"]["ENGINE"] != "config.embedded_postgres":
            raise CommandError("The demo fills the embedded database only: unset DATABASE_URL, or use `manage.py up`.")
        if not processes.is_practice():
            raise CommandError(
                "The demo writes to made-up members only: unset DISCORD_BOT_TOKEN, or use `manage.py up`."
            )
        if reset:
            self.reset()
        else:
            _measure_practice_posts()
            super().handle(*args, **options)

    def reset(self) -> None:
        """Forget everything that the demo has made."""
        call_command("down", stdout=self.stdout)
        shutil.rmtree(server.locate(Path(settings.DATA_DIR)).root, ignore_errors=True)
        for name in ("practice-discord.jsonl", "demo_password"):
            (settings.DATA_DIR / name).unlink(missing_ok=True)
        self.stdout.write("Deleted the embedded database and the practice chat. `make demo` starts afresh.")

    def prepare(self) -> None:
        super().prepare()
        self.stdout.write("Importing the sample community.")
        call_command("import_chat_export", *sorted(map(str, SAMPLES.glob("*.json"))), stdout=self.stdout)
        self.login = _staff_login()
        self.was_reached = FollowUp.objects.filter(user_id=ADA).exists()
        self.zone = _noon_zone(timezone.now())
        UserProfile.objects.filter(user_id=ADA).update(timezone=self.zone)
        self.stdout.write("Tracking made-up posts.")
        # Before the workers start: they would make the checks of the past weeks all at once.
        with quiet.quietly():
            demo_posts.plant(now=timezone.now())
            demo_posts.write_to_us(now=timezone.now())

    def when_ready(self) -> None:
        # Only now: a follow-up that is due before the bot has logged in would wait a minute for it.
        # Once only: should you opt her out while playing her, that stands.
        if consent.current(ADA) is None:
            _let_ada_begin(timezone.now())
        with suppress(recurring.StillLive):
            recurring.run_now("quiet-member-sweep", now=timezone.now())
        connections.close_all()
        self.show()

    def show(self) -> None:
        """One screen: where to look, and what will happen."""
        console = f"http://127.0.0.1:{settings.WEB_PORT}"
        chat = f"http://127.0.0.1:{settings.PRACTICE_DISCORD_PORT}/"
        ada = console + reverse("admin:followups_userprofile_change", args=[ADA])
        bruno = console + reverse("admin:followups_userprofile_change", args=[BRUNO])
        follow_ups = console + reverse("admin:followups_followup_changelist")
        forecast = console + reverse("admin:followups_forecast")
        posts = console + reverse("admin:socialmedia_post_changelist")
        if self.was_reached:
            story = (
                "Ada Marsh already has a follow-up from an earlier run, so she gets no second one for the same "
                "silence.\n   `make demo-reset` and `make demo` show it from the start."
            )
        else:
            story = "Within a minute Ada Marsh, who went quiet, gets a private message in the chat."
        inbox = console + reverse("admin:socialmedia_conversation_changelist")
        terminal = Console()
        # Never break an address: a narrow terminal wraps the line itself.
        Console(width=max(terminal.width, 110)).print(
            Panel(
                f"[bold]Console[/]  {console}/admin/   user [bold]{STAFF}[/], password [bold]{self.login}[/]\n"
                f"[bold]Chat[/]     {chat}   a Discord on this machine; nothing leaves it\n\n"
                f"1. {story}\n"
                f"2. Play Ada and answer it: {chat}#{ADA}/dm\n"
                "   Then write [bold]/followups[/]: what is planned for her, with its text and why, and all she may "
                "change.\n"
                f"3. See her follow-up and her answer: {follow_ups}\n"
                f"4. See why she got it: {ada}\n"
                "   (The demo opted her in, and set her time zone to "
                f"{self.zone}, where it is about noon: no quiet hours.)\n"
                "5. Bruno Keel is quiet too but never opted in, so he gets nothing. His page says so:\n"
                f"   {bruno}\n"
                f"6. See what comes next (she booked an event and set herself a goal):\n"
                f"   {forecast}\n"
                f"7. Be the team: Celia Fresnel owns the community. Write [bold]/bot_status[/] or [bold]/stop_all[/] "
                f"in #general:\n   {chat}#{CELIA}\n"
                f"8. See made-up TikTok posts grow; the newest is checked within minutes:\n   {posts}\n"
                f"9. Answer a fan: no program can write on TikTok, so you copy your words:\n   {inbox}\n\n"
                "[bold]Ctrl-C[/] stops everything. Your data stays; `make demo` goes on from there.",
                title="Checkback is running",
                box=box.HORIZONTALS,
                expand=False,
            )
        )


def _measure_practice_posts() -> None:
    """Let this process, and all programs that it starts, ask the practice network instead of a real provider."""
    for name, value in demo_posts.SETTINGS.items():
        os.environ[name] = str(value)
        setattr(settings, name, value)


def _let_ada_begin(now: datetime) -> None:
    """Opt Ada in, and give her an event to come and a goal, on both of which we check back. All of it or nothing."""
    with transaction.atomic():
        opting_in.opt_in(
            user_id=ADA, source="demo", evidence="Opted in by the demo, with your knowledge", actor="demo", now=now
        )
        events.book(user_id=ADA, event_at=now + timedelta(days=3), name="Harbor clean-up", booking_id="HL-1", now=now)
        goals.set_goal(user_id=ADA, text="Finish the rowing boat", check_in_at=now + timedelta(days=10), now=now)


def _noon_zone(now: datetime) -> str:
    """The fixed-offset zone where it is about noon. Etc/GMT-3 is three hours *ahead* of UTC."""
    behind = now.hour - 12
    return f"Etc/GMT{behind:+d}" if behind else "Etc/GMT"


def _staff_login() -> str:
    """Return the password of the staff user, made at the first run and kept in the data folder."""
    users = get_user_model().objects
    path = Path(settings.DATA_DIR) / "demo_password"
    if users.filter(username=STAFF).exists():
        return path.read_text() if path.exists() else "(the one that you chose)"
    password = secrets.token_urlsafe(9)
    path.touch(mode=0o600)
    path.write_text(password)
    users.create_superuser(STAFF, password=password)
    return password
