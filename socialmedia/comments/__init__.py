"""Comments below posts: fetched page by page, stored once each, brought up to date when they are seen again."""

from socialmedia.comments.fetching import JOB_TYPE, MOST, Fetched, PostComments, fetch, order
from socialmedia.comments.storing import NoSuchPost, Stored, store

__all__ = ["JOB_TYPE", "MOST", "Fetched", "NoSuchPost", "PostComments", "Stored", "fetch", "order", "store"]
