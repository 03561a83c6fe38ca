"""The console's pages of drafts: what staff see of a text, and what their decision does."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from followups import composing
from followups.admin import drafts
from followups.models import Draft, FollowUp, UserProfile
from jobs.models import ScheduledJob
from socialmedia import inbox
from tests.config.factories import make_conversation, make_draft, make_follow_up, make_job, make_member, make_staff
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db
LIST = reverse("admin:followups_draft_changelist")


def page_of(draft: Draft, action: str = "change") -> str:
    """The address of a draft's page, or of one of its actions."""
    return f"{LIST}{draft.pk}/{action}/"


def make_waiting(**values: Any) -> Draft:
    """A draft that waits, of a member who wrote to us, with its follow-up's job."""
    now = timezone.now()
    member = make_member(opted_in=True, last_interaction=now - timedelta(days=12))
    make_conversation(member, make_bot(), now=now)
    job = make_job(now=now, job_type="follow_up_message", due=now + timedelta(days=1))
    ScheduledJob.objects.filter(pk=job.pk).update(scheduled_time=now)  # was due, and waits for a person
    follow_up = make_follow_up(member, now=now, job_id=job.job_id)
    return make_draft(follow_up, now=now, **values)


class TestList:
    def test_shows_first_what_waits(self, boss: Client) -> None:
        waiting = make_waiting()
        now = timezone.now()
        make_draft(make_follow_up(make_member(), now=now), "failed", now=now, text="", problem="It was slow.")

        first, everything = boss.get(LIST), boss.get(LIST, {"state": "all"})

        assert [row.pk for row in first.context["cl"].result_list] == [waiting.pk]
        assert everything.context["cl"].result_count == 2
        assert "It was slow." in everything.content.decode()


class TestPage:
    def test_shows_claims_beside_their_sources_and_the_template(self, boss: Client) -> None:
        draft = make_waiting()
        template = composing.compose(draft.follow_up.user, draft.follow_up, now=timezone.now()).text

        page = boss.get(page_of(draft)).content.decode()

        assert "Was the event good?" in page
        assert "Hi there, is the <mark>event</mark> still on?" in page
        assert escape(template.partition("\n")[0]) in page
        assert "rests on the member&#x27;s own words" in page

    def test_says_what_is_wrong_by_now(self, boss: Client) -> None:
        draft = make_waiting()
        thread = inbox.Conversation.objects.get(participant_id=draft.follow_up.user_id)
        now = timezone.now()
        inbox.record_inbound(conversation=thread, external_message_id="new", text="Hi!", sent_at=now, now=now)

        assert "The conversation has changed" in boss.get(page_of(draft)).content.decode()

    def test_quotes_nobody_else(self, boss: Client) -> None:
        other = make_waiting()
        draft = make_waiting(claims=[{"says": "the event", "source": f"m{other.newest_message_id}"}])

        page = boss.get(page_of(draft)).content.decode()

        assert "still on?" not in page
        assert "there is no such message of theirs" in page

    def test_shows_markup_as_text(self) -> None:
        assert drafts.marked("<b>an exam</b>", {"exam"}) == "&lt;b&gt;an <mark>exam</mark>&lt;/b&gt;"
        assert drafts.marked("<i>", set()) == "&lt;i&gt;"


class TestDecisions:
    def test_need_a_click_on_a_question(self, boss: Client) -> None:
        draft = make_waiting()

        for action in ("approve", "edit", "reject"):
            assert boss.get(page_of(draft, action)).status_code == 200

        draft.refresh_from_db()
        assert draft.status == "waiting"

    def test_approve_and_wake_the_job(self, boss: Client) -> None:
        draft = make_waiting()

        boss.post(page_of(draft, "approve"))

        draft.refresh_from_db()
        assert (draft.status, draft.decided_by) == ("approved", "boss")
        assert LogEntry.objects.get().change_message == "Approved."
        assert ScheduledJob.objects.get().next_attempt_at <= timezone.now()

    def test_edit_with_the_checks_again(self, boss: Client) -> None:
        draft = make_waiting()

        bad = boss.post(page_of(draft, "edit"), {"text": "Hi @everyone"})
        assert "The text has a mention or an address in it." in bad.content.decode()
        boss.post(page_of(draft, "edit"), {"text": "Hi! How was the workshop?"})

        draft.refresh_from_db()
        assert (draft.status, draft.text) == ("approved", "Hi! How was the workshop?")

    def test_reject_with_a_reason(self, boss: Client) -> None:
        draft = make_waiting()

        assert boss.post(page_of(draft, "reject"), {"reason": ""}).status_code == 200
        boss.post(page_of(draft, "reject"), {"reason": "Too chummy."})

        draft.refresh_from_db()
        assert (draft.status, draft.problem, draft.decided_by) == ("rejected", "Too chummy.", "boss")

    @pytest.mark.parametrize("action", ["approve", "edit", "reject"])
    def test_tell_the_second_that_somebody_was_first(self, boss: Client, action: str) -> None:
        draft = make_waiting()
        Draft.objects.filter(pk=draft.pk).update(status="approved", decided_by="ada", decided_at=timezone.now())

        page = boss.post(page_of(draft, action), {"text": "Hi!", "reason": "No."}, follow=True).content.decode()

        assert "Nothing was changed. ada was first: the draft is approved." in page
        assert not re.search(r"/(approve|edit|reject)/", page)

    def test_say_when_approval_came_too_late(self, boss: Client) -> None:
        draft = make_waiting(expires_at=timezone.now() - timedelta(hours=1))

        page = boss.post(page_of(draft, "approve"), follow=True).content.decode()

        assert "The template is sent instead. Nobody decided in time" in page

    def test_are_for_those_who_may_operate(self, client: Client) -> None:
        draft = make_waiting()
        client.force_login(make_staff("followups.view_draft"))

        assert client.get(page_of(draft)).status_code == 200
        assert client.post(page_of(draft, "approve")).status_code == 403
        assert (FollowUp.objects.count(), UserProfile.objects.count()) == (1, 1)
