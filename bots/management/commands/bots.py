"""`manage.py bots status|stop|resume`: the kill switch of the Discord bots, and what they may send."""

from getpass import getuser
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.text import Text

from bots.governor import controls, figures
from bots.governor.figures import Figures
from jobs import terminal
from socialmedia.models import Account


class Command(terminal.ActionCommand):
    help = (
        "Show what the Discord bots may send, stop them from sending anything, or let them send again. A bot that is "
        "stopped still listens; what is queued waits. Exit codes: 0, done; 1, it could not be done; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.begin(parser, "status", "stop", "resume")
        status = terminal.action(actions, "status", "Show each bot's switches, budgets and queue.")
        stop = terminal.action(actions, "stop", "Send nothing more, at once. What is on the wire arrives.")
        stop.add_argument("--reason", type=terminal.text, help="Why, for those who will wonder.")
        resume = terminal.action(actions, "resume", "Send again: what is due and still permitted goes out at once.")
        resume.add_argument("--yes", action="store_true", help="Do not ask.")
        for action in (status, stop, resume):
            action.add_argument(
                "--account", metavar="NAME", type=terminal.text, help="One bot, by name or Discord's id; else all."
            )

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Do one action."""
        chosen = _chosen(options["account"])
        who = f"{getuser()} (shell)"
        if action == "status":
            self._status(chosen)
        elif action == "stop":
            stopped = controls.stop_all(chosen, by=who, reason=options["reason"] or "", now=self.now)
            self._tell("stopped", chosen, stopped)
        else:
            if not options["yes"]:
                self._ask(chosen)
            resumed = controls.resume_all(chosen, by=who, now=self.now)
            self._tell("resumed", chosen, resumed)

    def _ask(self, chosen: list[Account]) -> None:
        for account in chosen:
            self.remark(f"{_name(account)}: {figures.of_account(account.pk, now=self.now).queue}.")
        answer = terminal.asked(self.stderr, "Send again? Type yes: ")
        if answer != "yes":
            raise CommandError("Nothing was changed.")

    def _tell(self, done: str, chosen: list[Account], changed: list[Account]) -> None:
        for account in chosen:
            is_done = account in changed
            if self.is_json:
                self.write_objects([{"account": account.username, "id": account.external_id, done: is_done}])
            elif is_done:
                self.stdout.write(f"{done.capitalize()}: {_name(account)}")
            else:
                self.remark(f"{_name(account)} was {'not stopped' if done == 'resumed' else 'stopped already'}.")

    def _status(self, chosen: list[Account]) -> None:
        for account in chosen:
            found = figures.of_account(account.pk, now=self.now)
            if self.is_json:
                self.write_objects([_fields(account, found)])
            else:
                self._draw(account, found)

    def _draw(self, account: Account, found: Figures) -> None:
        shown = terminal.pairs()
        for label, value in (
            ("Bot", f"{_name(account)} ({account.external_id})"),
            ("State", found.state),
            ("Processes", f"{found.bots:,}, {found.connected:,} connected"),
            ("Queue", f"{found.queue}, the first since {terminal.relative(found.waiting_since, self.now)}"),
            ("Openings in the last hour", str(found.opened_in_hour)),
            ("Openings in the last day", str(found.opened_in_day)),
            ("Next opening", _next_opening(found)),
            ("Refused requests in 10 minutes", f"{found.controls.refusals:,}"),
        ):
            shown.add_row(label, Text(terminal.printable(value)))
        self.draw(shown)
        for sentence in found.troubles:
            self.stdout.write(terminal.printable(sentence))


def _chosen(name: str | None) -> list[Account]:
    """The bots that are meant. Raises CommandError when there is none, or several of this name."""
    everybody = controls.accounts()
    if name is None:
        if not everybody:
            raise CommandError("No bot has ever run here; manage.py runbot starts one.")
        return everybody
    meant = [account for account in everybody if name in {account.username, account.display_name, account.external_id}]
    if not meant:
        known = ", ".join(_name(account) for account in everybody) or "none"
        raise CommandError(f"No bot in use is called {terminal.printable(name)}; there is {known}.")
    if len(meant) > 1:
        raise CommandError(f"{len(meant)} bots are called {terminal.printable(name)}: name one by its Discord id.")
    return meant


def _name(account: Account) -> str:
    return terminal.printable(account.display_name or account.username)


def _next_opening(found: Figures) -> str:
    if found.next_opening_at is None:
        return "never: the budget is 0"
    return "now" if found.next_opening_at <= found.at else terminal.exact(found.next_opening_at)


def _fields(account: Account, found: Figures) -> dict[str, Any]:
    switches = found.controls
    return {
        "account": account.username,
        "id": account.external_id,
        "state": found.state,
        "stopped_at": switches.stopped_at,
        "stopped_by": switches.stopped_by,
        "stop_reason": switches.stop_reason,
        "openings_paused_until": switches.opening_paused_until,
        "openings_pause_reason": switches.opening_pause_reason,
        "openings_in_hour": found.opened_in_hour.used,
        "openings_per_hour": found.opened_in_hour.most,
        "openings_in_day": found.opened_in_day.used,
        "openings_per_day": found.opened_in_day.most,
        "next_opening_at": found.next_opening_at,
        "openings_refused": found.openings_refused,
        "openings_judged": found.openings_judged,
        "refused_requests": switches.refusals,
        "processes": found.bots,
        "connected": found.connected,
        "waiting": found.waiting,
        "waiting_since": found.waiting_since,
        "troubles": found.troubles,
    }
