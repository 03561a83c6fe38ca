"""Questions as a member or somebody of the team asks them."""

from bots.answers import Question
from bots.people import Person
from followups.models import UserProfile
from tests.followups.factories import NOON


def ask(user_id: str = "1001", *, source: str = "slash_command") -> Question:
    """A question of the person with this id."""
    author = Person(external_id=user_id, username="ada")
    return Question(author=author, source=source, evidence="interaction 7", asked_at=NOON)


def ask_as(member: UserProfile, *, source: str = "slash_command") -> Question:
    """A question of a member."""
    return ask(member.user_id, source=source)
