"""The TikTok provider on this host: a real HTTP server with its envelope, its pages and its bad days."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

KEY = "key-for-tests-only"
GONE = "Url parsing is failed! Please check url."
ONE_PER_SECOND = "Free Api Limit: 1 request/second."
PER_DAY = "Free Api Limit: 150 requests per day. Please upgrade your plan."

Fault = Callable[["TikTokServer", Request], Response]


def envelope(data: Any = None, *, code: int = 0, msg: str = "success") -> dict[str, Any]:
    """An answer as the provider packs it. Without data there is no such field."""
    body = {"code": code, "msg": msg, "processed_time": 0.31}
    return body if data is None else {**body, "data": data}


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The response that carries this JSON."""
    return Response(json.dumps(body), status=status, headers=headers, content_type="application/json")


def says(msg: str, *, code: int = -1) -> Fault:
    """HTTP 200 that says no: how this provider tells of most errors."""
    return lambda server, request: answer(envelope(code=code, msg=msg))


def status(number: int, message: str = "", *, retry_after: str = "") -> Fault:
    """The gateway's own refusal."""
    headers = {"Retry-After": retry_after} if retry_after else None
    return lambda server, request: answer({"message": message}, status=number, headers=headers)


def sends(body: str | bytes, *, content_type: str = "application/json") -> Fault:
    """HTTP 200 with this body, whatever it is."""
    return lambda server, request: Response(body, content_type=content_type)


def redirects(to: str) -> Fault:
    """Send the caller elsewhere."""
    return lambda server, request: Response(status=302, headers={"Location": to})


def half(server: "TikTokServer", request: Request) -> Response:
    """Half of an answer, then the line is dead."""

    def pieces() -> Iterator[bytes]:
        yield b'{"code": 0, "msg": "succ'
        raise ConnectionResetError

    return Response(pieces(), headers={"Content-Length": "500"}, content_type="application/json")


def reset(server: "TikTokServer", request: Request) -> Response:
    """The line is dead before a word."""

    def pieces() -> Iterator[bytes]:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError
        yield b""

    return Response(pieces())


def hangs(server: "TikTokServer", request: Request) -> Response:
    """Say nothing until the test is over."""
    server.released.wait(30)
    return Response(status=500)


def trickles(server: "TikTokServer", request: Request) -> Response:
    """One byte after another, without an end."""

    def spaces() -> Iterator[bytes]:
        while not server.released.wait(0.02):
            yield b" "

    return Response(spaces(), content_type="application/json")


gone = says(GONE)
one_per_second = says(ONE_PER_SECOND)
per_day = says(PER_DAY)
html = sends("<html><body>Bad gateway</body></html>", content_type="text/html")
null = sends('{"code": 0, "msg": "success", "data": null}')
forbidden = status(403, "You are not subscribed to this API.")
too_many = status(429, "Too many requests", retry_after="7")
broken = status(531)


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class World:
    """What the server knows. Tests fill it."""

    videos: dict[str, dict[str, Any]] = field(default_factory=dict)
    short_links: dict[str, str] = field(default_factory=dict)
    """From the whole address to a video's id."""
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    replies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By the id of the comment that they answer."""
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    hashtags: dict[str, dict[str, Any]] = field(default_factory=dict)
    found_people: list[dict[str, Any]] = field(default_factory=list)
    found_videos: list[dict[str, Any]] = field(default_factory=list)


class TikTokServer:
    """Answers what the provider's endpoints answer, from `world`; what is not there it calls a bad address.

    `next_up(fault, ...)` makes the next requests fail, each once; `always(fault)` all of them.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.world = World()
        self.asked: list[Asked] = []
        self.released = Event()
        self.before_answering: Callable[[], None] = lambda: None
        """Runs while the client waits."""
        self._faults: list[Fault] = []
        self._always: Fault | None = None
        self._turn = Lock()
        server.expect_request(re.compile("/.*"), method="GET").respond_with_handler(self._handle)

    def shows(self, *videos: dict[str, Any]) -> None:
        """These posts are there, as they are now."""
        self.world.videos.update({video["id"]: video for video in videos})

    def deletes(self, *video_ids: str) -> None:
        """These posts are gone."""
        for video_id in video_ids:
            self.world.videos.pop(video_id, None)

    def next_up(self, *faults: Fault) -> None:
        """The next requests get these answers, one each."""
        self._faults.extend(faults)

    def always(self, fault: Fault | None) -> None:
        """Every request gets this answer, until told otherwise (None)."""
        self._always = fault

    def release(self) -> None:
        """Let go of everybody who waits."""
        self.released.set()

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]

    def _handle(self, request: Request) -> Response:
        params = dict(request.args.items())
        with self._turn:
            self.asked.append(Asked(request.path, params, dict(request.headers)))
            fault = self._faults.pop(0) if self._faults else self._always
        self.before_answering()
        if request.headers.get("x-rapidapi-key") != KEY:
            fault = forbidden
        return fault(self, request) if fault else self._answer(request.path, params)

    def _answer(self, path: str, params: dict[str, str]) -> Response:
        known: dict[str, Callable[[dict[str, str]], Any]] = {
            "/": self._video,
            "/comment/list": lambda asked: self._page(
                self.world.comments.get(self._id_in(asked.get("url", "")), []), "comments", asked
            ),
            "/comment/reply": lambda asked: self._page(
                self.world.replies.get(asked.get("comment_id", ""), []), "comments", asked
            ),
            "/user/info": lambda asked: self.world.profiles.get(asked.get("unique_id", "")),
            "/challenge/info": lambda asked: self.world.hashtags.get(asked.get("challenge_name", "")),
            "/search/user": lambda asked: {"user_list": self.world.found_people[: int(asked.get("count", 10))]},
            "/search/video": lambda asked: self._page(self.world.found_videos, "videos", asked),
        }
        if path not in known:
            return answer({"message": f"Endpoint '{path}' does not exist"}, status=404)
        data = known[path](params)
        return answer(envelope(code=-1, msg=GONE) if data is None else envelope(data))

    def _video(self, params: dict[str, str]) -> dict[str, Any] | None:
        return self.world.videos.get(self._id_in(params.get("url", "")))

    def _id_in(self, address: str) -> str:
        found = re.search(r"(?:^|/(?:video|photo)/)(\d+)$", address)
        return found.group(1) if found else self.world.short_links.get(address, "")

    @staticmethod
    def _page(rows: list[dict[str, Any]], name: str, params: dict[str, str]) -> dict[str, Any]:
        start, count = int(params.get("cursor") or 0), min(int(params.get("count", 10)), 50)
        end = start + count
        return {name: rows[start:end], "total": len(rows), "cursor": end, "hasMore": end < len(rows)}
