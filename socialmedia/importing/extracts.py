"""The provider's answers that MediaPoster's scripts wrote to files: `extracted_data/api_data_*.json` (ORIGINS 6.6)."""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from socialmedia.comments import storing as comments
from socialmedia.importing.reports import CannotTake, Report
from socialmedia.models import Account, Platform
from socialmedia.providers import reading
from socialmedia.providers.base import Metric, Person, Profile, Unreachable, Video
from socialmedia.tracking import storing

KIND = "extracted_data"
PROVIDER = "rapidapi"
_NAME = re.compile(r"api_data_(?P<id>.*)_(?P<at>\d{8}_\d{6})\.json")
Row = dict[str, Any]


def is_one(content: Mapping[str, Any]) -> bool:
    """Tell whether it looks like such a file."""
    return "video_info" in content


def is_list_of_endpoints(content: Mapping[str, Any]) -> bool:
    """Tell whether it is `api_endpoints_discovered.json`, which says nothing of any post."""
    return "working" in content and "failed" in content


def rows(content: Mapping[str, Any], *, name: str, zone: tzinfo, report: Report) -> dict[str, list[Row]]:
    """Return it as rows of MediaPoster's tables. Only the file's name says when it was. Raises CannotTake."""
    at = _captured_at(name, zone)
    try:
        video = reading.video(_data(content["video_info"]))
    except Unreachable:
        raise CannotTake("it holds no post: the provider had not answered with one") from None
    if not (video.author.username or video.author.external_id):
        raise CannotTake("it does not say whose post it is")
    profile = _profile(content, video.author)
    account = _account(video.author, profile, at)
    writer = Account(username=account["username"], external_id=account["external_id"])
    of_account = {f"account_{key}": account[key] for key in ("platform", "username", "external_id")}
    of_post = {"post_platform": Platform.TIKTOK.value, "post_external_post_id": video.external_post_id}
    return {
        "accounts": [account],
        "posts": [{**of_account, **_post(video, at)}],
        "snapshots": [{**of_post, **_snapshot(video, at)}],
        "comments": [{**of_post, **row} for row in _comments(content, writer, at, report)],
        "days": [{**of_account, **_day(profile, at)}] if profile else [],
    }


def _captured_at(name: str, zone: tzinfo) -> datetime:
    found = _NAME.fullmatch(name)
    try:
        at = datetime.strptime(found["at"] if found else "", "%Y%m%d_%H%M%S")  # noqa: DTZ007 - a file's name has no zone
    except ValueError:
        raise CannotTake(
            "its name does not say when it was written: it ends like _20251210_143000.json as MediaPoster names it"
        ) from None
    return at.replace(tzinfo=zone)


def _data(envelope: object) -> Any:
    """What the provider's envelope holds; the value itself where there is none around it."""
    return envelope["data"] if isinstance(envelope, Mapping) and "data" in envelope else envelope


def _profile(content: Mapping[str, Any], author: Person) -> Profile | None:
    """The author's profile, if the file has it."""
    try:
        profile = reading.profile(_data(content.get("user_info")))
    except Unreachable:
        return None
    same_id = profile.person.external_id and profile.person.external_id == author.external_id
    return profile if same_id or profile.person.username == author.username else None


def _account(author: Person, profile: Profile | None, at: datetime) -> Row:
    row: Row = {
        "platform": Platform.TIKTOK.value,
        "username": author.username or author.external_id,
        "external_id": author.external_id or None,
        "display_name": author.display_name,
        "profile_pic_url": author.avatar_url,
        "created_at": at,
    }
    if profile:
        row |= {
            "bio": profile.bio,
            "website_url": profile.website_url,
            "is_verified": profile.is_verified,
            "is_private": profile.is_private,
            "last_fetched_at": at,
        }
    return row


def _post(video: Video, at: datetime) -> Row:
    return {
        "platform": Platform.TIKTOK.value,
        "external_post_id": video.external_post_id,
        "post_url": video.url,
        "caption": video.caption,
        "media_type": video.media_type,
        "media_urls": list(video.media_urls),
        "thumbnail_url": video.thumbnail_url,
        "duration": video.duration,
        "posted_at": video.posted_at,
        "is_ad": video.is_ad,
        "is_pinned": video.is_pinned,
        "raw_data": dict(video.raw),
        "created_at": at,
    }


def _snapshot(video: Video, at: datetime) -> Row:
    known = video.metrics
    return {
        "captured_at": at,
        **{f"{metric}_count": count for metric, count in known.items()},
        "metric_states": {str(metric): "hidden" for metric in Metric if metric not in known},
        "engagement_rate": storing.engagement(known),
        "provider": PROVIDER,
        "parser_version": reading.VERSION,
        "raw_data": dict(video.raw),
    }


def _comments(content: Mapping[str, Any], author: Account, at: datetime, report: Report) -> list[Row]:
    listed = content.get("all_comments") or []
    if not isinstance(listed, list):
        raise CannotTake("its all_comments is not a list")
    found = []
    for number, raw in enumerate(listed, start=1):
        try:
            seen = reading.comment(raw)
        except Unreachable:
            report.of(KIND).changed["comment without an id left away"] += 1
            continue
        found.append(
            {
                **comments.row(seen, author),
                "id": number,
                "platform": Platform.TIKTOK.value,
                "created_at": at,
                "parser_version": reading.VERSION,
            }
        )
    return found


def _day(profile: Profile, at: datetime) -> Row:
    return {
        "snapshot_date": at.date(),
        "followers_count": profile.followers,
        "following_count": profile.following,
        "posts_count": profile.posts,
        "total_likes": profile.likes,
        "created_at": at,
        "raw_data": dict(profile.raw),
        "parser_version": reading.VERSION,
    }
