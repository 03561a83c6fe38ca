"""Choices: a member's yes."""

from dataclasses import replace

import pytest

from bots.choices import Choice, choose
from followups import consent
from tests.bots.operations.asking import ask_as
from tests.followups.factories import NOON, make_member


@pytest.mark.django_db
def test_a_second_yes_shows_the_words_of_the_one_that_stands() -> None:
    """No receipt is written then, and nobody may read that they agreed to more than it says."""
    member, version = make_member(opted_in=False), "2026-11-22"
    receipt = consent.grant(
        user_id=member.pk, source="button", evidence="interaction 1", actor=member.pk, wording_version=version
    )
    told = choose(Choice.ON, replace(ask_as(member), asked_at=receipt.recorded_at), now=NOON).text
    assert consent.WORDINGS[version] in told
    assert consent.current(member.pk) == receipt
