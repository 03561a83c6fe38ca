"""The Django-Q2 broker that wakes workers for due jobs."""

from django_q.brokers.orm import ORM


class JobBroker(ORM):
    """Being written."""
