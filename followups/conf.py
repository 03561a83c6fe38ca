"""The settings of the follow-ups, read from Django's settings when they are asked for."""

from dataclasses import dataclass
from datetime import timedelta
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
    return FollowUpSettings(
        enabled=settings.FOLLOW_UP_ENABLED,
        scheduler_enabled=settings.SCHEDULER_ENABLED,
        timezone=settings.SCHEDULER_TIMEZONE,
        default_delay=timedelta(hours=settings.FOLLOW_UP_DEFAULT_DELAY_HOURS),
        event_delay=timedelta(hours=settings.FOLLOWUP_DELAY_HOURS),
        inactive_after=timedelta(days=settings.REENGAGEMENT_INACTIVE_DAYS),
        max_per_week=settings.FOLLOW_UP_MAX_PER_USER_PER_WEEK,
        min_between=timedelta(hours=settings.FOLLOW_UP_MIN_HOURS_BETWEEN),
        quiet_start=settings.FOLLOW_UP_QUIET_HOURS_START,
        quiet_end=settings.FOLLOW_UP_QUIET_HOURS_END,
        jitter=timedelta(minutes=settings.FOLLOW_UP_JITTER_MINUTES),
        send_days=settings.FOLLOW_UP_SEND_DAYS,
        grace=timedelta(hours=settings.FOLLOW_UP_GRACE_HOURS),
        same_event=timedelta(hours=settings.FOLLOW_UP_SAME_EVENT_HOURS),
        personal_rhythm=settings.FOLLOW_UP_PERSONAL_RHYTHM,
        holdout_percent=settings.FOLLOW_UP_HOLDOUT_PERCENT,
        cool_off=timedelta(days=settings.REENGAGEMENT_COOL_OFF_DAYS),
        language=settings.FOLLOW_UP_LANGUAGE,
        llm=LlmSettings(
            base_url=settings.LLM_BASE_URL,
            api_key=settings.LLM_API_KEY,
            model=settings.LLM_MODEL,
            mode=settings.LLM_MODE if settings.LLM_BASE_URL else "off",
            timeout=timedelta(seconds=settings.LLM_TIMEOUT_SECONDS),
            draft_wait=timedelta(hours=settings.LLM_DRAFT_WAIT_HOURS),
        ),
        response_window=timedelta(hours=settings.FOLLOW_UP_RESPONSE_WINDOW_HOURS),
        keep_decisions=timedelta(days=settings.DECISION_KEEP_DAYS),
    )
