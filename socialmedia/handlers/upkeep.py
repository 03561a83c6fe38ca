"""What conversations and posts give to the engine's own jobs: figures and clean-ups."""

from jobs import cleanup, figures
from jobs.pruning import Contents, Rows
from socialmedia import analytics, conf, retention

figures.register("messages", analytics.of_day, keep=analytics.keep)
figures.register("posts", analytics.posts_of_day, keep=analytics.keep_posts)
cleanup.register(
    "openings",
    Rows(
        "openings",
        lambda: retention.KEEP_OPENINGS,
        retention.old_openings,
        by="created_at",
        among=retention.openings,
    ),
    at_least=retention.KEEP_OPENINGS_AT_LEAST,
)
cleanup.register(
    "old_conversations",
    Rows("staff_replies", lambda: conf.current().keep_messages, retention.old_replies, by="updated_at"),
)
cleanup.register(
    "old_conversations",
    Contents(
        "action_words",
        lambda: conf.current().keep_messages,
        retention.action_words,
        by="created_at",
        empty={"content_text": ""},
    ),
)
cleanup.register(
    "api_usage",
    Rows("api_usage", lambda: conf.tracking().keep_usage, retention.old_usage, by="requested_at"),
)
for contents in retention.payloads():
    cleanup.register("raw_payloads", contents)
