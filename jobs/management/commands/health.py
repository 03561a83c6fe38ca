"""`manage.py health`: run the check-up here and now, and tell by the exit code."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from jobs import checkup, terminal
from jobs.checkup import Report
from jobs.models import HealthStatus

UNWELL = 1
STYLES = {HealthStatus.OK: "SUCCESS", HealthStatus.DEGRADED: "WARNING", HealthStatus.FAILED: "ERROR"}


class Command(terminal.ActionCommand):
    help = (
        "Run every check now, as this host sees things, and keep nothing: what the console and the API show comes from "
        "the job health_check. Exit codes: 0, all is well; 1, a check found something; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.set_defaults(action="check")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Look, and tell."""
        reports = checkup.run_all(now=self.now)
        is_well = all(report.finding.status == HealthStatus.OK for report in reports)
        if self.is_json:
            checks = {report.check_name: _fields(report) for report in reports}
            self.write_objects([{"status": "healthy" if is_well else "degraded", "checks": checks}])
        else:
            self._draw(reports)
        if not is_well:
            self.stdout.flush()
            sys.exit(UNWELL)

    def _draw(self, reports: list[Report]) -> None:
        width = max((len(report.check_name) for report in reports), default=0)
        for report in reports:
            finding = report.finding
            status = getattr(self.style, STYLES[finding.status])(f"{finding.status:<8}")
            self.stdout.write(f"{report.check_name:<{width}}  {status}  {finding.detail}")


def _fields(report: Report) -> dict[str, Any]:
    return {
        "status": report.finding.status,
        "detail": report.finding.detail,
        "numbers": dict(report.finding.numbers),
        "checked_at": report.checked_at,
        "duration_ms": report.duration_ms,
    }
