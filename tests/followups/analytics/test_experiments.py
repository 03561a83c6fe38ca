"""Held out against contacted, variant against variant."""

from typing import Any

import pytest

from followups import campaigns, policy, silence
from followups.analytics import experiments
from followups.analytics.experiments import Lift
from followups.analytics.intervals import Share
from followups.models import Campaign, FollowUp, Holdout, PolicyDecision, UserProfile
from followups.policy import Gate
from jobs.errors import Snooze
from jobs.models import ScheduledJob
from socialmedia.models import Message
from tests.followups.analytics.factories import RIPE, SPAN, make_history, make_holdouts, make_text
from tests.followups.factories import DAY, NOON, execute, make_member, make_plan
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


class TestIsHeldOut:
    # Written down once: another process, host or version must answer the same, or members change sides.
    @pytest.mark.parametrize(
        ("user_id", "trigger", "place"),
        [
            ("100000000000000001", "inactivity", 69),
            ("175928847299117063", "inactivity", 48),
            ("175928847299117063", "re_engagement", 23),
        ],
    )
    def test_is_the_same_everywhere_for_ever(self, user_id: str, trigger: str, place: int) -> None:
        held_at = [percent for percent in range(101) if experiments.is_held_out(user_id, trigger, percent)]
        assert held_at == list(range(place, 101))

    @pytest.mark.parametrize("percent", [0, 5, 10, 50])
    def test_takes_about_so_many_of_ten_thousand(self, percent: int) -> None:
        members = [str(175928847299117063 + number * 4194304) for number in range(10_000)]
        held = sum(experiments.is_held_out(member, "inactivity", percent) for member in members)
        assert held == pytest.approx(percent * 100, abs=150)
        assert percent or held == 0

    def test_does_not_take_the_same_ones_for_each_trigger(self) -> None:
        members = [str(number) for number in range(10_000)]
        both = [
            member
            for member in members
            if experiments.is_held_out(member, "inactivity", 10)
            and experiments.is_held_out(member, "re_engagement", 10)
        ]
        assert len(both) == pytest.approx(100, abs=40)

    def test_is_for_those_triggers_only_whose_message_nobody_waits_for(self) -> None:
        held = {trigger for trigger in ("inactivity", "re_engagement", "post_event", "emotion_based", "custom", "goal")
                if experiments.is_held_out("1", trigger, 100)}  # fmt: skip
        assert held == {"inactivity", "re_engagement"}


class TestHoldingOut:
    @pytest.fixture(autouse=True)
    def _bot(self) -> None:
        make_bot()

    def test_keeps_a_due_follow_up_back_and_writes_down_when(self) -> None:
        Campaign.objects.create(pk="inactivity", holdout_percent=50)
        member = self.member_held_out(at=50)
        follow_up = execute(make_plan(member, trigger="inactivity"))
        assert (follow_up.status, follow_up.reason[:9]) == ("skipped", "holdout: ")
        held = Holdout.objects.get()
        assert (held.pk, held.user_id, held.trigger_type, held.held_at) == (follow_up.pk, member.pk, "inactivity", NOON)
        assert held.returned_at is None
        assert PolicyDecision.objects.order_by("pk").last().gate == "holdout"  # type: ignore[union-attr]
        assert ScheduledJob.objects.get(pk=follow_up.job_id).status == "completed"
        assert not Message.objects.exists()

    def test_is_off_until_somebody_asks_for_it(self) -> None:
        follow_up = execute(make_plan(self.member_held_out(at=50), trigger="inactivity"))
        assert follow_up.message is not None
        assert not Holdout.objects.exists()

    def test_goes_by_the_settings_where_the_campaign_says_nothing(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        member = self.member_held_out(at=50)
        Campaign.objects.create(pk="inactivity", holdout_percent=None)
        assert execute(make_plan(member, trigger="inactivity")).status == "skipped"

    def test_the_campaigns_own_zero_beats_the_settings(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        Campaign.objects.create(pk="inactivity", holdout_percent=0)
        assert execute(make_plan(self.member_held_out(at=50), trigger="inactivity")).message is not None

    def test_those_who_get_none_anyway_are_not_counted(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        member = self.member_held_out(at=50)
        follow_up = make_plan(member, trigger="inactivity")
        UserProfile.objects.filter(pk=member.pk).update(unreachable_since=NOON - DAY)
        assert execute(follow_up).reason.startswith("reachable")
        assert not Holdout.objects.exists()

    def test_waits_for_the_morning_like_everybody(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        follow_up = make_plan(self.member_held_out(at=50), trigger="inactivity")
        with pytest.raises(Snooze):
            execute(follow_up, now=NOON.replace(hour=23))
        assert not Holdout.objects.exists()

    def test_a_run_repeated_counts_once(self, settings: Any) -> None:
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        follow_up = execute(make_plan(self.member_held_out(at=50), trigger="inactivity"))
        ScheduledJob.objects.update(status="pending", completed_at=None)
        execute(follow_up, now=NOON + DAY)
        assert Holdout.objects.get().held_at == NOON

    def test_of_a_re_engagement_ends_after_two_like_those_that_are_sent(self, settings: Any) -> None:
        """Or those who never come back would be counted without end, on one side of the comparison only."""
        settings.FOLLOW_UP_HOLDOUT_PERCENT = 50
        member = self.member_held_out(at=50, trigger="re_engagement")
        UserProfile.objects.filter(pk=member.pk).update(last_interaction=NOON - 31 * DAY)
        for day in (0, 90, 180, 270):
            silence.plan_re_engagements(now=NOON + day * DAY)
            for plan in FollowUp.objects.filter(user=member, status="pending"):
                execute(plan, now=NOON + day * DAY)
        assert list(Holdout.objects.order_by("held_at").values_list("held_at", flat=True)) == [NOON, NOON + 90 * DAY]

    def test_costs_no_query_where_nobody_is_ever_held_out(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert campaigns.holdout_percent("post_event") == 0

    def member_held_out(self, *, at: int, trigger: str = "inactivity") -> Any:
        while True:
            member = make_member()
            if experiments.is_held_out(member.pk, trigger, at):
                return member


class TestGate:
    def test_is_the_last(self) -> None:
        facts = policy.Facts(
            trigger="inactivity", has_profile=True, newest_receipt="granted", follow_ups_enabled=True, is_held_out=True
        )
        assert policy.decide(facts, now=NOON).gate is Gate.HOLDOUT
        assert policy.decide(facts, now=NOON.replace(hour=23)).gate is Gate.QUIET_HOURS


class TestLift:
    def lift(self) -> Lift:
        (found,) = (lift for lift in experiments.lifts(SPAN, now=NOON) if lift.trigger == "inactivity")
        return found

    def test_of_nobody_is_unknown(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(2):
            found = experiments.lifts(SPAN, now=NOON)
        assert [lift.trigger for lift in found] == ["inactivity", "re_engagement"]
        assert self.lift() == Lift("inactivity", Share(0, 0), Share(0, 0))
        assert (self.lift().difference, self.lift().interval) == (None, None)
        assert self.lift().in_words == "Nobody was held out, so nobody can tell what it does."

    def test_is_the_share_that_came_back_more(self, django_assert_num_queries: Any) -> None:
        make_history(make_member(), 400, returned=168)
        make_holdouts(make_member(), 400, returned=120)
        with django_assert_num_queries(2):
            lift = self.lift()
        assert (lift.contacted, lift.held_out) == (Share(168, 400), Share(120, 400))
        assert lift.difference == pytest.approx(0.12)
        assert lift.interval is not None
        assert (lift.interval.low, lift.interval.high) == pytest.approx((0.0535, 0.1850), abs=0.00005)
        assert lift.in_words == (
            "Of those who got a message 42 % came back, of those who did not 30 %: 12 points more (likely 5 to 19)."
        )

    def test_can_be_a_loss(self) -> None:
        make_history(make_member(), 400, returned=120)
        make_holdouts(make_member(), 400, returned=168)
        assert self.lift().in_words.endswith("12 points fewer (likely 5 to 19).")

    def test_says_when_no_difference_can_be_seen(self) -> None:
        make_history(make_member(), 50, returned=21)
        make_holdouts(make_member(), 50, returned=19)
        assert self.lift().in_words == (
            "No difference can be seen yet: 42 % came back with a message, 38 % without one "
            "(likely 15 fewer to 22 more points)."
        )

    def test_says_when_too_little_is_known(self) -> None:
        make_history(make_member(), 40, returned=40)
        make_holdouts(make_member(), 19)
        assert self.lift().in_words == ("Not enough data yet: 40 got a message and 19 did not; it takes 20 of each.")
        assert (self.lift().difference, self.lift().interval) == (None, None)

    def test_leaves_out_what_is_too_young_and_what_was_before_the_first_holdout(self) -> None:
        make_history(make_member(), 1, at=RIPE - DAY)
        make_history(make_member(), 2, at=RIPE)
        make_history(make_member(), 4, at=NOON - 7 * DAY)
        make_holdouts(make_member(), 8, at=RIPE)
        make_holdouts(make_member(), 16, at=NOON - 7 * DAY)
        make_history(make_member(), 32, trigger_type="re_engagement")
        assert (self.lift().contacted.of, self.lift().held_out.of) == (2, 8)


class TestContest:
    def make(self, **variants: tuple[int, int, int]) -> None:
        member = make_member()
        for variant, (answered, sent, harmed) in variants.items():
            make_history(member, sent, answered=answered, harmed=harmed, template_key="quiet", variant=variant)

    def words(self) -> tuple[str, str]:
        (contest,) = experiments.contests(SPAN, now=NOON)
        return contest.winner, contest.in_words

    def test_needs_two(self, django_assert_num_queries: Any) -> None:
        self.make(a=(5, 50, 0))
        make_history(make_member(), 50, template_key="", variant="b")
        with django_assert_num_queries(1):
            assert experiments.contests(SPAN, now=NOON) == []

    def test_names_a_winner_whose_lead_is_no_chance(self) -> None:
        self.make(a=(30, 100, 0), b=(50, 100, 1))
        assert self.words() == (
            "b",
            "variant b is answered more often, 50 % against 30 % of variant a: 20 points more (likely 6 to 33).",
        )

    def test_names_none_while_the_lead_may_be_chance(self) -> None:
        self.make(a=(30, 100, 0), b=(35, 100, 0))
        assert self.words() == (
            "",
            "No difference can be seen yet: variant a 30 of 100, variant b 35 of 100 answered.",
        )

    def test_names_none_of_which_too_little_was_sent(self) -> None:
        self.make(a=(0, 100, 0), b=(19, 19, 0))
        assert self.words() == (
            "",
            "Not enough data yet: variant a 0 of 100, variant b 19 of 19 answered; it takes 20 sent of each.",
        )

    def test_names_none_that_does_more_harm(self) -> None:
        self.make(a=(30, 100, 0), b=(50, 100, 15))
        winner, sentence = self.words()
        assert winner == ""
        assert "it does more harm, too" in sentence

    def test_asks_more_of_the_first_of_many(self) -> None:
        self.make(a=(31, 100, 0), b=(45, 100, 0))
        assert self.words()[0] == "b"
        self.make(c=(20, 100, 0), d=(20, 100, 0), e=(20, 100, 0))
        assert self.words()[0] == "", "one of five leads by chance more easily than one of two"

    def test_takes_words_of_staff_and_of_a_model_for_no_variant(self) -> None:
        self.make(a=(30, 100, 0))
        for by in ("staff", "llm"):
            make_history(make_member(), 100, answered=90, template_key="quiet", variant="", composed_by=by)
        assert experiments.contests(SPAN, now=NOON) == []

    def test_compares_only_members_who_could_get_either(self) -> None:
        """German members answer more; the variant that only they get must not win by that."""
        member = make_member()
        columns = {"template_key": "quiet"}
        make_history(member, 100, answered=20, locale="en", variant="a", **columns)
        make_history(member, 100, answered=60, locale="de", variant="a", **columns)
        make_history(member, 100, answered=60, locale="de", variant="b", **columns)
        (contest,) = experiments.contests(SPAN, now=NOON)
        assert (contest.template_key, contest.place, contest.winner) == ("quiet", "de", "")

    def test_tells_levels_and_moods_apart(self) -> None:
        member = make_member()
        for variant in ("a", "b"):
            for columns in ({"level": 3}, {"emotion": "low"}):
                text = make_text(locale="de", variant=variant, **columns)
                make_history(member, 20, template=text, template_key="quiet", locale="de", variant=variant)
        found = experiments.contests(SPAN, now=NOON)
        assert [contest.place for contest in found] == ["de, mood low", "de, Friend"]

    def test_of_all_without_an_answer_has_no_winner(self) -> None:
        self.make(a=(0, 100, 0), b=(0, 100, 0))
        assert self.words()[0] == ""
