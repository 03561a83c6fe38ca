"""A second provider, as one file: it can only look at single posts, and says so of all else."""

from typing import NoReturn

from socialmedia.providers import choosing
from socialmedia.providers.base import Metric, NotOffered, Person, Video


class Another:
    """A Provider."""

    name = "another"
    platform = "youtube"
    parser_version = 1

    def video(self, address: str) -> Video:
        return Video(
            external_post_id=address,
            author=Person(external_id="1", username="ada"),
            url=f"https://youtube.example/{address}",
            metrics={Metric.VIEWS: 5},
            caption="From another network",
        )

    def _not_offered(self, *_: object, **__: object) -> NoReturn:
        raise NotOffered("This provider only knows single posts.")

    comments = replies = profile = hashtag = search_people = search_videos = search_hashtags = _not_offered


choosing.register("another", Another)
