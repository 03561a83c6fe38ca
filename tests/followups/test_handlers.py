"""The job that asks the language model how a message sounds."""

import sys
from types import ModuleType
from typing import Any

import pytest

from followups import handlers
from followups.models import MessageEmotion
from followups.readings import ReadEmotion
from jobs.models import ScheduledJob
from jobs.registry import Attempt
from tests.followups.factories import NOON, make_member, say

pytestmark = pytest.mark.django_db


class Unavailable(Exception):
    """As the client's."""


@pytest.fixture
def model(settings: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A client of a model, put where the handler looks for it."""
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_MODE = "http://localhost:1", "tiny", "draft"
    client = ModuleType("followups.llm.client")
    client.LlmUnavailable = Unavailable  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "followups.llm.client", client)
    return client


def run(message_id: int) -> None:
    """Run the job as the engine would."""
    job = ScheduledJob(job_id="j", scheduled_time=NOON)
    handlers.read_emotion(
        Attempt(
            job_id=job.job_id,
            job_type="read_emotion",
            payload=ReadEmotion(message_id=message_id),
            scheduled_time=NOON,
            number=1,
            lease_token=None,  # type: ignore[arg-type]
        )
    )


class TestReadEmotion:
    def test_keeps_what_the_model_says(self, model: ModuleType) -> None:
        def ask(*, system: str, user: str, max_tokens: int) -> str:
            return "score: 0.9\nconfidence: 0.8\nemotions: grateful\nreasoning: x"

        model.ask = ask  # type: ignore[attr-defined]
        run(say(make_member(), "Спасибо большое").pk)
        assert MessageEmotion.objects.get().category == "grateful"

    def test_keeps_the_word_lists_reading_when_the_model_is_away(self, model: ModuleType) -> None:
        def ask(*, system: str, user: str, max_tokens: int) -> str:
            raise Unavailable("no")

        model.ask = ask  # type: ignore[attr-defined]
        run(say(make_member(), "Спасибо большое").pk)
        assert MessageEmotion.objects.get().method == "vader"

    def test_does_nothing_when_it_was_switched_off_since(self, model: ModuleType, settings: Any) -> None:
        message = say(make_member(), "Спасибо большое")
        settings.LLM_MODE = "off"
        run(message.pk)
        assert MessageEmotion.objects.get().method == "vader"
