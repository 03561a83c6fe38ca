"""Searches of people, videos and hashtags on a network, kept with what they found."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from urllib.parse import quote

from django.db import transaction

from socialmedia import actions
from socialmedia.models import Account, ActionType, AutomationAction, SearchKind, SearchResult, SearchRun, SearchStatus
from socialmedia.providers import choosing, fields
from socialmedia.providers.base import HashtagSeen, Metric, Profile, Provider, ProviderError, Video

MOST: Final = 50
DEFAULT_COUNT: Final = {SearchKind.USER: 20, SearchKind.VIDEO: 20, SearchKind.HASHTAG: 10}
LONGEST: Final = 255
_LONGEST_TEXT: Final = 10_000
OVERDUE: Final = timedelta(minutes=10)
"""A search that still runs after this was cut off: no answer takes so long."""
_SIGN: Final = {SearchKind.USER: "@", SearchKind.VIDEO: "", SearchKind.HASHTAG: "#＃"}
_TARGET: Final = {SearchKind.USER: "user", SearchKind.VIDEO: "video", SearchKind.HASHTAG: "hashtag"}


class BadSearch(ValueError):
    """Nobody can be asked this; the message says why. Nothing was stored."""


def search(
    kind: str,
    words: str,
    *,
    count: int | None = None,
    account: Account | None = None,
    by: str,
    patience: timedelta,
    now: datetime,
) -> SearchRun:
    """Search, and return the stored run with its results. One that failed says so in its status and its reason.

    `count` is 20 people, 20 videos or 10 hashtags unless given. With an account of ours it is an action in its name.

    Raises:
        BadSearch: these words, this number or this account cannot be asked with.
        NotConfigured: there is nobody to ask.
        LimitReached: the account has searched as often as it may. Nobody was asked.
        BrokenSetting: nobody knows how often it may.
    """
    chosen, words, count = _checked(kind, words, count)
    _check_account(account)
    provider = choosing.find(patience=patience)
    if account and account.platform != provider.platform:
        raise BadSearch(f"{account} is on another network than the one that is searched: choose another, or none.")
    action = _begin(account, chosen, words, now=now) if account else None
    run = SearchRun.objects.create(
        platform=provider.platform,
        kind=chosen,
        query=words,
        provider=provider.name,
        account=account,
        asked_by=_text(by, 150),
        created_at=now,
    )
    begun = monotonic()
    try:
        found = _ask(provider, chosen, words, count)
    except ProviderError as error:
        _fail(run, action, error, now=_after(now, begun))
    else:
        _keep(run, found[:count], now=_after(now, begun))
        if action:
            actions.finish(action, success=True, now=_after(now, begun))
    return run


def _after(now: datetime, begun: float) -> datetime:
    """What `now` has become since."""
    return now + timedelta(seconds=monotonic() - begun)


def _checked(kind: str, words: str, count: int | None) -> tuple[SearchKind, str, int]:
    if kind not in SearchKind.values:
        raise BadSearch(f"{kind!r} cannot be searched for; choose one of {', '.join(SearchKind.values)}.")
    chosen = SearchKind(kind)
    words = " ".join(words.split()).lstrip(_SIGN[chosen]).strip()
    if not words:
        raise BadSearch("Say what to search for.")
    if len(words) > LONGEST:
        raise BadSearch(f"A search has at most {LONGEST} characters, not {len(words):,}.")
    if _text(words) != words:
        raise BadSearch("The words hold signs that are none, such as NUL.")
    count = DEFAULT_COUNT[chosen] if count is None else count
    if not 1 <= count <= MOST:
        raise BadSearch(f"A search brings 1 to {MOST} results, not {count}.")
    return chosen, words, count


def _check_account(account: Account | None) -> None:
    if account and not (account.is_own and account.is_active):
        raise BadSearch(f"{account} is not one of our accounts in use: choose another, or none.")


def _begin(account: Account, kind: SearchKind, words: str, *, now: datetime) -> AutomationAction:
    return actions.begin(
        account=account, action_type=ActionType.SEARCH, target_type=_TARGET[kind], content_text=words, now=now
    )


def _ask(provider: Provider, kind: SearchKind, words: str, count: int) -> Sequence[SearchResult]:
    if kind == SearchKind.USER:
        return [_person(found) for found in provider.search_people(words, count=count)]
    if kind == SearchKind.VIDEO:
        return [_video(found) for found in provider.search_videos(words, count=count)]
    return [_hashtag(found) for found in provider.search_hashtags(words, count=count)]


@transaction.atomic
def _keep(run: SearchRun, found: Sequence[SearchResult], *, now: datetime) -> None:
    for place, result in enumerate(found, 1):
        result.search, result.position = run, place
    SearchResult.objects.bulk_create(found)
    run.status, run.results_count, run.finished_at = SearchStatus.DONE, len(found), now
    run.save(update_fields=["status", "results_count", "finished_at"])


def _fail(run: SearchRun, action: AutomationAction | None, error: ProviderError, *, now: datetime) -> None:
    run.status, run.error_message, run.finished_at = SearchStatus.FAILED, _text(str(error), 1_000), now
    run.save(update_fields=["status", "error_message", "finished_at"])
    if action:
        actions.finish(action, success=False, error_code=error.code, error_message=run.error_message, now=now)


def _text(value: str, longest: int = _LONGEST_TEXT) -> str:
    return str(fields.storable(value[:longest]))


def _person(found: Profile) -> SearchResult:
    name = _text(found.person.username, 255)
    return SearchResult(
        external_id=_text(found.person.external_id, 255),
        username=name,
        title=_text(found.person.display_name),
        subtitle=_text(found.bio),
        url=f"https://www.tiktok.com/@{quote(name)}" if name else "",
        is_verified=found.is_verified,
        followers_count=fields.count(found.followers),
        likes_count=fields.count(found.likes),
        posts_count=fields.count(found.posts),
        raw_data=fields.storable(found.raw),
    )


def _video(found: Video) -> SearchResult:
    return SearchResult(
        external_id=_text(found.external_post_id, 255),
        username=_text(found.author.username, 255),
        title=_text(found.caption),
        subtitle=_text(found.author.display_name),
        url=_text(found.url),
        views_count=fields.count(found.metrics.get(Metric.VIEWS)),
        likes_count=fields.count(found.metrics.get(Metric.LIKES)),
        raw_data=fields.storable(found.raw),
    )


def _hashtag(found: HashtagSeen) -> SearchResult:
    name = _text(found.name, 255)
    return SearchResult(
        title=f"#{name}",
        url=f"https://www.tiktok.com/tag/{quote(name)}",
        views_count=fields.count(found.views),
        posts_count=fields.count(found.posts),
        raw_data=fields.storable(found.raw),
    )
