"""The job that asks the language model how a message sounds."""

from typing import Any

import pytest

from followups import handlers
from followups.models import MessageEmotion
from followups.readings import ReadEmotion
from jobs.models import ScheduledJob
from jobs.registry import Attempt
from tests.fakes.llm_server import LlmServer
from tests.followups.factories import NOON, make_member, say

pytestmark = pytest.mark.django_db(transaction=True)


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
    def test_keeps_what_the_model_says(self, llm: LlmServer) -> None:
        llm.answers("score: 0.9\nconfidence: 0.8\nemotions: grateful\nreasoning: x")
        run(say(make_member(), "Спасибо большое").pk)
        assert MessageEmotion.objects.get().category == "grateful"

    def test_keeps_the_word_lists_reading_when_the_model_is_away(self, llm: LlmServer) -> None:
        llm.sends("oops", status=500)
        run(say(make_member(), "Спасибо большое").pk)
        assert MessageEmotion.objects.get().method == "vader"
        assert len(llm.questions) == 1

    def test_does_nothing_when_it_was_switched_off_since(self, llm: LlmServer, settings: Any) -> None:
        message = say(make_member(), "Спасибо большое")
        settings.LLM_MODE = "off"
        run(message.pk)
        assert MessageEmotion.objects.get().method == "vader"
        assert llm.questions == []
