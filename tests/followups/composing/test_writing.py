"""Composing: warm, short, safe, in the member's language, and always with the way out."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from followups import composing
from followups.composing import languages, variables
from followups.models import Booking, FollowUp, Goal, Trigger, UserProfile
from socialmedia.models import MessageTemplate
from tests.followups.composing.factories import make_moods, make_template
from tests.followups.factories import DAY, NOON, execute, make_member, make_plan
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


def text_of(trigger: str = "inactivity", level: int = 1, name: str = "Ada", locale: str = "", **data: object) -> str:
    return composed_of(trigger, level, name, locale, **data).text


def composed_of(trigger: str, level: int = 1, name: str = "", locale: str = "", **data: object) -> composing.Composed:
    profile = UserProfile(user_id="1", name=name, relationship_level=level, locale=locale, last_interaction=NOON - DAY)
    return composing.compose(profile, FollowUp(trigger_type=trigger, trigger_data=data), now=NOON)


class TestCompose:
    @pytest.mark.parametrize("trigger", Trigger.values)
    @pytest.mark.parametrize("name", ["Ada", ""])
    @pytest.mark.parametrize("locale", sorted(languages.codes()))
    def test_has_a_text_for_every_trigger_level_and_language(self, trigger: str, name: str, locale: str) -> None:
        texts = [text_of(trigger, level, name, locale) for level in (1, 2, 3, 4)]

        assert texts[0] == texts[1]  # a stranger gets the neutral tone (ORIGINS 1.6)
        assert len(set(texts)) == 3
        for text in texts:
            assert text.endswith(languages.of(locale).stop_line)
            assert "/followup_settings off" in text
            assert "{" not in text
            assert ("Ada" in text) is bool(name)

    def test_greets_without_a_name_properly(self) -> None:
        assert text_of(name="").startswith("Hi! ")
        assert text_of(name="Ada").startswith("Hi Ada! ")
        assert text_of(name="", locale="es").startswith("¡Hola! ")
        assert text_of(name="Ada", locale="es").startswith("¡Hola, Ada! ")

    @pytest.mark.parametrize("level", [77, -2, 0])
    def test_takes_an_unknown_level_for_a_stranger(self, level: int) -> None:
        assert text_of(level=level) == text_of(level=1)

    @pytest.mark.parametrize(
        ("trigger", "level", "template"),
        [
            ("inactivity", 1, "inactivity_acquaintance"),
            ("inactivity", 3, "inactivity_friend"),
            ("inactivity", 4, "inactivity_close_friend"),
            ("post_event", 3, "post_event_neutral_emotion"),
            ("re_engagement", 3, "reengagement_general"),
            ("emotion_based", 3, "emotion_check_in"),
            ("custom", 3, "custom"),
            ("birthday", 3, "birthday_greeting"),
            ("goal", 3, "goal_check_in"),
        ],
    )
    def test_names_its_template(self, trigger: str, level: int, template: str) -> None:
        composed = composed_of(trigger, level)
        row = MessageTemplate.objects.get(pk=composed.template)
        assert (composed.key, composed.locale, composed.emotion) == (template, "en", "neutral")
        assert (row.key, row.locale, row.version) == (template, "en", 1)

    @pytest.mark.parametrize(
        ("locale", "words"),
        [
            ("en", "Spring \\*party\\* on March 5, 2026"),
            ("de", "bei Spring \\*party\\* am 5. März 2026"),
            ("es", "a Spring \\*party\\* el 5 de marzo de 2026"),
            ("fr", "pour Spring \\*party\\* le 5 mars 2026"),
            ("pt-br", "a Spring \\*party\\* no dia 5 de março de 2026"),
        ],
    )
    def test_names_the_event_and_its_date(self, locale: str, words: str) -> None:
        text = text_of("post_event", locale=locale, event="Spring *party*", event_at="2026-03-05T18:00:00+00:00")
        assert words in text

    def test_dates_the_event_in_the_members_zone(self) -> None:
        member = make_member(timezone="Asia/Tokyo")
        follow_up = FollowUp(
            user=member, trigger_type="post_event", event_at=datetime.fromisoformat("2026-03-05T18:00Z")
        )
        assert "on March 6, 2026" in composing.compose(member, follow_up, now=NOON).text

    @pytest.mark.parametrize("event_at", ["", "soon", "2026-13-45T00:00:00Z", None, 7])
    def test_does_without_a_date(self, event_at: object) -> None:
        assert "Thank you for coming. How" in text_of("post_event", event_at=event_at)

    @pytest.mark.parametrize(
        ("scores", "key"),
        [
            ([0.0] * 5, "post_event_low_emotion"),  # ORIGINS 8.13: a score of 0.0 counts
            ([], "post_event_neutral_emotion"),
            ([0.4], "post_event_neutral_emotion"),
            ([0.7], "post_event_high_emotion"),
            ([0.39, 0.39], "post_event_low_emotion"),
            ([0.95] * 5 + [0.0] * 9, "post_event_high_emotion"),  # only the last five
        ],
    )
    def test_chooses_by_mood(self, scores: list[float], key: str) -> None:
        """ORIGINS 3.5 and 8.13."""
        member = make_member()
        make_moods(member, scores)
        follow_up = FollowUp(user=member, trigger_type="post_event")
        assert composing.compose(member, follow_up, now=NOON).key == key

    def test_thanks_who_came_to_an_event(self) -> None:
        member = make_member(name="Ada")
        make_booking(member, event_at=NOON - 40 * DAY, name="Spring party")
        composed = composing.compose(member, FollowUp(user=member, trigger_type="re_engagement"), now=NOON)
        assert composed.key == "reengagement_past_customer"
        assert "at Spring party on October 9, 2026" in composed.text

    def test_thanks_nobody_for_an_event_to_come_or_called_off(self) -> None:
        member = make_member()
        make_booking(member, event_at=NOON + DAY)
        make_booking(member, event_at=NOON - DAY, status="cancelled", cancelled_at=NOON - 2 * DAY)
        composed = composing.compose(member, FollowUp(user=member, trigger_type="re_engagement"), now=NOON)
        assert composed.key == "reengagement_general"

    def test_asks_about_the_goal_of_today(self) -> None:
        """PEERS 30: the plan's copy may be older."""
        member = make_member()
        Goal.objects.create(user=member, text="run ten kilometers", check_in_at=NOON)
        follow_up = FollowUp(user=member, trigger_type="goal", trigger_data={"goal": "run five kilometers"})
        assert "“run ten kilometers”" in composing.compose(member, follow_up, now=NOON).text

    def test_uses_the_name_of_today(self) -> None:
        """PEERS 30: written when it is due, not when it is planned."""
        make_bot()
        member = make_member(name="Old")
        follow_up = make_plan(member)
        UserProfile.objects.filter(pk=member.pk).update(name="New")
        text = execute(follow_up).message_content
        assert "New" in text
        assert "Old" not in text

    def test_says_how_long_it_was_quiet(self) -> None:
        member = make_member(last_interaction=NOON - timedelta(days=61))
        follow_up = FollowUp(user=member, trigger_type="re_engagement")
        assert "for about two months." in composing.compose(member, follow_up, now=NOON).text

    def test_falls_back_to_the_communitys_language(self, settings: Any) -> None:
        settings.FOLLOW_UP_LANGUAGE = "fr"
        assert composed_of("custom", locale="it").locale == "fr"
        assert text_of("custom", locale="it", text="Ciao!").endswith(languages.of("fr").stop_line)

    def test_takes_two_queries(self, django_assert_num_queries: Any) -> None:
        member = make_member()
        for trigger, count in (("inactivity", 2), ("post_event", 2), ("custom", 2), ("re_engagement", 3), ("goal", 3)):
            with django_assert_num_queries(count, info=trigger):
                composing.compose(member, FollowUp(user=member, trigger_type=trigger), now=NOON)

    def test_raises_when_nothing_is_published(self) -> None:
        MessageTemplate.objects.filter(trigger="birthday").update(status="retired")
        with pytest.raises(composing.NothingPublished, match="No published template for 'birthday'"):
            composed_of("birthday")

    def test_writes_all_its_choices_down(self) -> None:
        make_template("inactivity_acquaintance", "Ahoy!", trigger="inactivity", variant="b")
        MessageTemplate.objects.filter(key="inactivity_acquaintance", variant="a").update(weight=0)
        composition = composed_of("inactivity", 2).composition
        assert composition["variant"] == "b"
        assert composition | {"template": 0} == {
            "key": "inactivity_acquaintance",
            "template": 0,
            "variant": "b",
            "locale": "en",
            "level": 2,
            "emotion": "neutral",
            "composed_by": "template",
        }

    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        trigger=st.sampled_from(Trigger.values),
        level=st.integers(-2, 9),
        name=st.text() | st.sampled_from(["{event}", "[[{name}]]", "@everyone", "{{name}}", "${name}", "%s", "{0}"]),
        locale=st.sampled_from(["", "de", "pt-BR", "xx"]),
    )
    def test_survives_any_name(self, trigger: str, level: int, name: str, locale: str) -> None:
        hostile = {"event": name, "interest": name, "goal": name, "custom_message": name, "booking_id": name}
        text = text_of(trigger, level, name, locale, **hostile)

        assert 0 < len(text) <= composing.LONGEST_MESSAGE
        assert text.endswith(languages.of(locale).stop_line)
        assert not {*"{}\x00"} & {*text}
        assert "@everyone" not in text
        assert "<@" not in text


class TestStaffsOwnText:
    def test_stands_for_the_template(self) -> None:
        composed = composed_of("custom", name="Ada", text="Dear {name}, *welcome*.")
        assert composed.text.startswith("Dear Ada, *welcome*.\n\n")
        assert (composed.key, composed.composed_by, composed.template) == ("custom", "staff", None)

    def test_does_without_a_name(self) -> None:
        assert text_of("custom", name="", text="Hello, {name}!").startswith("Hello!\n\n")

    def test_of_nothing_but_missing_values_gives_way_to_the_template(self) -> None:
        composed = composed_of("custom", text="{custom_message}")
        assert (composed.key, composed.composed_by) == ("custom", "template")
        assert composed.text.startswith("Hi! We just wanted")

    def test_mentions_nobody(self) -> None:
        assert "@everyone" not in text_of("custom", text="Hi @everyone!")

    def test_only_counts_for_custom_follow_ups(self) -> None:
        assert composed_of("inactivity", text="Buy now!").composed_by == "template"

    def test_keeps_to_the_limit_of_discord_with_the_way_out(self) -> None:
        text = text_of("custom", text="x" * 5000)

        assert len(text) == composing.LONGEST_MESSAGE
        assert text.endswith("…\n\n" + composing.STOP_LINE)

    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(name=st.text(), own=st.text() | st.sampled_from(["{naem}", "Hi {name", "[[{x}", "{{name}}"]))
    def test_may_be_anything(self, name: str, own: str) -> None:
        """What was planned before texts were checked is still sent, without its placeholders."""
        text = text_of("custom", 1, name, text=own)

        assert 0 < len(text) <= composing.LONGEST_MESSAGE
        assert text.endswith(composing.STOP_LINE)
        assert "{naem}" not in text
        assert "\x00" not in text


class TestPreview:
    def test_shows_what_the_member_would_get(self) -> None:
        member = make_member(name="Ada", timezone="Asia/Tokyo")
        make_booking(member, event_at=datetime.fromisoformat("2026-11-10T18:00Z"), name="Spring party")
        template = make_template("feedback", "{name}, how was {event} on {event_date}?", trigger="post_event")

        shown = composing.preview(template, member, now=NOON)

        assert shown.text.startswith("Ada, how was Spring party on November 11, 2026?\n\n")
        assert (shown.locale, shown.zone, shown.warnings) == ("en", "Asia/Tokyo", ())

    def test_warns_of_what_is_missing(self) -> None:
        member = make_member(locale="de")
        UserProfile.objects.filter(pk=member.pk).update(name="")
        member.refresh_from_db()
        template = make_template("feedback", "Hi {name}! {event}?[[ {event_date}]]", trigger="post_event")

        assert composing.preview(template, member, now=NOON).warnings == (
            "{event} has no value for this member: they would get another template.",
            "{event_date} has no value for this member: the part in [[ ]] around it is left out.",
            "{name} has no value for this member and is left out.",
            "The member gets texts in 'de' where there are any; this one is in 'en'.",
        )

    def test_writes_and_sends_nothing(self, django_assert_num_queries: Any) -> None:
        member = make_member()
        template = MessageTemplate.objects.get(key="goal_check_in", locale="fr", level=None)
        with django_assert_num_queries(1):
            composing.preview(template, member, now=NOON)
        assert not FollowUp.objects.exists()
        template.refresh_from_db()
        assert template.times_used == 0


class TestInterests:
    def test_of_the_member_are_spoken_of_one_at_a_time(self) -> None:
        member = make_member(name="Ada", interests=["rowing", "board games"])

        texts = {
            composing.compose(member, FollowUp(id=str(n), user=member, trigger_type="inactivity"), now=NOON).text
            for n in range(12)
        }

        assert len(texts) == 2
        assert all(("rowing" in text) is not ("board games" in text) for text in texts)

    def test_that_nobody_knows_leave_the_other_text(self) -> None:
        member = make_member(name="Ada")

        composed = composing.compose(member, FollowUp(user=member, trigger_type="inactivity"), now=NOON)

        assert composed.key == "inactivity_acquaintance"


class TestVariables:
    def test_are_decided_for_every_trigger(self) -> None:
        """ORIGINS C22; the seed's operations guide promises booking_id, days_inactive and custom_message."""
        everywhere = {"name", "days_inactive", "time_period", "interest"}
        assert {trigger: set(variables.of_trigger(trigger)) - everywhere for trigger in Trigger.values} == {
            "inactivity": set(),
            "post_event": {"event", "event_date", "booking_id"},
            "re_engagement": {"event", "event_date"},
            "emotion_based": set(),
            "custom": {"custom_message"},
            "birthday": set(),
            "goal": {"goal"},
        }

    @pytest.mark.parametrize("trigger", Trigger.values)
    def test_are_all_filled_where_they_are_known(self, trigger: str) -> None:
        member = make_member(name="Ada")
        make_booking(member, event_at=NOON - DAY, name="Spring party")
        Goal.objects.create(user=member, text="run", check_in_at=NOON)
        data = {"event": "E", "booking_id": "B-7", "interest": "gardening", "custom_message": "Hello."}
        follow_up = FollowUp(user=member, trigger_type=trigger, trigger_data=data, event_at=NOON)
        known = variables.gather(member, follow_up, now=NOON)
        assert known.values(languages.of("en")).keys() == variables.of_trigger(trigger).keys()


def make_booking(member: UserProfile, **values: Any) -> Booking:
    """A booked event."""
    return Booking.objects.create(user=member, **values)
