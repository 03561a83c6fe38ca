"""What the TikTok provider's answers hold: invented posts, comments and people in its shapes (ORIGINS 6)."""

from typing import Any

POSTED = 1_770_000_000
"""When the normal video was published: 2026-02-02 02:40 UTC."""
VIDEO_ID = "7312345678901234567"
ADA = {
    "id": "6812345678901234567",
    "unique_id": "ada.makes",
    "nickname": "Ada makes things",
    "avatar": "https://p16.example/ada.jpeg",
}
BEN = {"id": "6899999999999999999", "unique_id": "ben_cooks", "nickname": "Ben", "avatar": "https://p16.example/b.jpeg"}


def address(video_id: str = VIDEO_ID, username: str = "ada.makes", kind: str = "video") -> str:
    """The canonical address of a post."""
    return f"https://www.tiktok.com/@{username}/{kind}/{video_id}"


def normal_video(video_id: str = VIDEO_ID, **changes: Any) -> dict[str, Any]:
    """A video with every field. A change to None stays in the answer as null; `without` leaves fields out."""
    video: dict[str, Any] = {
        "id": video_id,
        "region": "DE",
        "title": "A lamp from a jar #diy #Lamp @ben_cooks",
        "cover": "https://p16.example/cover.jpeg",
        "origin_cover": "https://p16.example/origin.jpeg",
        "ai_dynamic_cover": "https://p16.example/dynamic.webp",
        "duration": 31,
        "play": "https://v16.example/play.mp4",
        "wmplay": "https://v16.example/wmplay.mp4",
        "size": 1_234_567,
        "wm_size": 2_345_678,
        "hd_size": None,
        "music": "https://m16.example/sound.mp3",
        "music_info": {"id": "1", "title": "original sound", "author": "Ada", "original": True, "duration": 31},
        "play_count": 15_200,
        "digg_count": 1_204,
        "comment_count": 48,
        "share_count": 31,
        "download_count": 3,
        "collect_count": 77,
        "create_time": POSTED,
        "anchors": None,
        "anchors_extras": "",
        "is_ad": False,
        "commerce_info": {"adv_promotable": False, "auction_ad_invited": False, "branded_content_type": 0},
        "commercial_video_info": "",
        "mentioned_users": "",
        "item_comment_settings": 0,
        "author": dict(ADA),
    }
    return {**video, **changes}


def without(shape: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same shape with some fields left out, as in older answers."""
    return {name: value for name, value in shape.items() if name not in names}


def viral_video(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Counts that no 32-bit column holds."""
    return normal_video(video_id, play_count=3_512_345_678, digg_count=2_200_000_000, title="Everybody saw this")


def unseen_video(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Nobody has seen it yet: its zeros are real."""
    names = ("play_count", "digg_count", "comment_count", "share_count", "download_count", "collect_count")
    return normal_video(video_id, **dict.fromkeys(names, 0))


def hiding_video(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Shares and saves are not in the answer."""
    return without(normal_video(video_id), "share_count", "download_count", "collect_count")


def untitled_video(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Nothing is written below it."""
    return normal_video(video_id, title="")


def photo_post(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Three pictures and a sound."""
    pictures = [f"https://p16.example/{number}.jpeg" for number in (1, 2, 3)]
    return normal_video(video_id, duration=0, images=pictures, play="https://m16.example/sound.mp3")


def strange_words_video(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Emoji, right-to-left script, and what no column of text can hold."""
    return normal_video(video_id, title="\N{JAR} שלום עולם #שלום 👩‍👩‍👧 \x00 \ud83d end")


def nameless_video(video_id: str = VIDEO_ID) -> dict[str, Any]:
    """Its author has an id, but neither handle nor name."""
    return normal_video(video_id, author={"id": "6800000000000000001", "unique_id": "", "nickname": None})


def in_list(video: dict[str, Any]) -> dict[str, Any]:
    """A video as lists have it: its id under other names, and whether it is pinned."""
    return {**without(video, "id"), "video_id": video["id"], "aweme_id": video["id"], "is_top": 0}


def comment(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One comment below the normal video."""
    shape: dict[str, Any] = {
        "id": f"74{number:017d}",
        "video_id": VIDEO_ID,
        "text": f"Comment {number}",
        "create_time": POSTED + 60 * number,
        "digg_count": number % 7,
        "reply_total": 0,
        "status": 1,
        "user": {
            "id": f"68{number:017d}",
            "region": "DE",
            "sec_uid": f"MS4w{number}",
            "unique_id": f"reader{number}",
            "nickname": f"Reader {number}",
            "signature": "",
            "avatar": "https://p16.example/reader.jpeg",
            "aweme_count": 1,
            "follower_count": 2,
            "favoriting_count": 3,
            "total_favorited": 4,
        },
    }
    return {**shape, **changes}


def three_pages_of_comments() -> list[dict[str, Any]]:
    """120 comments: the 10th comes again as the 60th, on the second page and with more likes; the third is answered
    twice (`two_replies`).
    """
    found = [comment(number) for number in range(1, 121)]
    found[59] = comment(10, digg_count=99)
    found[2] = comment(3, reply_total=2)
    return found


def two_replies() -> list[dict[str, Any]]:
    """The answers to the third comment: one of them by the post's author. Replies don't say how often they are
    answered.
    """
    return [
        without(comment(501, text="Why?"), "reply_total"),
        without(comment(502, text="Because.", user=dict(ADA)), "reply_total"),
    ]


def profile(**changes: Any) -> dict[str, Any]:
    """`data` of a profile, in camelCase."""
    return {
        "user": {
            "id": ADA["id"],
            "uniqueId": ADA["unique_id"],
            "nickname": ADA["nickname"],
            "avatarThumb": "https://p16.example/ada-thumb.jpeg",
            "avatarMedium": "https://p16.example/ada-medium.jpeg",
            "avatarLarger": "https://p16.example/ada-large.jpeg",
            "signature": "Lamps, mostly.",
            "secUid": "MS4wada",
            "verified": True,
            "secret": False,
            "privateAccount": False,
            "openFavorite": False,
            "bioLink": {"link": "https://ada.example", "risk": 0},
            **changes,
        },
        "stats": {
            "followingCount": 120,
            "followerCount": 5_400,
            "heartCount": 98_000,
            "videoCount": 61,
            "diggCount": 800,
            "heart": 98_000,
        },
    }


def snake_profile() -> dict[str, Any]:
    """`data` of the same profile as the sibling product writes it."""
    return {
        "user": {
            "id": ADA["id"],
            "unique_id": ADA["unique_id"],
            "nickname": ADA["nickname"],
            "avatar_larger": "https://p16.example/ada-large.jpeg",
            "signature": "Lamps, mostly.",
            "verified": True,
            "private_account": False,
        },
        "stats": {"following_count": 120, "follower_count": 5_400, "heart_count": 98_000, "video_count": 61},
    }


def hashtag(name: str = "diy") -> dict[str, Any]:
    """`data` of a hashtag."""
    return {"id": "9001", "cha_name": name, "desc": "", "user_count": 1_200, "view_count": 7_000_000_000}
