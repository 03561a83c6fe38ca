"""The settings of the follow-ups, read from Django's settings when they are asked for."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from followups.policy import Limits


@dataclass(frozen=True)
class LlmSettings:
    """The language model, if there is one."""

    base_url: str
    api_key: str
    model: str
    mode: str
    """off, draft or automatic; off without an address."""
    timeout: timedelta
    draft_wait: timedelta


@dataclass(frozen=True)
class FollowUpSettings:
    """What operators can choose. `.env.example` says what each one means."""

    enabled: bool
    scheduler_enabled: bool
    timezone: str
    default_delay: timedelta
    event_delay: timedelta
    inactive_after: timedelta
    max_per_week: int
    min_between: timedelta
    quiet_start: int
    quiet_end: int
    jitter: timedelta
    send_days: frozenset[int]
    """0 Monday to 6 Sunday, of the member's week."""
    grace: timedelta
    same_event: timedelta
    personal_rhythm: bool
    holdout_percent: int
    cool_off: timedelta
    """Between two re-engagements of one member."""
    language: str
    llm: LlmSettings
    response_window: timedelta
    keep_decisions: timedelta

    @property
    def zone(self) -> ZoneInfo:
        """The community's zone; the system check has refused an unknown one."""
        return ZoneInfo(self.timezone)

    def limits(self) -> Limits:
        """The part of the settings that the policy judges by."""
        return Limits(
            enabled=self.enabled,
            inactivity_window=self.default_delay,
            re_engagement_window=self.inactive_after,
            min_between=self.min_between,
            max_per_week=self.max_per_week,
            quiet_start=self.quiet_start,
            quiet_end=self.quiet_end,
            jitter=self.jitter,
            send_days=self.send_days,
            grace=self.grace,
            timezone=self.timezone,
        )


def current() -> FollowUpSettings:
    """Return the settings as they are now."""
    return of(settings)


def of(source: Any) -> FollowUpSettings:
    """Return the settings that `source` has as attributes, under the names of the environment."""
    return FollowUpSettings(
        enabled=source.FOLLOW_UP_ENABLED,
        scheduler_enabled=source.SCHEDULER_ENABLED,
        timezone=source.SCHEDULER_TIMEZONE,
        default_delay=timedelta(hours=source.FOLLOW_UP_DEFAULT_DELAY_HOURS),
        event_delay=timedelta(hours=source.FOLLOWUP_DELAY_HOURS),
        inactive_after=timedelta(days=source.REENGAGEMENT_INACTIVE_DAYS),
        max_per_week=source.FOLLOW_UP_MAX_PER_USER_PER_WEEK,
        min_between=timedelta(hours=source.FOLLOW_UP_MIN_HOURS_BETWEEN),
        quiet_start=source.FOLLOW_UP_QUIET_HOURS_START,
        quiet_end=source.FOLLOW_UP_QUIET_HOURS_END,
        jitter=timedelta(minutes=source.FOLLOW_UP_JITTER_MINUTES),
        send_days=source.FOLLOW_UP_SEND_DAYS,
        grace=timedelta(hours=source.FOLLOW_UP_GRACE_HOURS),
        same_event=timedelta(hours=source.FOLLOW_UP_SAME_EVENT_HOURS),
        personal_rhythm=source.FOLLOW_UP_PERSONAL_RHYTHM,
        holdout_percent=source.FOLLOW_UP_HOLDOUT_PERCENT,
        cool_off=timedelta(days=source.REENGAGEMENT_COOL_OFF_DAYS),
        language=source.FOLLOW_UP_LANGUAGE,
        llm=LlmSettings(
            base_url=source.LLM_BASE_URL,
            api_key=source.LLM_API_KEY,
            model=source.LLM_MODEL,
            mode=source.LLM_MODE if source.LLM_BASE_URL else "off",
            timeout=timedelta(seconds=source.LLM_TIMEOUT_SECONDS),
            draft_wait=timedelta(hours=source.LLM_DRAFT_WAIT_HOURS),
        ),
        response_window=timedelta(hours=source.FOLLOW_UP_RESPONSE_WINDOW_HOURS),
        keep_decisions=timedelta(days=source.DECISION_KEEP_DAYS),
    )
