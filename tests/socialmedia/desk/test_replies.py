"""Staff's replies: drafts, sent now, sent later, and never twice."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.errors import Snooze
from jobs.lifecycle import cancel_job
from jobs.models import JobStatus, ScheduledJob
from jobs.outcomes import LeaseLost
from socialmedia import retention
from socialmedia.desk import canned, postponed, replies, reply_texts, threads
from socialmedia.desk.reply_texts import CannotReply
from socialmedia.handlers import inbox
from socialmedia.models import Account, Conversation, Message, MessageTemplate, StaffReply
from tests.concurrency import at_once
from tests.socialmedia.desk.factories import (
    HOUR,
    make_chat,
    make_later,
    make_staff,
    make_tiktok_chat,
    outgoing,
    say,
    start_job,
    written,
)
from tests.socialmedia.factories import NOON, make_bot, make_conversation, make_person

pytestmark = pytest.mark.django_db


def due(reply: StaffReply) -> StaffReply:
    """Run the reply's job at its time."""
    replies.send_due(start_job(reply), now=NOON + HOUR)
    reply.refresh_from_db()
    return reply


class TestDraft:
    def test_is_one_for_each_person(self) -> None:
        chat, ann, bob = make_chat(), make_staff(), make_staff()
        for text in ("One", "Two {unfinished"):
            replies.save_draft(written(chat, text, ann), now=NOON)
        replies.save_draft(written(chat, "Bob's", bob), now=NOON)
        drafts = {ann: "Two {unfinished", bob: "Bob's"}
        for by, text in drafts.items():
            draft = replies.draft_of(chat.pk, by)
            assert draft is not None
            assert draft.text == text
        assert StaffReply.objects.count() == 2

    def test_is_gone_without_words(self) -> None:
        chat, ann = make_chat(), make_staff()
        replies.save_draft(written(chat, "One", ann), now=NOON)
        assert replies.save_draft(written(chat, " ", ann), now=NOON) is None
        assert not StaffReply.objects.exists()

    def test_becomes_the_reply(self) -> None:
        chat, ann = make_chat(), make_staff()
        draft = replies.save_draft(written(chat, "One", ann), now=NOON)
        assert draft is not None
        sent = replies.send(written(chat, "Two", ann), now=NOON)
        assert (sent.pk, sent.status, sent.text) == (draft.pk, "sent", "Two")
        assert replies.draft_of(chat.pk, ann) is None


class TestSend:
    def test_queues_the_words_with_their_author(self) -> None:
        chat, ann = make_chat(), make_staff("ann", first_name="Ann", last_name="Hall")
        reply = replies.send(written(chat, "Hi {name}, {staff} here, for {account}.", ann), now=NOON)
        message = Message.objects.get(is_outgoing=True)
        assert message.message_text == reply.rendered_text == "Hi Ada, Ann Hall here, for checkback."
        assert (message.status, message.is_automated, message.metadata["staff"]) == ("queued", False, "Ann Hall")
        assert (reply.status, reply.message_id, reply.sent_at, reply.closed_by) == ("sent", message.pk, NOON, "ann")

    def test_ends_lines_as_networks_do_not_as_browsers_do(self) -> None:
        chat = make_chat()
        replies.send(written(chat, "One\r\nTwo \r\n"), now=NOON)
        assert outgoing(chat) == ["One\nTwo"]

    def test_does_nothing_again_for_the_same_click(self) -> None:
        chat, ann = make_chat(), make_staff()
        first = replies.send(written(chat, "Hi", ann, key="k1"), now=NOON)
        assert replies.send(written(chat, "Hi", ann, key="k1"), now=NOON).pk == first.pk
        assert outgoing(chat) == ["Hi"]

    def test_says_so_when_a_page_that_was_gone_back_to_sends_other_words(self) -> None:
        chat, ann = make_chat(), make_staff()
        replies.send(written(chat, "Hi", ann, key="k1"), now=NOON)
        with pytest.raises(replies.CannotReply, match="were not sent"):
            replies.send(written(chat, "And this?", ann, key="k1"), now=NOON)
        assert outgoing(chat) == ["Hi"]

    def test_goes_nowhere_in_the_name_of_an_account_that_is_out_of_use(self) -> None:
        chat = make_chat()
        later = make_later(chat)
        Account.objects.filter(pk=chat.account_id).update(is_active=False)
        with pytest.raises(replies.CannotReply, match="is out of use"):
            replies.send(written(chat), now=NOON)
        assert due(later).status == "failed"
        assert outgoing(chat) == []

    def test_tells_who_has_not_seen_the_newest(self) -> None:
        chat = make_chat()
        seen = Message.objects.get().pk
        replies.send(written(chat, "From Ann", seen=seen), now=NOON)
        with pytest.raises(replies.SomethingNew, match="was not on your page"):
            replies.send(written(chat, "From Bob", seen=seen), now=NOON)
        assert outgoing(chat) == ["From Ann"]

    def test_goes_to_nobody_who_never_wrote(self) -> None:
        with pytest.raises(CannotReply, match="people are only answered"):
            replies.send(written(make_conversation()), now=NOON)
        assert not Message.objects.exists()

    def test_goes_into_no_conversation_that_is_shut(self) -> None:
        chat = make_chat()
        threads.block(chat.pk, by="ann", now=NOON)
        with pytest.raises(CannotReply, match="is blocked"):
            replies.send(written(chat), now=NOON)
        threads.unblock(chat.pk, now=NOON)
        threads.mark_spam(chat.pk, by="ann", now=NOON)
        with pytest.raises(CannotReply, match="is marked as spam"):
            replies.send(written(chat), now=NOON)
        assert outgoing(chat) == []

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (" \x00 ", "has 1 to 4,000"),
            ("x" * (reply_texts.LONGEST + 1), "has 1 to 4,000"),
            ("Hi {video_title}", "{video_title} is not known here"),
            ("Hi {name", "lacks its other half"),
        ],
    )
    def test_has_words_that_can_be_sent(self, text: str, sentence: str) -> None:
        chat = make_chat()
        with pytest.raises(CannotReply, match=sentence):
            replies.send(written(chat, text), now=NOON)
        assert not StaffReply.objects.exists()

    def test_is_refused_where_a_value_is_missing(self) -> None:
        chat = make_chat()
        threads.mark_read(chat.pk, now=NOON)
        Conversation.objects.update(participant_id="unknown", participant_display_name="")
        with pytest.raises(CannotReply, match=r"Nothing is known here for \{name\}"):
            replies.send(written(chat), now=NOON)
        assert replies.send(written(chat, "Hi[[ {name}]]!"), now=NOON).rendered_text == "Hi!"

    def test_puts_a_name_with_braces_in_as_it_is(self) -> None:
        person = make_person(display_name="{account}\n  Ada")
        chat = make_conversation(make_bot(), person)
        say(chat)
        assert replies.send(written(chat), now=NOON).rendered_text == "Hi {account} Ada!"


class TestCanned:
    def test_counts_its_use_when_it_goes(self) -> None:
        chat = make_chat()
        template = canned.add(name="Thanks", text="Thanks, {name}!", by="ann", now=NOON)
        assert list(canned.offered(chat)) == [template]
        replies.send(written(chat, "Thanks, {name}!", template_id=template.pk), now=NOON)
        template.refresh_from_db()
        assert (template.times_used, template.last_used_at) == (1, NOON)
        assert Message.objects.get(is_outgoing=True).template_used == "Thanks"

    def test_is_a_published_template_without_a_trigger(self) -> None:
        chat = make_chat()
        good = {"name": "a", "template_text": "x", "status": "published"}
        other = make_bot()
        for changes in ({"status": "draft"}, {"trigger": "inactivity"}, {"category": "promo"}, {"account": other}):
            MessageTemplate.objects.create(**{**good, **changes})
        fits: Any = {**good, "account": chat.account, "category": "thank_you"}
        template = MessageTemplate.objects.create(**fits)
        assert list(canned.offered(chat)) == [template]

    def test_takes_new_words_under_its_name(self) -> None:
        chat = make_chat()
        for text in ("One", "Two"):
            canned.add(name="Thanks", text=text, by="ann", now=NOON)
        assert [row.template_text for row in canned.offered(chat)] == ["Two"]


class TestLater:
    def test_waits_for_its_job(self) -> None:
        chat = make_chat()
        reply = make_later(chat)
        job = ScheduledJob.objects.get(job_id=reply.job_id)
        assert (reply.status, job.scheduled_time, job.payload) == ("scheduled", NOON + HOUR, {"reply_id": reply.pk})
        assert outgoing(chat) == []
        assert due(reply).status == "sent"
        assert outgoing(chat) == ["Still there?"]
        job.refresh_from_db()
        assert job.status == JobStatus.COMPLETED

    @pytest.mark.parametrize("away", [timedelta(0), -HOUR, timedelta(days=367)])
    def test_is_in_the_future_and_within_a_year(self, away: timedelta) -> None:
        with pytest.raises(CannotReply, match="in the future, at most a year"):
            replies.send_later(written(make_chat()), send_at=NOON + away, now=NOON)

    def test_is_made_once_by_a_click(self) -> None:
        wanted = written(make_chat(), key="k1")
        made = {replies.send_later(wanted, send_at=NOON + HOUR, now=NOON).pk for _ in range(2)}
        assert len(made) == ScheduledJob.objects.count() == 1

    def test_is_cancelled_when_they_write_first(self) -> None:
        chat = make_chat()
        reply = make_later(chat)
        say(chat, "Here I am")
        assert ScheduledJob.objects.get().status == JobStatus.CANCELLED
        reply.refresh_from_db()
        assert (reply.status, reply.problem, reply.closed_by) == ("cancelled", postponed.THEY_WROTE, "")

    def test_stays_when_it_is_to_go_in_any_case(self) -> None:
        chat = make_chat()
        reply = make_later(chat, cancel_on_answer=False)
        say(chat, "Here I am")
        assert due(reply).status == "sent"

    def test_is_never_sent_after_it_was_cancelled_while_its_job_ran(self) -> None:
        chat = make_chat()
        reply = make_later(chat)
        attempt = start_job(reply)
        say(chat, "Here I am")
        replies.send_due(attempt, now=NOON + HOUR)
        assert outgoing(chat) == []
        assert ScheduledJob.objects.get().status == JobStatus.COMPLETED

    def test_fails_with_the_reason_when_it_cannot_go_any_more(self) -> None:
        chat = make_chat()
        reply = make_later(chat, "Hi {name}")
        threads.snooze(chat.pk, until=NOON + 9 * HOUR, now=NOON)
        Conversation.objects.update(participant_id="unknown", participant_display_name="")
        assert (due(reply).status, reply.problem[:21]) == ("failed", "Nothing is known here")
        chat.refresh_from_db()
        assert (chat.snoozed_until, chat.unread_count) == (None, 1)  # a person must see it

    def test_goes_once_however_often_its_job_is_run(self) -> None:
        chat = make_chat()
        reply = make_later(chat)
        due(reply)
        replies.send_due(start_job(reply), now=NOON + 2 * HOUR)  # as after a crash of an older version
        assert outgoing(chat) == ["Still there?"]

    def test_leaves_nothing_behind_when_its_job_was_taken_over(self) -> None:
        chat = make_chat()
        reply = make_later(chat)
        lost = start_job(reply)
        start_job(reply)
        with pytest.raises(LeaseLost):
            replies.send_due(lost, now=NOON + HOUR)
        assert outgoing(chat) == []
        reply.refresh_from_db()
        assert reply.status == "scheduled"

    def test_gets_new_words_and_another_time(self) -> None:
        reply = make_later()
        assert replies.change(reply.pk, text="Any news?", send_at=NOON + 3 * HOUR, now=NOON)
        assert ScheduledJob.objects.get().scheduled_time == NOON + 3 * HOUR
        with pytest.raises(Snooze):
            replies.send_due(start_job(reply), now=NOON + HOUR)
        replies.send_due(start_job(reply), now=NOON + 3 * HOUR)
        assert outgoing(reply.conversation) == ["Any news?"]
        assert replies.change(reply.pk, text="x", send_at=NOON + 9 * HOUR, now=NOON) is False

    def test_gets_a_new_job_when_its_own_was_cancelled(self) -> None:
        reply = make_later()
        cancel_job(reply.job_id, now=NOON)
        assert replies.change(reply.pk, text="Any news?", send_at=NOON + 3 * HOUR, now=NOON)
        assert ScheduledJob.objects.pending().get().scheduled_time == NOON + 3 * HOUR

    def test_is_cancelled_by_staff_once(self) -> None:
        reply = make_later()
        assert [replies.cancel(reply.pk, by="ann", now=NOON) for _ in range(2)] == [True, False]
        assert replies.cancel(0, by="ann", now=NOON) is False

    def test_has_nothing_to_do_when_the_conversation_is_gone(self) -> None:
        reply = make_later()
        attempt = start_job(reply)
        Conversation.objects.all().delete()
        replies.send_due(attempt, now=NOON + HOUR)
        assert ScheduledJob.objects.get().status == JobStatus.COMPLETED

    def test_is_run_by_the_engine(self) -> None:
        reply = make_later()
        inbox.staff_reply(start_job(reply))
        reply.refresh_from_db()
        assert reply.status == "sent"

    @pytest.mark.parametrize("ended", ["cancelled", "failed", "deleted"])
    def test_says_so_when_its_job_ended_without_it(self, ended: str) -> None:
        reply = make_later()
        job = ScheduledJob.objects.filter(job_id=reply.job_id)
        if ended == "cancelled":
            assert cancel_job(reply.job_id, now=NOON)
        elif ended == "failed":
            job.update(status=JobStatus.FAILED, completed_at=NOON)
        else:
            job.delete()

        assert replies.close_stranded(now=NOON) == 0, "its time has not come"
        assert [replies.close_stranded(now=NOON + HOUR) for _ in range(2)] == [1, 0]
        reply.refresh_from_db()
        assert (reply.status, reply.problem) == ("failed", "Its job was cancelled or failed, so it was not sent.")
        assert Conversation.objects.get().unread_count == 1

    def test_that_still_has_a_job_is_left_to_it(self) -> None:
        reply = make_later()
        start_job(reply)
        assert replies.close_stranded(now=NOON + HOUR) == 0

    def test_becomes_ready_where_no_program_can_send(self) -> None:
        chat = make_tiktok_chat()
        reply = make_later(chat)
        threads.archive(chat.pk, now=NOON)
        assert (due(reply).status, reply.rendered_text) == ("ready", "Still there?")
        assert outgoing(chat) == []
        assert Conversation.objects.get().is_archived is False


class TestRetention:
    def test_lets_go_what_is_closed_and_keeps_what_is_to_do(self) -> None:
        chat, ann = make_chat(), make_staff()
        replies.send(written(chat, "Hi", ann), now=NOON)
        replies.save_draft(written(chat, "Soon", ann), now=NOON)
        make_later(chat, by=ann)
        old = retention.old_replies(NOON + HOUR)
        assert [row.status for row in old] == ["sent"]
        assert not retention.old_replies(NOON).exists()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_double_click_sends_once(self) -> None:
        wanted = written(make_chat(), "Hi", key="k1")
        sent = at_once(6, lambda _number: replies.send(wanted, now=NOON).pk)
        assert len(set(sent)) == 1
        assert Message.objects.filter(is_outgoing=True).count() == 1

    def test_of_two_who_answer_the_same_one_is_told(self) -> None:
        chat = make_chat()
        seen, staff = Message.objects.get().pk, [make_staff(), make_staff()]

        def answer(number: int) -> bool:
            try:
                return replies.send(written(chat, "Hi", staff[number], seen=seen), now=NOON).status == "sent"
            except replies.SomethingNew:
                return False

        assert sorted(at_once(2, answer)) == [False, True]
        assert outgoing(chat) == ["Hi"]

    @pytest.mark.parametrize("stop", ["answer", "block", "cancel"])
    def test_what_is_cancelled_is_never_sent(self, stop: str) -> None:
        chat = make_chat()
        reply = make_later(chat)
        attempt = start_job(reply)

        def act(number: int) -> None:
            if number == 0:
                replies.send_due(attempt, now=NOON + HOUR)
            elif stop == "answer":
                say(chat, "Here I am")
            elif stop == "block":
                threads.block(chat.pk, by="ann", now=NOON)
            else:
                replies.cancel(reply.pk, by="ann", now=NOON)

        at_once(2, act)
        reply.refresh_from_db()
        assert (reply.status, len(outgoing(chat))) in {("cancelled", 0), ("sent", 1)}
        if stop == "block":
            assert not Message.objects.filter(is_outgoing=True, status="queued").exists()
