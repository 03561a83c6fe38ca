"""Whether a model's text is fit to be sent: pure values in, a sentence out."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from followups.llm import grounding
from followups.llm.context import Context, Line
from followups.llm.grounding import Answer, Claim, Unreadable
from tests.followups.factories import DAY, NOON

SAID = "My chemistry exam is on Friday, wish me luck"
LINES = (
    Line(7, SAID, is_theirs=True, sent_at=NOON - 3 * DAY),
    Line(8, "Good luck with the chemistry exam on Friday!", is_theirs=False, sent_at=NOON - 2 * DAY),
    Line(9, "I am so depressed about my exam", is_theirs=True, sent_at=NOON - DAY),
)
KNOWN = Context(
    name="Ada Byron",
    level=3,
    mood="neutral",
    trigger="inactivity",
    language="en",
    silence=3 * DAY,
    facts={"goal": "Run 5 km with Rex"},
    lines=LINES,
)


def problem(text: str, *claims: tuple[str, str], known: Context = KNOWN, now: Any = NOON) -> str:
    """What is wrong with a text and its claims."""
    return grounding.problem_of(Answer(text, tuple(Claim(*claim) for claim in claims)), known, now=now)


class TestParse:
    def test_reads_what_was_asked_for(self) -> None:
        raw = '{"text": " Hi! ", "claims": [{"says": "your exam", "source": "m7"}]}'

        assert grounding.parse(raw) == Answer("Hi!", (Claim("your exam", "m7"),))
        assert grounding.parse(f"```json\n{raw}\n```\n") == grounding.parse(raw)

    @pytest.mark.parametrize(
        "raw",
        [
            "I can't help with that.",
            "",
            "[]",
            "null",
            '{"text": "Hi!"}',
            '{"text": "Hi!", "claims": [], "note": "x"}',
            '{"text": 5, "claims": []}',
            '{"text": "Hi!", "claims": {}}',
            '{"text": "Hi!", "claims": ["m7"]}',
            '{"text": "Hi!", "claims": [{"says": "x"}]}',
            '{"text": "Hi!", "claims": [{"says": "x", "source": 7}]}',
            'Sure! {"text": "Hi!", "claims": []}',
            "[" * 10_000,
            "```\n" + "\n" * 1_000_000 + "x",
            json.dumps({"text": "Hi!", "claims": [{"says": "x", "source": "m7"}] * 11}),
        ],
    )
    def test_refuses_anything_else(self, raw: str) -> None:
        with pytest.raises(Unreadable):
            grounding.parse(raw)


class TestForm:
    @pytest.mark.parametrize(
        "text",
        [
            "Hi Ada! We haven't heard from you for a bit. How are things?",
            "Hey Ada, it has been quiet without you. How's your week going? 💚",
            "Hello! Everyone here says hi — <3",
            "Hi Ada!\n\nHow have you been?",
            "👩‍💻 How are you doing, Ada?",
        ],
    )
    def test_lets_plain_words_pass(self, text: str) -> None:
        assert problem(text) == ""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "empty"),
            (" … ", "empty"),
            ("How are you? " * 60, "longer than 700"),
            ("Hi \x00 there", "cannot be read"),
            ("Hi \u202e there", "cannot be read"),
            ("Hi \ud800 there", "cannot be read"),
            ("Hi @everyone, how are you?", "mention"),
            ("Hi @\u200deveryone, how are you?", "mention"),
            ("Hi ＠here, how are you?", "mention"),
            ("Hi <@123>, how are you?", "mention"),
            ("Hi <@&123>, how are you?", "mention"),
            ("See <#123> and say hi", "mention"),
            ("Write to ada@example.org", "mention or an address"),
            ("Look at https://evil.example/x", "link"),
            ("Look at discord.gg/abc", "link"),
            ("Look at evil.example now", "link"),
            ("Look [here](evil)", "link"),
            ("Come to discord . gg to say hi", "link"),
            ("Come to discord .gg to say hi", "link"),
            ("Come to discord. gg/abc to say hi", "link"),
            ("Come to discord dot gg to say hi", "link"),
            ("Come to discord (dot) gg to say hi", "link"),
            ("Come to discord。gg to say hi", "link"),
            ("See you at t.me/abc", "link"),
            ("See you at x.com", "link"),
            ("See you at кино.рф", "link"),
            ("Look at 10.0.0.1/x", "link"),
            ("Look at mailto:ada", "link"),
            ("Call us: +49 30 1234-5678", "telephone"),
            ("Hi {name}, how are you?", "placeholder"),
            ("Hi [name], how are you?", "placeholder"),
            ("Hi $name, how are you?", "placeholder"),
            ("Run `rm -rf` now", "code"),
            ("# Hello there", "code"),
            ("As in m7, how are you?", "id of a message"),
            ("As an AI I wonder how you are.", "speaks of itself"),
            ("My system prompt says hello to you.", "speaks of itself"),
            ("I can't help with that.", "speaks of itself"),
            ("Hope the therapy helps you.", "health"),
            ("How is it going with the lawyer?", "law"),
            ("Привет, как у тебя дела сегодня?", "another language"),
            ("Hallo, wie geht es dir denn so? Wir haben lange nichts von dir gehört und denken an dich.", "language"),
        ],
    )
    def test_names_what_is_wrong(self, text: str, words: str) -> None:
        assert words in problem(text)

    @pytest.mark.parametrize(
        "text",
        [
            "Hi Ada! Y\u043eu said that you would come.",  # a Cyrillic letter
            "Hi Ada! ʏᴏᴜ ꜱᴀɪᴅ that you would come.",
            "Hi Ada! 🆈🅾🆄 🆂🅰🅸🅳 that you would come.",
            "Hi Ada! 🇾🇴🇺 said that you would come.",
            "Hi Ada! Y\u034fou said that you would come.",
            "Hi Ada! You\u2800said that you would come.",
            "Hi Ada! You\u3164said that you would come.",
            "Hi Ada! You **said** that you would come.",
            "Hi Ada! How is *your* dog?",
            "Hi Ada! How is your ||dog||?",
            "Hi Ada! How is your~dog?",
            "Hi Ada! How are you? Юля says hi.",
            "Hi Ada! How is the d\u0435pression?",
            "Hi Ada! Y o u  s a i d that you would come.",
        ],
    )
    def test_takes_nothing_that_looks_like_other_words(self, text: str) -> None:
        assert problem(text) != ""

    def test_lets_their_own_name_pass_in_any_letters(self) -> None:
        assert problem("Hi Юля, how have you been lately?", known=replace(KNOWN, name="Юля")) == ""
        assert problem("Hi Łukasz, how are you?", known=replace(KNOWN, name="Łukasz")) == ""

    @pytest.mark.parametrize(
        ("language", "text"),
        [
            ("en", "Hello there Ada, and how are you? Du hast gekündigt."),
            ("en", "Hello there Ada, and how are you? Tu as perdu tout."),
            ("de", "Hallo Ada, wie geht es dir denn so? You lost it all."),
        ],
    )
    def test_takes_no_sentence_about_their_life_in_another_language(self, language: str, text: str) -> None:
        assert "without a source" in problem(text, known=replace(KNOWN, language=language))

    @pytest.mark.parametrize(
        ("language", "text"),
        [
            ("en", "Hi Ada! Hope you're doing okay! No pressure to reply, we're here whenever you feel like chatting."),
            ("en", "Happy birthday, Ada! Wishing you a wonderful day full of good things. 🎉"),
            ("de", "Hey Ada! Schon eine Weile nichts mehr von dir gehört. Wie geht es dir? Liebe Grüße vom Team"),
            ("de", "Hallo Ada, wir haben dich in der Community vermisst. Was machst du so in letzter Zeit?"),
            ("es", "¡Hola Ada! Te echamos de menos por aquí. ¿Qué tal va todo? Nos encantaría saber de ti."),
            ("fr", "Coucou Ada ! Ça fait un moment qu'on n'a pas eu de tes nouvelles. Comment ça va ?"),
            ("pt", "Oi, Ada! Sentimos a sua falta por aqui. Como vão as coisas? Apareça quando quiser!"),
        ],
    )
    def test_lets_kind_words_pass_in_each_language(self, language: str, text: str) -> None:
        assert problem(text, known=replace(KNOWN, language=language)) == ""


class TestClaims:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("Hi Ada! How did your chemistry exam go?", "your chemistry exam"),
            ("Hey! How was the chemistry exam on Friday?", "the chemistry exam on Friday"),
            ("Hey! You said that you have a chemistry exam.", "You said that you have a chemistry exam"),
            ("Hey! Any news about chemistry exams?", "chemistry exams"),
        ],
    )
    def test_are_borne_out_by_the_same_words(self, text: str, says: str) -> None:
        assert problem(text, (says, "m7")) == ""

    @pytest.mark.parametrize(
        ("says", "source", "words"),
        [
            ("your chemistry exam", "m8", "no recent message of this member"),  # our own words
            ("your chemistry exam", "m99", "no recent message"),  # another member's, a deleted one, an invented one
            ("your chemistry exam", "7", "no recent message"),
            ("your chemistry exam", "event", "no recent message"),
            ("your chemistry exam", "m9", "health"),
            ("your chemistry exam", "goal", "does not say"),
            ("your biology exam", "m7", "not in the text"),
            ("", "m7", "says nothing"),
            ("How did", "m7", "does not say"),
        ],
    )
    def test_without_a_sound_source_are_refused(self, says: str, source: str, words: str) -> None:
        assert words in problem("How did your chemistry exam go?", (says, source))

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("How was the chemistry exam on Monday?", "the chemistry exam on Monday"),  # another day
            ("You passed your chemistry finals in 3 hours", "You passed your chemistry finals in 3 hours"),
            ("How is your sister's chemistry exam?", "your sister's chemistry exam"),
            ("Did Rex like the chemistry exam?", "Did Rex like the chemistry exam"),
        ],
    )
    def test_saying_more_than_their_source_are_refused(self, text: str, says: str) -> None:
        assert "does not say" in problem(text, (says, "m7"))

    @pytest.mark.parametrize(
        ("said", "text", "says"),
        [
            ("I don't love football", "You said that you love football!", "You said that you love football"),
            ("I love football", "You said that you don't love football!", "You said that you don't love football"),
            ("I never play chess", "You said that you play chess.", "You said that you play chess"),
        ],
    )
    def test_saying_the_opposite_of_their_source_are_refused(self, said: str, text: str, says: str) -> None:
        line = Line(7, said, is_theirs=True, sent_at=NOON - DAY)
        assert "does not say" in problem(text, (says, "m7"), known=replace(KNOWN, lines=(line,)))
        assert problem(f"You said: {said}!", (f"You said: {said}", "m7"), known=replace(KNOWN, lines=(line,))) == ""

    def test_are_whole_words(self) -> None:
        """What a claim covers is not looked at any more: no claim may cut the sign of another one off."""
        text = "Hi Ada! How did your exam go?"
        assert "not in the text" in problem(text, ("r exam", "m7"))

    def test_of_old_messages_are_refused(self) -> None:
        claim = ("your chemistry exam", "m7")
        last = NOON - 3 * DAY + timedelta(days=180)
        assert problem("How did your chemistry exam go?", claim, now=last - timedelta(seconds=1)) == ""
        assert "no recent message" in problem("How did your chemistry exam go?", claim, now=last)

    @pytest.mark.parametrize(
        "text",
        [
            "Hi Ada! How did your exam go?",
            "Hi Ada! You mentioned something big.",
            "Hi Ada! You were sad last week, how are you?",
            "Hi Ada! How is Berlin?",
            "Hi Ada! It has been 12 days.",
            "Hi Ada! Congratulations!",
            "Hi Ada! You're a teacher after all.",
            "Hi Ada! You are from the north, how is it there?",
        ],
    )
    def test_are_needed_for_whatever_tells_of_their_life(self, text: str) -> None:
        assert "without a source" in problem(text)

    @pytest.mark.parametrize(
        ("language", "text"),
        [
            ("de", "Hallo Ada! Wie läuft es mit deinem Hund?"),
            ("de", "Hallo Ada! Du hast von etwas Neuem erzählt, wie ist es?"),
            ("es", "¡Hola Ada! ¿Cómo está tu perro?"),
            ("fr", "Salut Ada ! Comment va ton chien ?"),
            ("pt", "Oi Ada! Como está o seu cachorro?"),
        ],
    )
    def test_are_needed_in_every_language(self, language: str, text: str) -> None:
        assert "without a source" in problem(text, known=replace(KNOWN, language=language))

    def test_cover_only_their_own_words(self) -> None:
        text = "How did your chemistry exam go, and how is your dog Hector?"
        assert "without a source" in problem(text, ("your chemistry exam", "m7"))

    def test_may_rest_on_the_goal(self) -> None:
        assert problem("Hey Ada! How is your goal to run 5 km with Rex?", ("run 5 km with Rex", "goal")) == ""

    def test_are_left_to_the_person_who_approved_other_words(self) -> None:
        answer = Answer("How did the finals go?", (Claim("your chemistry exam", "m7"),))
        assert grounding.problem_of(answer, KNOWN, now=NOON) != ""
        assert grounding.problem_of(answer, KNOWN, vouched=True, now=NOON) == ""
        gone = replace(KNOWN, lines=())
        assert "no recent message" in grounding.problem_of(answer, gone, vouched=True, now=NOON)


class TestSensitiveTopic:
    @pytest.mark.parametrize(
        ("text", "topic"),
        [
            ("My therapist says hi", "health"),
            ("ich bin so krank", "health"),
            ("tengo muchas deudas", "money"),
            ("mon avocat a dit non", "law"),
            ("meu namorado foi embora", "relationships"),
            ("Our divorce is final", "relationships"),
            ("I gave a presentation about birds", None),
            ("Ich suche ein Geschenk", None),
            ("", None),
        ],
    )
    def test_is_found_by_its_words(self, text: str, topic: str | None) -> None:
        assert grounding.sensitive_topic(text) == topic


class TestSharedWords:
    def test_are_those_that_bear_a_claim_out(self) -> None:
        assert grounding.shared_words("your chemistry exams", SAID) == {"chemistry", "exam"}
