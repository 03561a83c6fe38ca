"""How a handler tells the engine what went wrong. Any other exception is transient: the job is tried again."""

from datetime import datetime, timedelta


class JobError(Exception):
    """Base of what a handler may raise to steer its job."""


class PermanentFailure(JobError):
    """Trying again cannot help: the job fails now, whatever retries it has left."""


class RateLimited(JobError):
    """The other side wants fewer requests: try again after `retry_after`. Counts as an attempt."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        if not isinstance(retry_after, timedelta):
            raise TypeError(f"retry_after is a timedelta, not {retry_after!r}.")
        self.retry_after = retry_after


class OutcomeUnknown(JobError):
    """The effect may or may not have happened: the job goes to `unknown`, for a person to settle."""


class Snooze(JobError):
    """Not now: the job goes back to pending, due at `until`. Costs no attempt."""

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        if until.tzinfo is None:
            raise ValueError("The time to wait for needs a time zone.")
        self.until = until
