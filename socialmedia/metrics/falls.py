"""Counters that were higher before. Pure."""

from collections.abc import Mapping

from socialmedia.providers.base import Metric


def fallen(counts: Mapping[str, int | None], latest: dict[str, int]) -> list[str]:
    """Return which counters of a snapshot (`views_count` ...) were higher when they were last known, and bring `latest`
    up to date. One that is hidden falls nowhere: it may have been known long ago.
    """
    found = []
    for metric in Metric:
        count = counts.get(f"{metric}_count")
        if count is not None:
            if count < latest.get(metric, count):
                found.append(str(metric))
            latest[metric] = count
    return found
