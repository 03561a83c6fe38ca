"""The campaigns side by side: what is set for each, what it achieved, and what would have happened without it."""

from dataclasses import dataclass
from datetime import datetime

from followups import campaigns
from followups.analytics import experiments, rates
from followups.analytics.experiments import Lift
from followups.analytics.rates import By, Rate
from followups.models import Campaign
from jobs.figures import Span


@dataclass(frozen=True)
class Result:
    """One campaign."""

    campaign: Campaign
    rate: Rate
    lift: Lift | None
    """None where nobody is ever held out."""


def of_campaigns(over: Span, *, now: datetime) -> list[Result]:
    """Judge every campaign, in the triggers' order, in four queries however many there are."""
    found = {rate.key: rate for rate in rates.grouped(over, By.TRIGGER, now=now)}
    lifts = {lift.trigger: lift for lift in experiments.lifts(over, now=now)}
    return [
        Result(campaign, found.get(campaign.pk) or rates.nothing(campaign.pk), lifts.get(campaign.pk))
        for campaign in campaigns.current()
    ]
