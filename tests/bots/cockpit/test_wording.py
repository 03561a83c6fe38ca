"""What the cockpit says, whatever the names and however long the text."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bots.cockpit import layout, presses, wording
from bots.cockpit.standing import Next, Obstacle, Standing
from bots.splitting import LIMIT
from followups import consent
from followups.models import Trigger
from followups.policy import Gate

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NEXT = Next("f" * 36, NOON + DAY, "inactivity", since=NOON - 3 * DAY, text="Hi Ada,\nhow are you?")
ON = Standing(is_on=True, next=NEXT, topics=("check_ins", "events"), local_time="12:00")
WORST = replace(
    ON,
    next=replace(NEXT, trigger="goal", occasion="g" * 100, text="\n".join("x" * 19 for _ in range(100))),
    others=9,
    topics=("check_ins", "events", "re_engagement"),
    paused_until=NOON + DAY,
    quiet=(22, 23),
    zone="z" * 64,
    own_zone="z" * 64,
    locale="x" * 16,
)


class TestScreen:
    def test_shows_the_next_one_its_reason_and_its_text(self) -> None:
        text = wording.screen(ON)
        due, since = int(NEXT.due_at.timestamp()), int((NOON - 3 * DAY).timestamp())
        assert f"**Next:** <t:{due}:F> (<t:{due}:R>), because you have been quiet since <t:{since}:D>." in text
        assert "may be worded differently when it is sent:\n> Hi Ada,\n> how are you?" in text

    def test_promises_the_words_only_where_they_are_certain(self) -> None:
        text = wording.screen(replace(ON, next=replace(NEXT, is_certain=True, is_written=True)))
        assert "differently" not in text
        assert "It is on its way to you." in text

    def test_says_that_there_are_no_words_yet(self) -> None:
        assert wording.screen(replace(ON, next=replace(NEXT, text=""))).endswith("There are no words for it yet.")

    @pytest.mark.parametrize(("others", "said"), [(0, "planned after it"), (1, "1 more is"), (4, "4 more are")])
    def test_counts_the_others(self, others: int, said: str) -> None:
        assert (said in wording.screen(replace(ON, others=others))) is (others > 0)

    def test_says_what_holds_it_and_until_when(self) -> None:
        until = NOON + 5 * DAY
        held = replace(NEXT, obstacle=Obstacle(Gate.PAUSED, until))
        said = f"**held** until about {wording.moment(until)}, because you paused follow-ups"
        assert said in wording.screen(replace(ON, next=held))

    def test_says_what_keeps_it_from_coming(self) -> None:
        gone = replace(NEXT, obstacle=Obstacle(Gate.HOLDOUT, is_final=True))
        assert "**not** come, because you are one of a few" in wording.screen(replace(ON, next=gone))

    def test_shows_the_whole_wording_to_whoever_is_off(self) -> None:
        assert consent.WORDING in wording.screen(Standing(is_on=False), presses.SETTINGS)

    @pytest.mark.parametrize("page", [presses.HOME, presses.SETTINGS])
    def test_shows_all_that_was_chosen(self, page: str) -> None:
        text = wording.screen(replace(ON, paused_until=NOON + DAY, quiet=(23, 7), locale="de"), page)
        for said in (
            "**Paused** until",
            "About: check-ins, after events",
            "At most once every 2 days; never from 23:00 to 7:00 (yours) or 21:00 to 9:00 (the community's)",
            "Your clock: 12:00 (UTC, the community's)",
            "Language: Deutsch",
        ):
            assert said in text

    def test_cuts_a_long_preview_and_nothing_else(self) -> None:
        text = wording.screen(WORST, notice="n" * 300)
        assert len(text) == LIMIT
        assert text.endswith("…")
        assert f"Language: {wording.language('x' * 16)}" in text

    @pytest.mark.parametrize("page", [presses.HOME, presses.SETTINGS, presses.LAST_WORD])
    @pytest.mark.parametrize("standing", [WORST, ON, Standing(is_on=False)])
    def test_always_fits(self, page: str, standing: Standing) -> None:
        assert 0 < len(wording.screen(standing, page, notice="n" * 500)) <= LIMIT


class TestReason:
    @pytest.mark.parametrize("trigger", Trigger.values)
    def test_is_known_for_every_trigger(self, trigger: str) -> None:
        assert "something you did" not in wording.reason(Next("1", NOON, trigger))
        assert trigger in wording.KINDS

    def test_names_the_event(self) -> None:
        upcoming = Next("1", NOON, "post_event", occasion="Boat day", since=NOON)
        assert wording.reason(upcoming) == f"after **Boat day** on <t:{int(NOON.timestamp())}:D>"


class TestBecause:
    @pytest.mark.parametrize("gate", list(Gate))
    def test_has_plain_words_for_every_gate(self, gate: Gate) -> None:
        words = wording.because(Obstacle(gate))
        assert "something speaks" not in words
        assert "_" not in words

    def test_says_that_waiting_would_be_in_vain(self) -> None:
        words = wording.because(Obstacle(Gate.PAUSED, is_final=True, is_in_vain=True))
        assert words.endswith("and afterwards it would be too late")


class TestRows:
    def labels(self, standing: Standing, page: str = presses.HOME) -> list[str]:
        found = [item for row in layout.rows(standing, page) for item in row]
        return [item.label if isinstance(item, layout.Button) else item.placeholder for item in found]

    def test_offer_only_to_turn_on_and_to_look_while_off(self) -> None:
        assert self.labels(Standing(is_on=False)) == ["Turn on", "Refresh", "Why?", "My data"]

    def test_offer_everything_about_the_next_one(self) -> None:
        labels = self.labels(ON)
        assert labels[:2] == [wording.SNOOZE, wording.PAUSE]
        assert {wording.SKIP, wording.LESS_OFTEN, wording.SETTINGS, wording.STOP} < set(labels)
        assert labels[-1] == wording.STOP  # PEERS.md section 2, 25: what is less than that comes before

    def test_do_not_offer_what_cannot_be(self) -> None:
        written = replace(ON, next=replace(NEXT, is_written=True), frequency_hours=720)
        assert not {wording.SNOOZE, wording.LESS_OFTEN, wording.RESUME} & set(self.labels(written))
        assert not {wording.SNOOZE, wording.SKIP} & set(self.labels(replace(ON, next=None)))
        assert wording.RESUME in self.labels(replace(ON, paused_until=NOON + DAY))

    def test_leave_out_a_follow_up_whose_id_no_button_can_carry(self) -> None:
        labels = self.labels(replace(ON, next=replace(NEXT, follow_up_id="f" * 255)))
        assert not {wording.SNOOZE, wording.SKIP} & set(labels)
        assert wording.STOP in labels

    def test_mark_what_is_chosen_also_what_no_menu_has(self) -> None:
        strange = replace(ON, frequency_hours=36, locale="pt-br")
        menus = [row[0] for row in layout.rows(strange, presses.SETTINGS) if isinstance(row[0], layout.Menu)]
        chosen = [[option.value for option in menu.options if option.is_chosen] for menu in menus]
        assert chosen == [["check_ins", "events"], ["36"], ["pt-br"]]
