"""What conversations give to the engine's own jobs."""

from jobs import figures
from socialmedia import analytics

figures.register("messages", analytics.of_day, keep=analytics.keep)
