"""Django settings. Values come from `config.env`; what each means is in `.env.example`."""

import warnings
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

from config import env
from config.embedded_postgres import server
from config.logging import configuration as logging_configuration

BASE_DIR = env.BASE_DIR
DATA_DIR: Path = env.data_dir()

DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.secret_key(DATA_DIR)
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
# A proxy that ends TLS says so in this header; cookies then never travel in the clear.
BEHIND_TLS_PROXY = env.boolean("BEHIND_TLS_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS_PROXY
WEB_PORT = env.whole("WEB_PORT", 8000, low=1, high=65535)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_q",
    "config",
    "bots",
    "followups",
    "socialmedia",
    "jobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": env.database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Per process and never shared: nothing may rely on it across processes.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("admin:login")
# After a log-in that began at the log-in page itself.
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
# Serves straight from the apps, so that a trial needs no collectstatic.
WHITENOISE_USE_FINDERS = True
warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)

LOGGING_CONFIG = None
logging_configuration(json=env.boolean("LOG_JSON", False), level=env.text("LOG_LEVEL", "INFO").upper())

# --- The engine (jobs/conf.py) ---
JOB_SCHEDULER_ENABLED = env.boolean("JOB_SCHEDULER_ENABLED", True)
JOB_SCHEDULER_CHECK_INTERVAL_SECONDS = env.whole("JOB_SCHEDULER_CHECK_INTERVAL_SECONDS", 30, low=1, high=3600)
JOB_LEASE_SECONDS = env.whole("JOB_LEASE_SECONDS", 30, low=5, high=3600)
JOB_WATCHDOG_SECONDS = env.whole("JOB_WATCHDOG_SECONDS", 180, low=5, high=86400)
JOB_KEEP_DAYS = env.whole("JOB_KEEP_DAYS", 30, low=1, high=36500)
JOB_HISTORY_KEEP_DAYS = env.whole("JOB_HISTORY_KEEP_DAYS", 90, low=1, high=36500)
BACKUP_DIR = env.backup_dir(DATA_DIR)
TEMP_DIRS = env.temp_folders(env.listing("TEMP_DIRS"), spare=[DATA_DIR, BACKUP_DIR, server.locate(DATA_DIR).root])
BACKUP_KEEP_DAYS = env.whole("BACKUP_KEEP_DAYS", 14, low=1, high=3650)
BACKUP_MAX_AGE_HOURS = env.whole("BACKUP_MAX_AGE_HOURS", 26, low=0, high=87600)
PG_BIN_DIR = env.postgres_programs(DATABASES["default"])

Q_CLUSTER: dict[str, Any] = {
    "name": "checkback",
    "broker_class": "jobs.broker.JobBroker",
    "orm": "default",
    "workers": env.whole("JOB_WORKERS", 2, low=1, high=64),
    "recycle": 500,
    "timeout": 120,  # of Django-Q2's own tasks; JOB_WATCHDOG_SECONDS should be longer
    "retry": 180,  # must exceed the time-out
    "max_attempts": 3,
    "save_limit": 0,  # a positive limit makes Django-Q2 read every kept row for each finished task
    "catch_up": False,
    "poll": 0,  # the broker does the waiting
    "time_zone": "UTC",
    "label": "Django-Q2",
}

# --- Conversations (socialmedia/conf.py) ---
CONVERSATION_KEEP_DAYS = env.whole("CONVERSATION_KEEP_DAYS", 365, low=1, high=36500)

# --- Posts (socialmedia/conf.py) ---
TIKTOK_PROVIDER = env.text("TIKTOK_PROVIDER", "rapidapi")
RAPIDAPI_KEY = env.text("RAPIDAPI_KEY")
RAPIDAPI_HOST = env.text("RAPIDAPI_HOST", "tiktok-scraper7.p.rapidapi.com")
TIKTOK_API_URL = env.address("TIKTOK_API_URL") or f"https://{RAPIDAPI_HOST}"
TIKTOK_TIMEOUT_SECONDS = env.whole("TIKTOK_TIMEOUT_SECONDS", 15, low=1, high=120)
TIKTOK_REQUESTS_PER_SECOND = env.whole("TIKTOK_REQUESTS_PER_SECOND", 1, low=1, high=1000)
TIKTOK_REQUESTS_PER_DAY = env.whole("TIKTOK_REQUESTS_PER_DAY", 800, low=0, high=10_000_000)
CHECKBACK_BASE = env.choice("CHECKBACK_BASE", "tracking_start", ["tracking_start", "posting"])
CHECKBACK_ALERT_RATIO = env.whole("CHECKBACK_ALERT_RATIO", 3, low=2, high=1000)
RAW_PAYLOAD_KEEP_DAYS = env.whole("RAW_PAYLOAD_KEEP_DAYS", 90, low=1, high=36500)
API_USAGE_KEEP_DAYS = env.whole("API_USAGE_KEEP_DAYS", 90, low=2, high=36500)

# --- Follow-ups (followups/conf.py) ---
FOLLOW_UP_ENABLED = env.boolean("FOLLOW_UP_ENABLED", True)
SCHEDULER_ENABLED = env.boolean("SCHEDULER_ENABLED", True)
SCHEDULER_TIMEZONE = env.text("SCHEDULER_TIMEZONE", "UTC")
FOLLOW_UP_DEFAULT_DELAY_HOURS = env.whole("FOLLOW_UP_DEFAULT_DELAY_HOURS", 48, low=1, high=8760)
FOLLOWUP_DELAY_HOURS = env.whole("FOLLOWUP_DELAY_HOURS", 24, low=1, high=8760)
REENGAGEMENT_INACTIVE_DAYS = env.whole("REENGAGEMENT_INACTIVE_DAYS", 30, low=1, high=3650)
FOLLOW_UP_MAX_PER_USER_PER_WEEK = env.whole("FOLLOW_UP_MAX_PER_USER_PER_WEEK", 2, low=0, high=100)
FOLLOW_UP_MIN_HOURS_BETWEEN = env.whole("FOLLOW_UP_MIN_HOURS_BETWEEN", 24, low=0, high=8760)
FOLLOW_UP_QUIET_HOURS_START = env.whole("FOLLOW_UP_QUIET_HOURS_START", 21, low=0, high=23)
FOLLOW_UP_QUIET_HOURS_END = env.whole("FOLLOW_UP_QUIET_HOURS_END", 9, low=0, high=23)
FOLLOW_UP_RESPONSE_WINDOW_HOURS = env.whole("FOLLOW_UP_RESPONSE_WINDOW_HOURS", 168, low=1, high=8760)
FOLLOW_UP_JITTER_MINUTES = env.whole("FOLLOW_UP_JITTER_MINUTES", 30, low=0, high=240)
FOLLOW_UP_SEND_DAYS = env.weekdays("FOLLOW_UP_SEND_DAYS")
FOLLOW_UP_GRACE_HOURS = env.whole("FOLLOW_UP_GRACE_HOURS", 72, low=1, high=8760)
FOLLOW_UP_SAME_EVENT_HOURS = env.whole("FOLLOW_UP_SAME_EVENT_HOURS", 24, low=0, high=720)
FOLLOW_UP_PERSONAL_RHYTHM = env.boolean("FOLLOW_UP_PERSONAL_RHYTHM", True)
FOLLOW_UP_HOLDOUT_PERCENT = env.whole("FOLLOW_UP_HOLDOUT_PERCENT", 0, low=0, high=50)
REENGAGEMENT_COOL_OFF_DAYS = env.whole("REENGAGEMENT_COOL_OFF_DAYS", 90, low=1, high=3650)
FOLLOW_UP_LANGUAGE = env.text("FOLLOW_UP_LANGUAGE", "en").lower()
LLM_BASE_URL = env.text("LLM_BASE_URL")
LLM_API_KEY = env.text("LLM_API_KEY")
LLM_MODEL = env.text("LLM_MODEL")
LLM_MODE = env.choice("LLM_MODE", "draft", ["off", "draft", "automatic"])
LLM_TIMEOUT_SECONDS = env.whole("LLM_TIMEOUT_SECONDS", 20, low=1, high=120)
LLM_DRAFT_WAIT_HOURS = env.whole("LLM_DRAFT_WAIT_HOURS", 24, low=1, high=168)
DECISION_KEEP_DAYS = env.whole("DECISION_KEEP_DAYS", 365, low=1, high=36500)

# --- Discord (bots/conf.py) ---
DISCORD_BOT_TOKEN = env.text("DISCORD_BOT_TOKEN")
DISCORD_API_URL = env.text("DISCORD_API_URL")
DISCORD_GATEWAY_URL = env.text("DISCORD_GATEWAY_URL")
DISCORD_COMMAND_PREFIX = env.text("DISCORD_COMMAND_PREFIX", "!")
DISCORD_REQUESTS_PER_SECOND = env.whole("DISCORD_REQUESTS_PER_SECOND", 45, low=1, high=50)
DISCORD_DM_OPENS_PER_HOUR = env.whole("DISCORD_DM_OPENS_PER_HOUR", 10, low=0, high=1000)
DISCORD_DM_OPENS_PER_DAY = env.whole("DISCORD_DM_OPENS_PER_DAY", 40, low=0, high=10_000)
DISCORD_KEEP_CHANNEL_TEXTS = env.boolean("DISCORD_KEEP_CHANNEL_TEXTS", False)
DISCORD_COMMAND_GUILDS = env.identifiers("DISCORD_COMMAND_GUILDS")
DISCORD_STAFF_USERS = env.identifiers("DISCORD_STAFF_USERS")
DISCORD_STAFF_ROLES = env.identifiers("DISCORD_STAFF_ROLES")
DISCORD_STAFF_CHANNEL = env.identifier("DISCORD_STAFF_CHANNEL")
DISCORD_STAFF_THREADS = env.boolean("DISCORD_STAFF_THREADS", False)
CONSOLE_URL = env.address("CONSOLE_URL") or f"http://127.0.0.1:{WEB_PORT}"
PRACTICE_DISCORD_PORT = env.whole("PRACTICE_DISCORD_PORT", 8009, low=1, high=65535)

# --- REST API ---
KNOX_TOKEN_MODEL = "config.ApiToken"
# Its migrations would make a table for the token model that ours replaces, which nothing then owns or empties.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Bearer", "TOKEN_PREFIX": "cb_"}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["config.api.permissions.HasScope"],
    "DEFAULT_PAGINATION_CLASS": "config.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_standardized_errors.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.JSONBodyParser"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "config.api.errors.Handler",
    "ALLOWED_ERROR_STATUS_CODES": ["400", "401", "403", "404", "405", "406", "415", "500"],
}
# Also the limit of a REST request's body.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
SPECTACULAR_SETTINGS = {
    "TITLE": "Checkback API",
    "DESCRIPTION": "Jobs, follow-ups and consent. Send `Authorization: Bearer <key>`; keys are made in the console.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"defaultModelsExpandDepth": -1, "persistAuthorization": True},
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["drf_standardized_errors.openapi_hooks.postprocess_schema_enums"],
    "ENUM_NAME_OVERRIDES": {
        "ValidationErrorEnum": "drf_standardized_errors.openapi_serializers.ValidationErrorEnum.choices",
        "ClientErrorEnum": "drf_standardized_errors.openapi_serializers.ClientErrorEnum.choices",
        "ServerErrorEnum": "drf_standardized_errors.openapi_serializers.ServerErrorEnum.choices",
        "ErrorCode401Enum": "drf_standardized_errors.openapi_serializers.ErrorCode401Enum.choices",
        "ErrorCode403Enum": "drf_standardized_errors.openapi_serializers.ErrorCode403Enum.choices",
        "ErrorCode404Enum": "drf_standardized_errors.openapi_serializers.ErrorCode404Enum.choices",
        "ErrorCode405Enum": "drf_standardized_errors.openapi_serializers.ErrorCode405Enum.choices",
        "ErrorCode406Enum": "drf_standardized_errors.openapi_serializers.ErrorCode406Enum.choices",
        "ErrorCode415Enum": "drf_standardized_errors.openapi_serializers.ErrorCode415Enum.choices",
        "ErrorCode500Enum": "drf_standardized_errors.openapi_serializers.ErrorCode500Enum.choices",
        "JobStatusEnum": "jobs.models.JobStatus.choices",
        "HealthStatusEnum": "jobs.models.HealthStatus.choices",
        "FollowUpStatusEnum": "followups.models.FollowUpStatus.choices",
        "TriggerEnum": "followups.models.Trigger.choices",
        "ConsentStateEnum": "followups.models.ConsentState.choices",
        "TopicEnum": "followups.models.Topic.choices",
        "BookingStatusEnum": "followups.models.BookingStatus.choices",
    },
}


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    """One line of the console's sidebar, for those who may see its rows."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Checkback",
    "SITE_HEADER": "Checkback",
    "SITE_SYMBOL": "forum",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "config.dashboard.environment",
    "DASHBOARD_CALLBACK": "config.dashboard.fill",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/icon.svg")},
    ],
    "COLORS": {
        # The practice chat's green, from light to dark.
        "primary": {
            "50": "#effaf6",
            "100": "#d7f2e7",
            "200": "#b1e5d2",
            "300": "#7ed1b7",
            "400": "#49b698",
            "500": "#25997d",
            "600": "#0b6b57",
            "700": "#0c5748",
            "800": "#0d463b",
            "900": "#0c3a32",
            "950": "#05211d",
        },
    },
    "STYLES": [lambda request: static("console/console.css")],
    "SIDEBAR": {
        "navigation": [
            {
                "items": [{"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}],
            },
            {
                "title": "People",
                "items": [
                    _item("Members", "group", "followups.userprofile"),
                    _item("Flags", "flag", "followups.staffflag"),
                    {
                        **_item("Follow-ups", "event_upcoming", "followups.followup"),
                        # The forecast's page lies below it, and has its own line.
                        "active": lambda request: (
                            request.path.startswith(reverse("admin:followups_followup_changelist"))
                            and request.path != reverse("admin:followups_forecast")
                        ),
                    },
                    {
                        "title": "Forecast",
                        "icon": "calendar_month",
                        "link": reverse_lazy("admin:followups_forecast"),
                        "permission": lambda request: request.user.has_perm("followups.view_followup"),
                    },
                    _item("Events", "celebration", "followups.booking"),
                    _item("Drafts", "edit_note", "followups.draft"),
                    _item("Sent", "mark_email_read", "followups.followuphistory"),
                    _item("Templates", "article", "socialmedia.messagetemplate"),
                    {
                        **_item("Campaigns", "campaign", "followups.campaign"),
                        # The page of results lies below it, and has its own line.
                        "active": lambda request: (
                            request.path.startswith(reverse("admin:followups_campaign_changelist"))
                            and request.path != reverse("admin:followups_campaign_results")
                        ),
                    },
                    {
                        "title": "Results",
                        "icon": "query_stats",
                        "link": reverse_lazy("admin:followups_campaign_results"),
                        "permission": lambda request: request.user.has_perm("followups.view_followuphistory"),
                    },
                    _item("Decisions", "rule", "followups.policydecision"),
                    _item("Consent receipts", "verified_user", "followups.consentreceipt"),
                    _item("Erasures", "person_off", "followups.erasurereceipt"),
                ],
            },
            {
                "title": "Conversations",
                "items": [
                    _item("Inbox", "inbox", "socialmedia.conversation"),
                    _item("Messages", "chat", "socialmedia.message"),
                    _item("Accounts", "badge", "socialmedia.account"),
                    {
                        **_item("Actions", "touch_app", "socialmedia.automationaction"),
                        # The page of limits lies below it, and has its own line.
                        "active": lambda request: (
                            request.path.startswith(reverse("admin:socialmedia_automationaction_changelist"))
                            and request.path != reverse("admin:socialmedia_limits")
                        ),
                    },
                    {
                        "title": "Limits",
                        "icon": "speed",
                        "link": reverse_lazy("admin:socialmedia_limits"),
                        "permission": lambda request: request.user.has_perm("socialmedia.view_automationaction"),
                    },
                    _item("Discord", "smart_toy", "bots.botcontrol"),
                    _item("Channels", "tag", "socialmedia.channel"),
                    _item("Chat imports", "upload_file", "socialmedia.chatimport"),
                ],
            },
            {
                "title": "Posts",
                "items": [
                    {
                        **_item("Posts", "smart_display", "socialmedia.post"),
                        # The page of comparisons lies below it, and has its own line.
                        "active": lambda request: (
                            request.path.startswith(reverse("admin:socialmedia_post_changelist"))
                            and request.path != reverse("admin:socialmedia_post_compare")
                        ),
                    },
                    {
                        "title": "Compare",
                        "icon": "stacked_line_chart",
                        "link": reverse_lazy("admin:socialmedia_post_compare"),
                        "permission": lambda request: request.user.has_perm("socialmedia.view_post"),
                    },
                    _item("Alerts", "trending_up", "socialmedia.postalert"),
                    _item("Comments", "comment", "socialmedia.comment"),
                    _item("Hashtags", "numbers", "socialmedia.hashtag"),
                    _item("Searches", "search", "socialmedia.searchrun"),
                    _item("Providers", "cloud", "socialmedia.providerbudget"),
                    _item("Provider calls", "swap_vert", "socialmedia.apiusage"),
                ],
            },
            {
                "title": "Jobs",
                "items": [
                    _item("Jobs", "schedule", "jobs.scheduledjob"),
                    _item("Attempts", "history", "jobs.jobexecution"),
                    _item("Recurring work", "event_repeat", "jobs.recurringschedule"),
                    _item("Pauses", "pause_circle", "jobs.jobpause"),
                    _item("Clusters", "dns", "jobs.clusterheartbeat"),
                    _item("Health", "monitor_heart", "jobs.healthresult"),
                ],
            },
            {
                "title": "Settings",
                "items": [
                    _item("Limits and plans", "tune", "socialmedia.systemsetting"),
                    _item("API keys", "key", "config.apitoken"),
                    _item("Users", "person", "auth.user"),
                    _item("Groups", "shield_person", "auth.group"),
                    {
                        "title": "Django-Q2",
                        "icon": "memory",
                        "link": reverse_lazy("admin:app_list", kwargs={"app_label": "django_q"}),
                        "permission": lambda request: request.user.has_perm("django_q.view_ormq"),
                    },
                ],
            },
        ],
    },
}
