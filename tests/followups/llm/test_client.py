"""Asking a model over a real wire: every way in which no answer comes is one named error."""

import json
import logging
import socket
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from followups.llm import client
from followups.llm.client import LlmUnavailable
from followups.models import LlmCircuit
from tests.fakes.llm_server import LlmServer, envelope

pytestmark = pytest.mark.django_db(transaction=True)


NO_SUCH_INTERFACE = "not what OpenAI's interface promises"
BROKEN = [
    ("oops", 500, "HTTP 500"),
    ("{}", 401, "HTTP 401"),
    ("{}", 302, "HTTP 302"),
    ("{", 200, NO_SUCH_INTERFACE),
    ("[]", 200, NO_SUCH_INTERFACE),
    ('{"choices": []}', 200, NO_SUCH_INTERFACE),
    ('{"choices": ["x"]}', 200, NO_SUCH_INTERFACE),
    ("[" * 100_000, 200, NO_SUCH_INTERFACE),
    (json.dumps(envelope("")), 200, "is empty"),
    (json.dumps(envelope(None)), 200, "is empty"),
    (json.dumps(envelope("x" * 1_000_001)), 200, "far too long"),
]


def ask() -> str:
    """Ask something."""
    return client.ask(system="Be brief.", user="How is secret Ada?", max_tokens=50)


class TestAsk:
    def test_returns_the_words(self, llm: LlmServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even where the environment names a proxy: it must not be asked for this very host."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
        llm.answers("Well.")

        assert ask() == "Well."

        (question,) = llm.questions
        assert [message["role"] for message in question["messages"]] == ["system", "user"]
        assert (question["model"], question["max_tokens"], question["temperature"]) == ("stub", 50, 0.3)
        assert llm.keys == ["Bearer none"]
        assert not LlmCircuit.objects.exists()

    def test_says_what_was_wrong(self, llm: LlmServer) -> None:
        for body, status, reason in BROKEN:
            llm.sends(body, status=status, headers={"Location": "http://127.0.0.1:1/"} if status == 302 else None)
            asked = len(llm.questions)

            with pytest.raises(LlmUnavailable, match=reason):
                ask()

            assert len(llm.questions) == asked + 1, reason  # it does not try again by itself
            assert LlmCircuit.objects.get().failures == 1, reason
            LlmCircuit.objects.all().delete()

    def test_gives_up_in_time(self, llm: LlmServer, settings: Any) -> None:
        settings.LLM_TIMEOUT_SECONDS = 0.2
        for be_slow in (llm.hangs, llm.trickles):
            be_slow()
            with pytest.raises(LlmUnavailable, match=r"did not answer within 0\.2 s"):
                ask()

    def test_says_that_nobody_is_there(self, llm: LlmServer, settings: Any) -> None:
        settings.LLM_BASE_URL = f"http://127.0.0.1:{closed_port()}/v1"

        with pytest.raises(LlmUnavailable, match="cannot be reached"):
            ask()

    def test_says_that_an_address_is_none(self, llm: LlmServer, settings: Any) -> None:
        for settings.LLM_BASE_URL in ("ftp://127.0.0.1/v1", "http://[::1", "nonsense"):
            with pytest.raises(LlmUnavailable, match=r"cannot be reached|could not be asked"):
                ask()

    def test_says_how_long_to_wait(self, llm: LlmServer) -> None:
        llm.sends("{}", status=429, headers={"Retry-After": "120"})

        with pytest.raises(LlmUnavailable, match="HTTP 429") as refused:
            ask()

        assert refused.value.retry_after == timedelta(seconds=120)
        with pytest.raises(LlmUnavailable, match="not asked for a while"):
            ask()
        assert len(llm.questions) == 1

    def test_takes_a_refusal_for_no_failure_of_the_endpoint(self, llm: LlmServer) -> None:
        llm.answers(None, refusal="I won't.")

        with pytest.raises(LlmUnavailable, match="refused to answer"):
            ask()

        assert not LlmCircuit.objects.exists()

    def test_refuses_to_be_called_inside_a_transaction(self, llm: LlmServer) -> None:
        with pytest.raises(RuntimeError, match="inside a transaction"), transaction.atomic():
            ask()

        assert not llm.questions

    def test_asks_nobody_when_no_model_is_set_up(self, llm: LlmServer, settings: Any) -> None:
        for name, value in (("LLM_MODE", "off"), ("LLM_MODEL", ""), ("LLM_BASE_URL", "")):
            setattr(settings, name, value)
            with pytest.raises(LlmUnavailable, match="No language model is set up"):
                ask()

        assert not llm.questions

    def test_logs_neither_question_nor_answer_nor_key(
        self, llm: LlmServer, settings: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not even at DEBUG, where the SDK and the libraries below it log each step."""
        settings.LLM_API_KEY = "sk-hidden"
        llm.answers("A secret answer.")

        with caplog.at_level(logging.DEBUG):
            ask()

        said = caplog.text + "".join(capfd.readouterr())
        assert "llm.answered" in said
        assert not any(word in said for word in ("secret", "hidden", "Be brief"))


class TestImport:
    def test_leaves_the_sdk_to_those_who_ask(self) -> None:
        """It takes two seconds and 25 MB in every process."""
        code = (
            "import django, sys; django.setup(); import followups.handlers, followups.llm.approval;"
            "print([name for name in ('openai', 'httpx2') if name in sys.modules])"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert ran.stdout.strip() == "[]"


def closed_port() -> int:
    """A port of this host where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
