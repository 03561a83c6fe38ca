"""A language model on this host: a real HTTP server that speaks OpenAI's chat completions, and says what it is told."""

import json
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

PATH = "/v1/chat/completions"


def envelope(content: Any, **message: Any) -> dict[str, Any]:
    """An answer as OpenAI's interface has it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
    }


class LlmServer:
    """Answers every question as it was last told to, and keeps the questions."""

    def __init__(self, server: HTTPServer) -> None:
        self.base_url = server.url_for("/v1")
        self.questions: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.before_answering: Callable[[], None] = lambda: None
        """Runs while the client waits for the answer."""
        self._released = Event()
        self._respond: Callable[[], Response] = lambda: Response(status=501)
        server.expect_request(PATH, method="POST").respond_with_handler(self._handle)

    def says(self, text: str, *claims: tuple[str, str]) -> None:
        """Write this text, with (says, source) as its claims."""
        stated = [{"says": says, "source": source} for says, source in claims]
        self.answers(json.dumps({"text": text, "claims": stated}, ensure_ascii=False))

    def answers(self, content: Any, **message: Any) -> None:
        """Answer with these words, whatever they are."""
        self.sends(json.dumps(envelope(content, **message)))

    def sends(self, body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send this body."""
        self._respond = lambda: Response(body, status=status, headers=headers, content_type="application/json")

    def hangs(self) -> None:
        """Take the question and say nothing."""

        def respond() -> Response:
            self._released.wait(30)
            return Response(status=500)

        self._respond = respond

    def trickles(self) -> None:
        """Send one byte after another and never end."""

        def spaces() -> Iterator[bytes]:
            while not self._released.wait(0.02):
                yield b" "

        self._respond = lambda: Response(spaces(), content_type="application/json")

    def release(self) -> None:
        """Let go of everybody who waits."""
        self._released.set()

    def _handle(self, request: Request) -> Response:
        self.questions.append(json.loads(request.get_data()))
        self.keys.append(request.headers.get("Authorization", ""))
        self.before_answering()
        return self._respond()
