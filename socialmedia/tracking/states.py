"""What stands in the way of a post's tracking: it is not there, or not in a state for it."""

from socialmedia.models import Post, TrackingState

_WORDS = {
    TrackingState.UNTRACKED: "was never put under tracking",
    TrackingState.ACTIVE: "is tracked now",
    TrackingState.STOPPED: "was stopped",
    TrackingState.COMPLETE: "has had all its checks",
    TrackingState.UNAVAILABLE: "is not there any more",
}


class UnknownPost(LookupError):
    """There is no post with this id here."""

    def __init__(self, post_id: int) -> None:
        super().__init__(f"There is no post with the id {post_id}.")


class WrongState(Exception):
    """The post's tracking is not in a state for this; the message says in which it is, and what can be done."""


def locked(post_id: int) -> Post:
    """The post, locked until the transaction ends. Raises UnknownPost."""
    post = Post.objects.select_for_update(no_key=True).filter(pk=post_id).first()
    if post is None:
        raise UnknownPost(post_id)
    return post


def find(post_id: int) -> Post:
    """The post. Raises UnknownPost."""
    post = Post.objects.filter(pk=post_id).first()
    if post is None:
        raise UnknownPost(post_id)
    return post


def require(post: Post, *wanted: TrackingState, instead: str) -> None:
    """Raise WrongState unless the post is in one of these states; `instead` says what can be done."""
    if post.tracking_state not in wanted:
        state = _WORDS[TrackingState(post.tracking_state)]
        raise WrongState(f"Post {post.pk} {state}: {instead}")
