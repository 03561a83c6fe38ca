"""The shipped templates: complete in every language, within every rule, and never put over what staff did."""

import itertools
from datetime import date, timedelta

import pytest
from django.apps import apps as all_apps
from django.core.management import call_command

from followups import composing
from followups.composing import languages, shipped, variables
from followups.composing.variables import Known
from followups.models import Trigger
from socialmedia import placeholders, templates
from socialmedia.models import MessageTemplate, TemplateStatus
from tests.followups.factories import NOON

ROWS = list(shipped.rows())
SEED_IDS = {
    "post_event_high_emotion",
    "post_event_neutral_emotion",
    "post_event_low_emotion",
    "reengagement_general",
    "reengagement_past_customer",
    "emotion_check_in",
    "custom",
}
WORDS = {
    "name": "Ada",
    "interest": "gardening",
    "event": "Spring party",
    "booking_id": "B-7",
    "custom_message": "The garden is open again.",
    "goal": "run ten kilometers",
}


def name_of(row: dict[str, object]) -> str:
    return f"{row['locale']}-{row['key']}-{row['level']}"


class TestRows:
    def test_have_every_id_of_the_seed(self) -> None:
        """T-C10: the seed names `custom` and has no template of that name."""
        assert {row["key"] for row in ROWS} >= SEED_IDS

    def test_are_the_same_in_every_language(self) -> None:
        by_language = {
            code: {(row["key"], row["level"], row["emotion"]) for row in ROWS if row["locale"] == code}
            for code in languages.codes()
        }
        assert len({frozenset(places) for places in by_language.values()}) == 1
        assert len(ROWS) == len(languages.codes()) * len(by_language["en"])

    def test_are_all_different(self) -> None:
        texts = [row["template_text"] for row in ROWS]
        assert len(set(texts)) == len(texts)

    def test_serve_every_trigger_for_everybody(self) -> None:
        """Also for a stranger of whom nothing is known (ORIGINS 1.6)."""
        for code, trigger in itertools.product(languages.codes(), Trigger.values):
            serving = [
                row
                for row in ROWS
                if (row["locale"], row["trigger"], row["level"]) == (code, trigger, None)
                and row["emotion"] in {"", "neutral"}
                and not placeholders.required(row["template_text"])
            ]
            assert serving, (code, trigger)

    @pytest.mark.parametrize("row", ROWS, ids=name_of)
    def test_keep_to_the_rules(self, row: dict[str, str]) -> None:
        rules = variables.rules(row["trigger"])
        assert templates.check_text(row["template_text"], rules) == row["template_text"]
        assert row["template_text"].count("!") <= 3

    @pytest.mark.parametrize("row", ROWS, ids=name_of)
    def test_read_well_with_and_without_every_value(self, row: dict[str, str]) -> None:
        language, text = languages.of(row["locale"]), row["template_text"]
        known = Known(WORDS, silence=timedelta(days=16), event_date=date(2025, 11, 15)).values(language)
        names, needed = sorted(placeholders.used(text)), placeholders.required(text)
        for count in range(len(names) + 1):
            for given in itertools.combinations(names, count):
                if not needed <= {*given}:
                    continue
                shown = placeholders.render(text, {name: known[name] for name in given})
                assert not {*"{}[]"} & {*shown}
                assert "  " not in shown
                assert " ." not in shown
                assert " ," not in shown
                assert not shown.startswith((",", " "))
                assert all(known[name] in shown for name in given)
                assert len(shown) + len(language.stop_line) + 2 <= composing.LONGEST_MESSAGE

    def test_do_not_call_a_member_by_a_gender(self) -> None:
        """Nobody told us. These are the words that slip in most easily."""
        for row in ROWS:
            for word in ("bienvenido", "bienvenue", "bem-vindo", "venu ", "venue ", "ocupado", "cansado", "seul "):
                assert word not in row["template_text"], name_of(row)


@pytest.mark.django_db
class TestLoad:
    def test_has_filled_the_table(self) -> None:
        rows = MessageTemplate.objects.filter(is_shipped=True)
        assert rows.count() == len(ROWS)
        assert {(row.status, row.version, row.is_active) for row in rows} == {("published", 1, True)}

    def test_again_changes_nothing(self) -> None:
        before = list(MessageTemplate.objects.order_by("pk").values())
        shipped.load()
        assert list(MessageTemplate.objects.order_by("pk").values()) == before

    def test_never_touches_what_staff_did(self) -> None:
        """ORIGINS 8.24: edited, retired or switched off, it stays so."""
        edited, retired, off = MessageTemplate.objects.filter(key="custom", locale="en").order_by("pk")
        place = templates.Place.of(edited)
        draft = templates.save_draft(place=place, text="Ahoy!", rules=variables.rules("custom"), now=NOON)
        templates.publish(draft.pk, by="boss", now=NOON)
        templates.retire(retired.pk, now=NOON)
        MessageTemplate.objects.filter(pk=off.pk).update(is_active=False, weight=7)
        before = list(MessageTemplate.objects.order_by("pk").values())

        shipped.load()

        assert list(MessageTemplate.objects.order_by("pk").values()) == before

    def test_brings_back_only_what_is_missing(self) -> None:
        MessageTemplate.objects.filter(key="custom", locale="de").delete()
        shipped.load()
        assert MessageTemplate.objects.filter(key="custom", locale="de", status=TemplateStatus.PUBLISHED).count() == 3


@pytest.mark.django_db
class TestOnMigrated:
    def test_does_nothing_before_the_table_exists(self) -> None:
        """Going back to before it must not fail for want of a table."""

        class Old:
            all_models = {"socialmedia": {"account": object()}}

        MessageTemplate.objects.all().delete()
        shipped.on_migrated(using="default", apps=Old())
        assert not MessageTemplate.objects.exists()
        shipped.on_migrated(using="default", apps=all_apps)
        assert MessageTemplate.objects.count() == len(ROWS)


@pytest.mark.django_db(transaction=True)
class TestMigrate:
    def test_loads_in_one_statement(self, django_assert_num_queries: object) -> None:
        MessageTemplate.objects.all().delete()
        with django_assert_num_queries(1):  # type: ignore[operator]
            shipped.load()
        MessageTemplate.objects.all().delete()
        call_command("migrate", verbosity=0)
        assert MessageTemplate.objects.count() == len(ROWS)
