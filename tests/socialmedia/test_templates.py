"""The life of a template: checked on saving, one published version, nothing lost when two do it at once."""

from typing import Any

import pytest
from django.db import IntegrityError

from socialmedia import templates
from socialmedia.models import MessageTemplate
from socialmedia.templates import BadTemplate, Place, Rules, WrongState
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON, make_bot

RULES = Rules(variables=frozenset({"name", "event"}), longest=100, languages=frozenset({"en", "pt"}))
PLACE = Place(key="greeting", trigger="custom")


def draft(text: str = "Hi[[ {name}]]!", place: Place = PLACE, **more: Any) -> MessageTemplate:
    return templates.save_draft(place=place, text=text, rules=RULES, now=NOON, **more)


def states() -> list[tuple[int, str]]:
    rows = MessageTemplate.objects.filter(key="greeting").order_by("version")
    return list(rows.values_list("version", "status"))


@pytest.mark.django_db
class TestSaveDraft:
    def test_stores_what_it_uses(self) -> None:
        row = draft("  Hi {name}! ", name="Greeting")
        assert (row.template_text, row.variables, row.name) == ("Hi {name}!", ["name"], "Greeting")
        assert (row.version, row.status, row.is_shipped, row.category) == (1, "draft", False, "follow_up")

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("Hi {naem}!", r"\{naem\} is not known here: use \{event\}, \{name\}"),
            ("Hi {name!", "lacks its other half"),
            ("", "The text is empty"),
            (" \n ", "The text is empty"),
            ("x" * 101, "has 101 characters; 100 is the limit"),
            ("Hi @everyone", "must not mention anybody: leave @everyone out"),
            ("Hi @HERE", "leave @HERE out"),
            ("Hi <@123>", "leave <@ out"),
            ("Hi <@&123>", "leave <@ out"),
            ("a\x00b", "NUL"),
        ],
    )
    def test_refuses_a_bad_text_and_stores_nothing(self, text: str, complaint: str) -> None:
        """ORIGINS C22: placeholders are checked on saving."""
        before = MessageTemplate.objects.count()
        with pytest.raises(BadTemplate, match=complaint) as refused:
            draft(text)
        assert refused.value.field == "text"
        assert MessageTemplate.objects.count() == before

    @pytest.mark.parametrize(
        ("place", "field"),
        [
            (Place(key="", trigger="custom"), "key"),
            (Place(key="Big Key", trigger="custom"), "key"),
            (Place(key="k" * 51, trigger="custom"), "key"),
            (Place(key="birthday_greeting", trigger="custom"), "key"),  # one key, one trigger
            (Place(key="k", trigger="custom", variant=""), "variant"),
            (Place(key="k", trigger="custom", locale="it"), "locale"),
            (Place(key="k", trigger="custom", locale="EN"), "locale"),
        ],
    )
    def test_refuses_a_place_that_makes_no_sense(self, place: Place, field: str) -> None:
        with pytest.raises(BadTemplate) as refused:
            draft(place=place)
        assert refused.value.field == field

    def test_takes_a_region(self) -> None:
        assert draft(place=Place(key="greeting", trigger="custom", locale="pt-br")).version == 1

    def test_counts_versions_by_place(self) -> None:
        draft()
        assert draft("Hey!").version == 2
        assert draft(place=Place(key="greeting", trigger="custom", level=3)).version == 1
        assert draft(place=Place(key="greeting", trigger="custom", account_id=make_bot().pk)).version == 1

    def test_gives_a_draft_new_words(self) -> None:
        row = draft()
        again = draft("Hey {event}!", draft_id=row.pk)
        assert (again.pk, again.template_text, again.variables) == (row.pk, "Hey {event}!", ["event"])
        assert states() == [(1, "draft")]

    def test_never_changes_what_is_published(self) -> None:
        row = templates.publish(draft().pk, by="boss", now=NOON)
        with pytest.raises(WrongState, match="no longer a draft"):
            draft("Hey!", draft_id=row.pk)
        row.refresh_from_db()
        assert row.template_text == "Hi[[ {name}]]!"


@pytest.mark.django_db
class TestPublish:
    def test_retires_the_version_before(self) -> None:
        templates.publish(draft().pk, by="boss", now=NOON)
        row = templates.publish(draft("Hey!").pk, by="ada", now=NOON)
        assert states() == [(1, "retired"), (2, "published")]
        assert (row.published_by, row.published_at) == ("ada", NOON)

    def test_leaves_other_places_alone(self) -> None:
        other = templates.publish(draft(place=Place(key="greeting", trigger="custom", level=3)).pk, by="b", now=NOON)
        templates.publish(draft().pk, by="boss", now=NOON)
        other.refresh_from_db()
        assert other.status == "published"

    def test_takes_only_drafts(self) -> None:
        row = templates.publish(draft().pk, by="boss", now=NOON)
        with pytest.raises(WrongState, match="Only a draft"):
            templates.publish(row.pk, by="boss", now=NOON)
        assert states() == [(1, "published")]

    def test_of_two_is_refused_by_the_database_too(self) -> None:
        templates.publish(draft().pk, by="boss", now=NOON)
        second = draft("Hey!")
        with pytest.raises(IntegrityError, match="message_templates_one_published"):
            MessageTemplate.objects.filter(pk=second.pk).update(status="published")


@pytest.mark.django_db
class TestOtherStates:
    def test_retire_is_for_good(self) -> None:
        row = templates.publish(draft().pk, by="boss", now=NOON)
        templates.retire(row.pk, now=NOON)
        assert states() == [(1, "retired")]
        with pytest.raises(WrongState, match="retired already"):
            templates.retire(row.pk, now=NOON)

    def test_pause_and_resume(self) -> None:
        row = templates.publish(draft().pk, by="boss", now=NOON)
        templates.pause(row.pk, reason="Too many opted out.", now=NOON)
        row.refresh_from_db()
        assert (row.paused_at, row.pause_reason, row.status) == (NOON, "Too many opted out.", "published")
        with pytest.raises(WrongState, match="not paused can be paused"):
            templates.pause(row.pk, reason="Again.", now=NOON)
        templates.resume(row.pk, now=NOON)
        row.refresh_from_db()
        assert (row.paused_at, row.pause_reason) == (None, "")
        with pytest.raises(WrongState, match="that is paused can be resumed"):
            templates.resume(row.pk, now=NOON)

    def test_pause_is_for_published_ones(self) -> None:
        with pytest.raises(WrongState):
            templates.pause(draft().pk, reason="Harm.", now=NOON)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_publish_two_drafts_and_one_is_published(self) -> None:
        for _ in range(5):
            MessageTemplate.objects.filter(key="greeting").delete()
            drafts = [draft(), draft("Hey!")]

            at_once(2, lambda index, drafts=drafts: templates.publish(drafts[index].pk, by="boss", now=NOON))

            assert sorted(status for _, status in states()) == ["published", "retired"]

    def test_publish_one_draft_and_one_of_them_did(self) -> None:
        row = draft()

        def publish(_: int) -> bool:
            try:
                templates.publish(row.pk, by="boss", now=NOON)
            except WrongState:
                return False
            return True

        assert sorted(at_once(2, publish)) == [False, True]
        assert states() == [(1, "published")]

    def test_save_the_same_version_and_none_is_lost(self) -> None:
        def save(index: int) -> bool:
            try:
                draft(f"Hi number {index}!")
            except WrongState:
                return False
            return True

        saved = at_once(4, save)
        assert any(saved)
        assert len(states()) == sum(saved)
