"""What the follow-ups achieve: the figures of a day, rates of answers, best hours, comparisons, harm."""

from followups.analytics.days import keep, of_day

__all__ = ["keep", "of_day"]
