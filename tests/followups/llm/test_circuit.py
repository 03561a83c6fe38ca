"""The breaker in front of a model: opens after three failures, lets one trial through, closes with a success."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from followups.llm import circuit, client
from followups.llm.circuit import Permit
from followups.llm.client import LlmUnavailable
from followups.models import LlmCircuit
from tests.concurrency import at_once
from tests.fakes.llm_server import LlmServer

MINUTE = timedelta(minutes=1)
CLOSED = Permit("here", is_trial=False)
TRIAL = Permit("here", is_trial=True)


def wait() -> timedelta:
    """How long nobody may ask, from the last change on."""
    return LlmCircuit.objects.annotate(wait=F("open_until") - F("updated_at")).get().wait


def let_time_pass() -> None:
    """Bring the end of the wait to now."""
    LlmCircuit.objects.update(open_until=Now())


@pytest.mark.django_db
class TestCircuit:
    def test_opens_at_the_third_failure_in_a_row(self) -> None:
        for _ in range(2):
            circuit.fail(CLOSED, error="slow")
            assert circuit.enter("here", trial=MINUTE) == CLOSED
        circuit.fail(CLOSED, error="slow")

        assert circuit.enter("here", trial=MINUTE) is None
        assert not circuit.is_closed("here")
        assert circuit.is_closed("elsewhere")
        assert (wait(), LlmCircuit.objects.get().last_error) == (5 * MINUTE, "slow")

    def test_forgets_failures_with_a_success(self) -> None:
        for _ in range(2):
            circuit.fail(CLOSED, error="slow")
        circuit.succeed(CLOSED)
        circuit.fail(CLOSED, error="slow")

        assert circuit.enter("here", trial=MINUTE) == CLOSED

    def test_doubles_the_wait_with_every_failed_trial_up_to_an_hour(self) -> None:
        for _ in range(3):
            circuit.fail(CLOSED, error="slow")
        waits = []
        for _ in range(5):
            let_time_pass()
            assert circuit.enter("here", trial=MINUTE) == TRIAL
            circuit.fail(TRIAL, error="slow")
            waits.append(wait() // MINUTE)

        assert waits == [10, 20, 40, 60, 60]

    def test_closes_after_a_good_trial(self) -> None:
        for _ in range(3):
            circuit.fail(CLOSED, error="slow")
        let_time_pass()
        assert circuit.enter("here", trial=MINUTE) == TRIAL
        circuit.succeed(TRIAL)

        assert [circuit.enter("here", trial=MINUTE) for _ in range(2)] == [CLOSED, CLOSED]

    def test_is_tried_again_when_the_trial_died(self) -> None:
        for _ in range(3):
            circuit.fail(CLOSED, error="slow")
        let_time_pass()
        assert circuit.enter("here", trial=MINUTE) == TRIAL
        assert circuit.enter("here", trial=MINUTE) is None
        let_time_pass()

        assert circuit.enter("here", trial=MINUTE) == TRIAL

    def test_waits_no_longer_for_calls_that_were_under_way(self) -> None:
        """Ten workers time out together: that is one bad moment, not eight failed trials."""
        for _ in range(10):
            circuit.fail(CLOSED, error="slow")

        assert wait() == 5 * MINUTE

    def test_waits_as_long_as_the_endpoint_says_but_not_for_ever(self) -> None:
        circuit.fail(CLOSED, error="busy", retry_after=2 * MINUTE)
        assert wait() == 2 * MINUTE
        let_time_pass()
        circuit.fail(TRIAL, error="busy", retry_after=timedelta(days=9))
        assert wait() == 60 * MINUTE


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_lets_one_of_many_workers_try(self) -> None:
        for _ in range(3):
            circuit.fail(CLOSED, error="slow")
        let_time_pass()

        permits = at_once(6, lambda _: circuit.enter("here", trial=MINUTE))

        assert sorted(permit is not None for permit in permits) == [False] * 5 + [True]

    def test_counts_failures_at_the_same_moment_once_each(self) -> None:
        at_once(2, lambda _: circuit.fail(CLOSED, error="slow"))

        assert LlmCircuit.objects.get().failures == 2

    def test_spares_an_endpoint_that_fails_and_asks_it_again(self, llm: LlmServer, settings: Any) -> None:
        llm.sends("{}", status=500)
        for _ in range(5):
            with pytest.raises(LlmUnavailable):
                client.ask(system="a", user="b", max_tokens=5)
        assert len(llm.questions) == 3

        let_time_pass()
        llm.answers("Well.")
        assert client.ask(system="a", user="b", max_tokens=5) == "Well."
        assert client.ask(system="a", user="b", max_tokens=5) == "Well."
        assert LlmCircuit.objects.get().open_until is None
