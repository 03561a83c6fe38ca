"""What a private message changes by how it sounds."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from followups import cancelling, delivery, emotion, flags, members, planning, readings
from followups.models import FollowUp, FollowUpHistory, MessageEmotion, PolicyDecision, StaffFlag, UserProfile
from jobs.models import ScheduledJob
from socialmedia.models import Message
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_plan, make_queued, make_sent, make_thread, say

VERY_UNHAPPY = "I hate this, I am furious, everything is broken"
UNHAPPY = "this is terrible"  # too little to call a person
FINE = "Thanks, I had a wonderful time, I am so happy!"


def checkins(member: UserProfile) -> list[FollowUp]:
    """The member's check-ins about their mood, oldest first."""
    return list(FollowUp.objects.filter(user=member, trigger_type="emotion_based").order_by("created_at"))


@pytest.fixture
def _model(settings: Any) -> None:
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_MODE = "http://localhost:1", "tiny", "draft"


@pytest.mark.django_db
class TestMood:
    def test_is_kept_with_the_message_and_the_member(self) -> None:
        member = make_member()
        message = say(member, VERY_UNHAPPY, at=NOON)
        row = MessageEmotion.objects.get(pk=message.pk)
        assert (row.user_id, row.sent_at, row.label, row.category) == (member.pk, NOON, "negative", "angry")
        assert (row.method, row.score) == ("vader", emotion.read(VERY_UNHAPPY).score)
        assert member.current_emotion == "angry"
        assert member.emotion_history == [
            {
                "emotion": "angry",
                "confidence": row.confidence,
                "triggers": ["hate", "furious"],
                "intensity": row.intensity,
                "timestamp": "2026-11-18T12:00:00.000000+00:00",
            }
        ]

    def test_of_an_older_message_does_not_replace_a_newer_one(self) -> None:
        member = make_member()
        say(member, FINE, at=NOON)
        say(member, VERY_UNHAPPY, at=NOON - HOUR)
        assert member.current_emotion == "happy"
        assert [entry["emotion"] for entry in member.emotion_history] == ["angry", "happy"]

    def test_history_ends_at_fifty_and_keeps_the_newest(self) -> None:  # ORIGINS 1.7
        member = make_member()
        old = {"emotion": "sad", "confidence": 1, "triggers": [], "intensity": 1, "timestamp": "2025-01-01"}
        UserProfile.objects.filter(pk=member.pk).update(emotion_history=[old] * 50)
        say(member, FINE, at=NOON - HOUR)
        say(member, VERY_UNHAPPY, at=NOON)
        assert len(member.emotion_history) == 50
        assert [entry["emotion"] for entry in member.emotion_history[-3:]] == ["sad", "happy", "angry"]

    def test_counts_unhappy_messages_less_happy_ones_down_to_nought(self) -> None:  # ORIGINS 1.7
        member, counts = make_member(), []
        for text in (
            FINE,
            UNHAPPY,
            VERY_UNHAPPY,
            "I'm so worried about tomorrow",
            "See you at eight",
            FINE,
            FINE,
            FINE,
        ):
            say(member, text)
            counts.append(member.escalation_count)
        assert counts == [0, 1, 2, 2, 2, 1, 0, 0]

    def test_of_a_failure_to_read_is_neutral(self) -> None:
        member = make_member()
        for text in ("https://example.com", "Мне очень грустно", "[no text]"):
            say(member, text)
        assert (member.current_emotion, member.escalation_count) == ("neutral", 0)
        assert set(MessageEmotion.objects.values_list("score", "confidence")) == {(0.5, 0.0)}
        assert not checkins(member)

    def test_is_read_once_when_the_message_comes_twice(self) -> None:
        member = make_member()
        message = say(member, VERY_UNHAPPY)
        with transaction.atomic():
            members.lock(member.pk)
            assert readings.take_in(message, user_id=member.pk, at=NOON, now=NOON) is None
        member.refresh_from_db()
        assert (len(member.emotion_history), member.escalation_count) == (1, 1)
        assert StaffFlag.objects.get().times == 1

    @pytest.mark.parametrize("metadata", [{"command": True}, {"imported": True}])
    def test_is_not_read_from_commands_and_imports(self, metadata: dict[str, bool]) -> None:  # PEERS 28
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        say(member, VERY_UNHAPPY, metadata=metadata)
        sent.refresh_from_db()
        assert not MessageEmotion.objects.exists()
        assert not sent.response_received

    def test_is_not_read_from_a_stop_word_which_is_no_answer_either(self) -> None:  # PEERS 28
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        say(member, "STOP!")
        sent.refresh_from_db()
        assert not MessageEmotion.objects.exists()
        assert not sent.response_received

    def test_costs_few_queries(self, django_assert_max_num_queries: Any) -> None:
        member = make_member()
        thread = make_thread(member)
        assert thread
        say(member, "warm")
        with django_assert_max_num_queries(29):
            say(member, "See you at eight")


@pytest.mark.django_db
class TestCheckIn:
    def test_is_planned_after_several_unhappy_messages(self) -> None:
        member = make_member()
        say(member, UNHAPPY, at=NOON - HOUR)
        assert not checkins(member)  # one is not enough
        message = say(member, UNHAPPY)
        (planned,) = checkins(member)
        assert planned.status == "pending"
        assert planned.trigger_data["message_id"] == message.pk
        assert planned.conversation_id == str(message.conversation_id)

    def test_is_planned_once_in_a_low_phase(self) -> None:
        member = make_member()
        for hours in range(6):
            say(member, UNHAPPY, at=NOON + hours * 13 * HOUR)
        assert len(checkins(member)) == 1

    def test_is_not_planned_again_when_staff_has_cancelled_it(self) -> None:
        member = make_member()
        for _ in range(2):
            say(member, UNHAPPY)
        (planned,) = checkins(member)
        assert planning.cancel_followup(planned.pk, reason="cancelled by boss", now=NOON)
        say(member, UNHAPPY)
        assert len(checkins(member)) == 1

    def test_is_planned_anew_in_the_next_low_phase(self) -> None:
        member = make_member()
        for at in (NOON - 12 * DAY, NOON - 12 * DAY, NOON, NOON):
            say(member, UNHAPPY, at=at, now=at)
        assert len(checkins(member)) == 2

    def test_is_only_for_those_who_opted_in(self) -> None:
        member = make_member(opted_in=False)
        for _ in range(3):
            say(member, UNHAPPY)
        assert not checkins(member)
        assert not PolicyDecision.objects.exists()  # nor a line in the ledger for each message

    def test_is_called_off_when_the_mood_is_better(self) -> None:
        member = make_member()
        for _ in range(2):
            say(member, UNHAPPY)
        say(member, FINE)
        (planned,) = checkins(member)
        assert (planned.status, planned.reason) == ("cancelled", readings.CHEERED_UP)
        assert ScheduledJob.objects.get(job_id=planned.job_id).status == "cancelled"

    def test_comes_back_when_the_better_mood_does_not_last(self) -> None:
        member = make_member()
        for text in (UNHAPPY, UNHAPPY, FINE, *[UNHAPPY] * 5):
            say(member, text)
        assert [planned.status for planned in checkins(member)] == ["cancelled", "pending"]

    def test_never_costs_the_message_itself(self) -> None:
        member = make_member()
        for number in range(planning.MOST_PENDING):
            make_plan(member, occasion=str(number))
        for _ in range(2):
            say(member, UNHAPPY)
        assert not checkins(member)
        assert MessageEmotion.objects.count() == 2


@pytest.mark.django_db
class TestEscalation:
    def test_calls_a_person_and_no_machine(self) -> None:
        member = make_member()
        planned = [make_plan(member, trigger="emotion_based"), make_plan(member, trigger="custom")]
        message = say(member, VERY_UNHAPPY)
        flag = StaffFlag.objects.get()
        assert (flag.kind, flag.user_id, flag.message) == ("escalation", member.pk, message)
        assert VERY_UNHAPPY not in flag.detail
        for follow_up in planned:
            follow_up.refresh_from_db()
        assert [follow_up.status for follow_up in planned] == ["cancelled", "pending"]
        assert planned[0].reason == readings.A_PERSON_ANSWERS

    def test_stops_the_queued_check_in_too(self) -> None:
        member = make_member()
        queued = make_queued(member, trigger="emotion_based")
        say(member, VERY_UNHAPPY)
        queued.refresh_from_db()
        assert queued.message is not None
        assert (queued.status, queued.message.status) == ("cancelled", "suppressed")

    def test_leaves_no_room_for_a_check_in_until_it_is_settled(self) -> None:
        member = make_member()
        say(member, VERY_UNHAPPY)
        for _ in range(2):
            say(member, UNHAPPY)
        assert not checkins(member)
        flags.settle(StaffFlag.objects.get().pk, by="boss", note="talked to them", now=NOON)
        say(member, UNHAPPY)
        assert len(checkins(member)) == 1

    def test_is_raised_for_members_who_did_not_opt_in(self) -> None:
        say(make_member(opted_in=False), "i want to die")
        assert StaffFlag.objects.get().kind == "escalation"

    def test_counts_up_and_never_adds_a_second_flag(self) -> None:
        member = make_member()
        for _ in range(3):
            say(member, VERY_UNHAPPY)
        assert StaffFlag.objects.get().times == 3


@pytest.mark.django_db
class TestUnhappyAnswer:
    def test_is_harm_and_raises_a_flag(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        message = say(member, UNHAPPY)
        sent.refresh_from_db()
        assert (sent.harm, sent.harm_at, sent.response_received) == ("negative_reply", NOON, True)
        flag = StaffFlag.objects.get()
        assert (flag.kind, flag.message) == ("negative_reply", message)

    def test_a_day_later_is_no_harm_but_a_flag(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - 2 * DAY)
        say(member, UNHAPPY)
        sent.refresh_from_db()
        assert (sent.harm, sent.response_received) == ("", True)
        assert StaffFlag.objects.get().kind == "negative_reply"

    def test_is_the_first_message_only(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        say(member, "See you at eight", at=NOON - HOUR / 2)
        say(member, UNHAPPY)
        sent.refresh_from_db()
        assert sent.harm == ""
        assert not StaffFlag.objects.exists()

    def test_is_not_what_could_hardly_be_read(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - HOUR)
        say(member, "I'm so worried about tomorrow")  # negative, but a guess
        sent.refresh_from_db()
        assert sent.harm == ""

    def test_counts_when_it_came_before_the_follow_up_was_recorded(self) -> None:
        member = make_member()
        queued = make_queued(member)
        say(member, UNHAPPY, at=NOON + timedelta(seconds=2))
        assert queued.message is not None
        delivery.on_sent(queued.message, now=NOON + timedelta(seconds=1))
        sent = FollowUpHistory.objects.get()
        assert (sent.response_received, sent.harm) == (True, "negative_reply")
        assert StaffFlag.objects.get().kind == "negative_reply"


@pytest.mark.django_db
class TestAskingTheModel:
    def test_is_left_out_without_one(self) -> None:
        say(make_member(), "Мне очень грустно")
        assert not ScheduledJob.objects.exists()

    @pytest.mark.usefixtures("_model")
    def test_is_for_what_the_words_could_not_tell(self) -> None:
        member = make_member()
        message = say(member, "Мне очень грустно")
        say(member, FINE)
        job = ScheduledJob.objects.get()
        assert (job.job_type, job.payload) == ("read_emotion", {"message_id": message.pk})

    @pytest.mark.usefixtures("_model")
    def test_is_not_for_what_has_no_words(self) -> None:
        for text in ("https://example.com", "[attachment: cat.png]", "!!!"):
            say(make_member(), text)
        assert not ScheduledJob.objects.exists()

    @pytest.mark.usefixtures("_model")
    def test_keeps_the_words_of_others_here(self) -> None:
        say(make_member(opted_in=False), "Мне очень грустно")
        assert not ScheduledJob.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_messages_of_one_member_keep_both_moods(self) -> None:
        member = make_member()
        make_thread(member)
        at_once(2, lambda index: say(UserProfile.objects.get(pk=member.pk), (VERY_UNHAPPY, UNHAPPY)[index]))
        member.refresh_from_db()
        assert sorted(entry["emotion"] for entry in member.emotion_history) == ["angry", "sad"]
        assert member.escalation_count == 2

    def test_several_unhappy_messages_plan_one_check_in(self) -> None:
        member = make_member()
        make_thread(member)
        at_once(4, lambda _: say(UserProfile.objects.get(pk=member.pk), UNHAPPY))
        assert len(checkins(member)) == 1
        assert MessageEmotion.objects.count() == 4

    def test_nothing_is_lost_or_stuck_among_messages_cancelling_and_delivery(self) -> None:
        member = make_member()
        make_thread(member)
        queued = make_queued(member, trigger="emotion_based")
        assert queued.message is not None
        message = queued.message

        def act(index: int) -> None:
            if index == 0:
                cancelling.cancel(queued.pk, reason="by staff", now=NOON)
            elif index == 1:
                delivery.on_failed(message, reason="50007", unreachable=True, now=NOON)
            elif index == 2:
                members.note_left(member.pk, at=NOON)
            else:
                say(UserProfile.objects.get(pk=member.pk), (VERY_UNHAPPY, FINE, UNHAPPY)[index - 3])

        at_once(6, act)

        member.refresh_from_db()
        assert len(member.emotion_history) == MessageEmotion.objects.count() == 3


@pytest.mark.django_db
class TestIndex:
    def test_finds_the_last_five_among_many(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT score FROM message_emotions WHERE user_id = 'x'"
                " ORDER BY sent_at DESC, message_id DESC LIMIT 5"
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "idx_emotions_user_time" in plan


@pytest.mark.django_db
class TestForgetting:
    def test_a_message_takes_its_mood_along_and_leaves_the_flag(self) -> None:
        message = say(make_member(), VERY_UNHAPPY)
        message.delete()
        assert not MessageEmotion.objects.exists()
        assert StaffFlag.objects.get().message is None


def change(message: Message, text: str, *, now: datetime = NOON) -> emotion.Reading | None:
    """The member edits a message, as the bot takes it in."""
    with transaction.atomic():
        members.lock(message.conversation.participant_id)
        Message.objects.filter(pk=message.pk).update(message_text=text)
        message.refresh_from_db()
        return readings.take_in_edit(message, now=now)


def forget(message: Message) -> bool:
    """The member takes a message back, as the bot takes it in."""
    with transaction.atomic():
        members.lock(message.conversation.participant_id)
        return readings.forget(message, now=NOON)


@pytest.mark.django_db
class TestEdit:
    def test_is_read_in_place_of_the_old_words(self) -> None:
        member = make_member()
        message = say(member, UNHAPPY)
        assert change(message, FINE) is not None
        member.refresh_from_db()
        row = MessageEmotion.objects.get()
        assert (row.category, row.sent_at) == ("happy", NOON)
        assert [entry["emotion"] for entry in member.emotion_history] == ["happy"]
        assert (member.current_emotion, member.escalation_count) == ("happy", 0)

    def test_calls_a_person_once(self) -> None:
        member = make_member()
        message = say(member, "All is well")
        for _ in range(2):  # Discord may tell it twice
            change(message, VERY_UNHAPPY)
        assert StaffFlag.objects.get(user=member, kind="escalation").times == 1

    def test_leaves_no_word_of_before_in_the_history(self) -> None:
        member = make_member()
        message = say(member, VERY_UNHAPPY)
        change(message, "I am furious")
        member.refresh_from_db()
        assert [entry["triggers"] for entry in member.emotion_history] == [["furious"]]

    def test_that_tells_nothing_any_more_takes_the_mood_with_it(self) -> None:
        member = make_member()
        assert change(say(member, UNHAPPY), "stop") is None
        member.refresh_from_db()
        assert member.emotion_history == []
        assert not MessageEmotion.objects.exists()

    def test_of_what_was_never_read_is_not_read_either(self) -> None:
        member = make_member()
        message = say(member, "!followup_settings", metadata={"command": True})
        assert change(message, VERY_UNHAPPY) is None
        assert not MessageEmotion.objects.exists()

    @pytest.mark.usefixtures("_model")
    def test_is_shown_to_the_model_like_a_new_message(self) -> None:
        message = say(make_member(), FINE)
        change(message, "Мне очень грустно")
        assert ScheduledJob.objects.get(job_type=readings.JOB_TYPE).payload == {"message_id": message.pk}


@pytest.mark.django_db
class TestForget:
    def test_takes_the_mood_and_the_words_that_told_it(self) -> None:
        member = make_member()
        say(member, FINE, at=NOON - HOUR)
        message = say(member, VERY_UNHAPPY)
        assert forget(message)
        assert not forget(message)
        member.refresh_from_db()
        assert [entry["emotion"] for entry in member.emotion_history] == ["happy"]
        assert (member.current_emotion, member.escalation_count) == ("happy", 0)

    def test_leaves_no_mood_where_nothing_else_tells_of_one(self) -> None:
        member = make_member()
        forget(say(member, VERY_UNHAPPY))
        member.refresh_from_db()
        assert (member.current_emotion, member.emotion_history) == ("neutral", [])

    def test_calls_off_the_check_in_that_rests_on_it(self) -> None:
        member = make_member()
        messages = [say(member, UNHAPPY, at=NOON - n * HOUR) for n in (2, 1)]
        assert [plan.status for plan in checkins(member)] == ["pending"]
        for message in messages:
            forget(message)
        (plan,) = checkins(member)
        assert (plan.status, plan.reason) == ("cancelled", readings.TAKEN_BACK)

    def test_keeps_the_flag_that_has_called_a_person(self) -> None:
        member = make_member()
        forget(say(member, VERY_UNHAPPY))
        assert StaffFlag.objects.filter(user=member, kind="escalation", settled_at=None).exists()

    def test_takes_one_of_two_that_sounded_alike(self) -> None:
        member = make_member()
        say(member, UNHAPPY, at=NOON - HOUR)
        forget(say(member, UNHAPPY))
        member.refresh_from_db()
        assert len(member.emotion_history) == 1
