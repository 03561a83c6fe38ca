"""What the follow-ups need: their checks of the check-up."""

from datetime import datetime

from followups import conf
from followups.llm import client
from followups.models import LlmCircuit
from jobs import checkup
from jobs.checkup import Finding, degraded, ok


def language_model(*, now: datetime) -> Finding:
    """The model is asked. It is never needed: while it is not, templates are sent."""
    llm = conf.current().llm
    if not client.is_configured(llm):
        return ok("No language model is set up; texts come from templates.")
    circuit = LlmCircuit.objects.filter(pk=client.endpoint(llm), open_until__gt=now).first()
    if circuit is None or circuit.open_until is None:
        return ok("The language model is asked.")
    return degraded(
        f"The language model is not asked until {circuit.open_until:%H:%M %Z}, and templates are sent: "
        f"{circuit.last_error} {circuit.failures:,} failures in a row.",
        failures=circuit.failures,
    )


checkup.register("language model", language_model)
