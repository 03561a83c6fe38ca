"""The console's pages of templates."""

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from followups import flags
from followups.models import FollowUp, FollowUpHistory, StaffFlag
from socialmedia import templates
from socialmedia.models import Message, MessageTemplate
from tests.config.factories import make_staff, make_superuser
from tests.followups.composing.factories import make_draft, make_template
from tests.followups.factories import NOON, make_member, make_sent
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db

LIST = reverse("admin:socialmedia_messagetemplate_changelist")
NEW = reverse("admin:socialmedia_messagetemplate_add")
FILLED = {
    "key": "summer",
    "trigger": "inactivity",
    "locale": "en",
    "level": "",
    "emotion": "",
    "variant": "a",
    "account": "",
    "text": "Hi[[ {name}]]! The sun is out.",
    "name": "",
    "weight": "1",
}


def page_of(row: MessageTemplate, action: str = "change") -> str:
    return f"{LIST}{row.pk}/{action}/"


def words_of(page: Any) -> str:
    return unescape(page.content.decode())


def shipped(key: str = "custom", locale: str = "en") -> MessageTemplate:
    return MessageTemplate.objects.get(key=key, locale=locale, level=None, version=1)


class TestList:
    def test_filters(self, boss: Client) -> None:
        make_template("ours", "Oi!", trigger="custom", locale="pt-br")
        page = boss.get(LIST, {"trigger": "custom", "language": "pt"})
        rows = page.context["cl"].result_list
        assert {(row.key, row.locale) for row in rows} == {("custom", "pt"), ("ours", "pt-br")}

    def test_says_what_is_paused(self, boss: Client) -> None:
        templates.pause(shipped().pk, reason="Too many opted out.", now=NOON)
        assert "Paused" in words_of(boss.get(LIST, {"q": "custom"}))
        assert "Too many opted out." in words_of(boss.get(page_of(shipped())))


class TestPage:
    def test_shows_figures_placeholders_and_versions(self, boss: Client, settings: Any) -> None:
        row = shipped()
        member = make_member()
        sent = make_sent(member, at=NOON)
        FollowUpHistory.objects.filter(pk=sent.pk).update(template=row)
        make_draft("custom", "Hey!")
        page = words_of(boss.get(page_of(row)))
        for words in (
            "{custom_message}",
            "a sentence that whoever planned it gave along",
            "Came with Checkback",
            "Hey!",
        ):
            assert words in page, words

    def test_offers_what_the_state_allows(self, boss: Client) -> None:
        draft = make_draft("custom", "Hey!")
        offered = {
            row.status: {
                action
                for action in ("preview", "edit", "publish", "pause", "resume", "retire")
                if page_of(row, action) in boss.get(page_of(row)).content.decode()
            }
            for row in (draft, shipped())
        }
        assert offered == {
            "draft": {"preview", "edit", "publish", "retire"},
            "published": {"preview", "edit", "pause", "retire"},
        }


class TestNew:
    def test_makes_a_draft(self, boss: Client) -> None:
        page = boss.post(NEW, {**FILLED, "level": "3", "emotion": "low", "account": str(make_bot().pk)}, follow=True)
        row = MessageTemplate.objects.get(key="summer")
        assert (row.status, row.version, row.level, row.emotion) == ("draft", 1, 3, "low")
        assert row.account is not None
        assert "sent once somebody publishes it" in words_of(page)
        assert LogEntry.objects.get().change_message == "Made a draft."

    @pytest.mark.parametrize(
        ("changes", "field", "complaint"),
        [
            ({"text": "Hi {naem}!"}, "text", "{naem} is not known here: use {days_inactive}, {interest}, {name}"),
            ({"text": "Hi {goal}!"}, "text", "{goal} is not known here"),
            ({"text": "Hi {name!"}, "text", "lacks its other half"),
            ({"text": "Hi @everyone!"}, "text", "must not mention anybody"),
            ({"text": "x" * 1990}, "text", "is the limit"),
            ({"text": " "}, "text", "required"),
            ({"key": "Big Key"}, "key", "small letters"),
            ({"key": "birthday_greeting"}, "key", "belongs to the trigger 'birthday'"),
            ({"locale": "tlh"}, "locale", "is not known: use de, en, es, fr, pt"),
            ({"variant": "A!"}, "variant", "small letters"),
            ({"weight": "-1"}, "weight", "greater than or equal to 0"),
            ({"trigger": "nothing"}, "trigger", "not one of the available choices"),
            ({"level": "9"}, "level", "not one of the available choices"),
        ],
    )
    def test_says_at_the_field_what_is_wrong_and_stores_nothing(
        self, boss: Client, changes: dict[str, str], field: str, complaint: str
    ) -> None:
        before = MessageTemplate.objects.count()
        page = boss.post(NEW, FILLED | changes)
        assert page.status_code == 200
        assert complaint in " ".join(page.context["question"].form.errors[field])
        assert complaint in words_of(page)
        assert MessageTemplate.objects.count() == before

    def test_is_forbidden_to_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("socialmedia.view_messagetemplate"))
        assert client.get(LIST).status_code == 200
        assert client.get(NEW).status_code == 403
        assert client.post(NEW, FILLED).status_code == 403
        assert not MessageTemplate.objects.filter(key="summer").exists()

    def test_needs_the_forms_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_superuser())
        assert client.post(NEW, FILLED).status_code == 403
        assert client.post(page_of(shipped(), "retire")).status_code == 403
        assert not MessageTemplate.objects.filter(key="summer").exists()


class TestEdit:
    def test_of_a_published_one_makes_the_next_version(self, boss: Client) -> None:
        row = shipped()
        assert row.template_text in words_of(boss.get(page_of(row, "edit")))
        boss.post(page_of(row, "edit"), {"text": "Hey {name}!", "name": "Ours", "weight": "2"})
        new = MessageTemplate.objects.get(key="custom", version=2)
        assert (new.status, new.template_text, new.name, new.weight) == ("draft", "Hey {name}!", "Ours", 2)
        assert (new.trigger, new.locale, new.is_shipped) == ("custom", "en", False)
        before = row.template_text
        row.refresh_from_db()
        assert (row.template_text, row.status) == (before, "published")

    def test_of_a_draft_changes_it(self, boss: Client) -> None:
        draft = make_draft("custom", "Hey!")
        boss.post(page_of(draft, "edit"), {"text": "Ahoy!", "name": "", "weight": "1"})
        draft.refresh_from_db()
        assert (draft.template_text, draft.version) == ("Ahoy!", 2)
        assert MessageTemplate.objects.filter(key="custom", version__gt=1).count() == 1

    def test_says_what_is_wrong(self, boss: Client) -> None:
        page = boss.post(page_of(shipped(), "edit"), {"text": "Hi {naem}!", "name": "", "weight": "1"})
        assert "{naem} is not known here" in words_of(page)
        assert not MessageTemplate.objects.filter(version=2).exists()


class TestActions:
    def test_ask_before_anything_happens(self, boss: Client) -> None:
        draft = make_draft("custom", "Hey!")
        for action, row in (("publish", draft), ("retire", draft), ("pause", shipped())):
            assert boss.get(page_of(row, action)).status_code == 200
        draft.refresh_from_db()
        assert draft.status == "draft"
        assert shipped().paused_at is None

    def test_publish_retires_the_one_before(self, boss: Client) -> None:
        before, draft = shipped(), make_draft("custom", "Hey!")
        boss.post(page_of(draft, "publish"))
        before.refresh_from_db()
        draft.refresh_from_db()
        assert (before.status, draft.status, draft.published_by) == ("retired", "published", "boss")
        assert LogEntry.objects.get().change_message == "Published."

    def test_publish_twice_says_so(self, boss: Client) -> None:
        row = shipped()
        page = boss.post(page_of(row, "publish"), follow=True)
        assert "Nothing was changed: Only a draft can be published." in words_of(page)
        assert not LogEntry.objects.exists()

    def test_pause_needs_a_reason_and_resume_undoes_it(self, boss: Client) -> None:
        row = shipped()
        assert boss.post(page_of(row, "pause"), {"reason": " "}).status_code == 200
        row.refresh_from_db()
        assert row.paused_at is None
        boss.post(page_of(row, "pause"), {"reason": "It sounds rude."})
        row.refresh_from_db()
        assert row.pause_reason == "It sounds rude."
        flags.raise_flag(kind="harm", subject=f"template {row.pk}", detail="It did harm.", now=NOON)
        boss.post(page_of(row, "resume"))
        row.refresh_from_db()
        assert row.paused_at is None
        assert StaffFlag.objects.get().settled_by == "boss"

    def test_are_forbidden_to_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("socialmedia.view_messagetemplate"))
        row = shipped()
        for action in ("edit", "publish", "pause", "resume", "retire", "preview"):
            assert client.post(page_of(row, action), {"reason": "x", "text": "x", "weight": "1"}).status_code == 403
            assert page_of(row, action) not in client.get(page_of(row)).content.decode()
        row.refresh_from_db()
        assert (row.status, row.paused_at) == ("published", None)


class TestPreview:
    def test_shows_a_draft_for_a_member_by_id(self, boss: Client) -> None:
        member = make_member(name="Ada Lovelace", timezone="Europe/Berlin")
        draft = make_draft("custom", "Dear {name}![[ {custom_message}]]")
        page = words_of(boss.get(page_of(draft, "preview"), {"member": member.pk}))
        assert "Dear Ada Lovelace!" in page
        assert "/followup_settings off" in page
        assert "dates in the zone Europe/Berlin" in page
        assert "{custom_message} has no value for this member" in page

    def test_lets_choose_among_names(self, boss: Client) -> None:
        members = [make_member(name=f"Ada {number}") for number in (1, 2)]
        page = boss.get(page_of(shipped(), "preview"), {"member": "Ada"}).content.decode()
        for member in members:
            assert f'href="?member={member.pk}"' in page
        one = boss.get(page_of(shipped(), "preview"), {"member": "Ada 1"})
        assert "Hi Ada 1!" in words_of(one)

    @pytest.mark.parametrize("words", ["nobody", "a\x00b", "%", "x" * 255])
    def test_knows_nobody(self, boss: Client, words: str) -> None:
        page = boss.get(page_of(shipped(), "preview"), {"member": words})
        assert page.status_code == 200
        assert page.context["form"].errors

    def test_escapes_names(self, boss: Client) -> None:
        member = make_member(name="<script>alert(1)</script>")
        page = boss.get(page_of(shipped(), "preview"), {"member": member.pk}).content.decode()
        assert "<script>alert(1)</script>" not in page

    def test_sends_and_writes_nothing(self, boss: Client) -> None:
        member, before = make_member(), MessageTemplate.objects.count()
        boss.get(page_of(shipped(), "preview"), {"member": member.pk})
        assert not FollowUp.objects.exists()
        assert not Message.objects.exists()
        assert not LogEntry.objects.exists()
        assert MessageTemplate.objects.count() == before
