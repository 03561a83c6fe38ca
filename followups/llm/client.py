"""Asking the language model: any endpoint that speaks OpenAI's chat completions."""

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog
from django.db import connection

from followups import conf
from followups.conf import LlmSettings
from followups.llm import circuit

if TYPE_CHECKING:  # importing it takes two seconds, which only those who ask should pay
    from openai import APIStatusError, OpenAI

LARGEST_ANSWER: Final = 1_000_000
"""In bytes. No text for a private message needs more; what sends more is broken."""
_LONGEST_ENDPOINT: Final = 255
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

log = structlog.get_logger(__name__)


class LlmUnavailable(Exception):
    """There is no answer to work with. The message says why; `retry_after` is when the endpoint wants to hear more."""

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _Refused(LlmUnavailable):
    """The model will not say: the endpoint is well all the same."""


def is_configured(llm: LlmSettings) -> bool:
    """Whether there is a model to ask."""
    return bool(llm.base_url and llm.model) and llm.mode != "off"


def endpoint(llm: LlmSettings) -> str:
    """The name of the endpoint's breaker."""
    return f"{llm.base_url} {llm.model}"[:_LONGEST_ENDPOINT]


def is_loopback(base_url: str) -> bool:
    """Whether the address is this very host."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    return host in _LOOPBACK


def ask(*, system: str, user: str, max_tokens: int, temperature: float = 0.3) -> str:
    """Return what the model says to one question. Takes at most twice LLM_TIMEOUT_SECONDS, and tries once.

    Neither question nor answer is logged.

    Raises:
        LlmUnavailable: no model is set up, the breaker is open, or no usable answer came.
        RuntimeError: called inside a transaction, which would hold its locks for as long as the model thinks.
    """
    if connection.in_atomic_block:
        raise RuntimeError("The language model must not be asked inside a transaction.")
    llm = conf.current().llm
    if not is_configured(llm):
        raise LlmUnavailable("No language model is set up (LLM_BASE_URL, LLM_MODEL, LLM_MODE).")
    permit = circuit.enter(endpoint(llm), trial=3 * llm.timeout)
    if permit is None:
        raise LlmUnavailable("The language model has failed repeatedly and is not asked for a while.")
    began = time.monotonic()
    question: dict[str, Any] = {
        "model": llm.model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "max_tokens": max_tokens,
        "temperature": temperature,
    }
    try:
        answer = _content(_post(llm, question))
    except LlmUnavailable as error:
        _note(permit, error)
        log.warning("llm.failed", model=llm.model, seconds=_since(began), outcome=str(error))
        raise
    circuit.succeed(permit)
    log.info("llm.answered", model=llm.model, seconds=_since(began), outcome="answered")
    return answer


def _note(permit: circuit.Permit, error: LlmUnavailable) -> None:
    if isinstance(error, _Refused):
        circuit.succeed(permit)
    else:
        circuit.fail(permit, error=str(error), retry_after=error.retry_after)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _post(llm: LlmSettings, question: dict[str, Any]) -> bytes:
    """Send the question and return the body of the answer, or say in one sentence why there is none."""
    import httpx2
    import openai

    try:
        with _client(llm) as client:
            return _read(client, question, deadline=time.monotonic() + llm.timeout.total_seconds())
    except (openai.APITimeoutError, httpx2.TimeoutException) as error:
        raise LlmUnavailable(_too_slow(llm)) from error
    except openai.APIStatusError as error:
        raise _status_error(error) from error
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        raise LlmUnavailable("The language model cannot be reached.") from error
    except (openai.OpenAIError, httpx2.InvalidURL, ValueError) as error:
        # As with a key or an address that no request can carry. The words could hold either.
        raise LlmUnavailable(f"The language model could not be asked ({type(error).__name__}).") from error
    except TimeoutError as error:
        raise LlmUnavailable(_too_slow(llm)) from error


def _client(llm: LlmSettings) -> "OpenAI":
    """A client that tries once, follows nobody elsewhere, and reaches this host without a proxy."""
    import httpx2
    import openai

    timeout = llm.timeout.total_seconds()
    transport = httpx2.Client(timeout=timeout, trust_env=not is_loopback(llm.base_url), follow_redirects=False)
    return openai.OpenAI(
        base_url=llm.base_url,
        api_key=llm.api_key or "none",
        timeout=timeout,
        max_retries=0,
        http_client=transport,
    )


def _read(client: "OpenAI", question: dict[str, Any], *, deadline: float) -> bytes:
    """Read the answer piece by piece: a time-out of the connection alone never ends one that trickles."""
    body = bytearray()
    with client.chat.completions.with_streaming_response.create(**question) as response:
        for piece in response.iter_bytes():
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise LlmUnavailable("The language model's answer is far too long.")
            if time.monotonic() > deadline:
                raise TimeoutError
    return bytes(body)


def _too_slow(llm: LlmSettings) -> str:
    return f"The language model did not answer within {llm.timeout.total_seconds():g} s."


def _status_error(error: "APIStatusError") -> LlmUnavailable:
    code = error.status_code
    retry_after = _seconds(error.response.headers.get("retry-after")) if code in {429, 503} else None
    return LlmUnavailable(f"The language model answered with HTTP {code}.", retry_after=retry_after)


def _seconds(header: str | None) -> timedelta | None:
    """`Retry-After` in seconds; its other form, a date, is for the breaker to wait out."""
    if header is None or not header.strip().isdecimal():
        return None
    return timedelta(seconds=min(int(header.strip()), int(circuit.LONGEST_WAIT.total_seconds())))


def _content(body: bytes) -> str:
    """Take the words out of the answer's envelope."""
    try:
        choice = json.loads(body)["choices"][0]
        message = choice["message"]
        refusal, content = message.get("refusal"), message.get("content")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise LlmUnavailable("The language model's answer is not what OpenAI's interface promises.") from error
    if refusal or choice.get("finish_reason") == "content_filter":
        raise _Refused("The language model refused to answer.")
    if not isinstance(content, str) or not content.strip():
        raise LlmUnavailable("The language model's answer is empty.")
    return content
