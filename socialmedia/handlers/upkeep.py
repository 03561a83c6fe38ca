"""What conversations and posts give to the engine's own jobs: figures and clean-ups."""

from jobs import cleanup, figures
from jobs.pruning import Rows
from socialmedia import analytics, retention

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
