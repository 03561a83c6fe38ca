"""How texts sound."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followups import emotion
from followups.emotion import Emotion, Label


class TestRead:
    @pytest.mark.parametrize(
        ("text", "label", "category"),
        [
            ("I am sad and alone", Label.NEGATIVE, Emotion.SAD),
            ("I hate this, everything is broken", Label.NEGATIVE, Emotion.ANGRY),
            ("ugh, it crashed again", Label.NEGATIVE, Emotion.FRUSTRATED),
            ("It was a disappointing evening and I feel let down", Label.NEGATIVE, Emotion.DISAPPOINTED),
            ("I'm so worried about tomorrow", Label.NEGATIVE, Emotion.WORRIED),
            ("See you at eight", Label.NEUTRAL, Emotion.NEUTRAL),
            ("I was just wondering about the rules", Label.NEUTRAL, Emotion.CURIOUS),
            ("thank you, that helped a lot", Label.POSITIVE, Emotion.GRATEFUL),
            ("can’t wait for Saturday!!", Label.POSITIVE, Emotion.EXCITED),
            ("I love this place, so happy to be here", Label.POSITIVE, Emotion.HAPPY),
        ],
    )
    def test_knows_the_ten_emotions(self, text: str, label: Label, category: Emotion) -> None:
        reading = emotion.read(text)
        assert (reading.label, reading.category) == (label, category)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   \n",
            "\x00",
            "https://example.com/hate-sad-terrible",
            "<@123456789012345678> <:sad:123456789012345678>",
            "[no text]",
            "[attachment: terrible_sad.png] [sticker: crying]",
            "```\nfatal error: kill the dead child, abort, hate\n```",
            "> I hate you, you are terrible",
            "no",
            "ok",
            "💀",
            "Das Wetter ist die Hölle",
            "Le pain est mal, la chose est fatal",
            "أنا حزين جدا",
            "Мне очень грустно",
            "我很难过",
        ],
    )
    def test_is_never_unhappy_about_what_it_cannot_read(self, text: str) -> None:
        reading = emotion.read(text)
        assert (reading.score, reading.label, reading.category) == (0.5, Label.NEUTRAL, Emotion.NEUTRAL)
        assert (reading.confidence, reading.escalates, reading.is_unhappy) == (0.0, False, False)

    def test_reads_emoji_alone_and_in_any_language(self) -> None:
        assert emotion.read("🎉🎉").category is Emotion.EXCITED
        assert emotion.read("😢").category is Emotion.SAD
        assert emotion.read("❤️").label is Label.POSITIVE
        assert emotion.read("👎🏽").label is Label.NEGATIVE
        assert emotion.read("Das ist so schön 😍").label is Label.POSITIVE
        assert emotion.read("أنا حزين 😢").label is Label.NEGATIVE

    def test_is_the_same_through_marks_of_direction_nul_and_wide_letters(self) -> None:
        plain = emotion.read("this is terrible")
        for text in (
            "\u202ethis is terrible",
            "this is ter\x00rible",
            "this is ｔｅｒｒｉｂｌｅ",
            "this\nis\tterrible",
        ):
            assert emotion.read(text) == plain
        assert plain.label is Label.NEGATIVE

    def test_hears_a_negation(self) -> None:
        assert emotion.read("I am not happy with this").label is Label.NEGATIVE
        assert emotion.read("I am not happy with this").category is not Emotion.HAPPY
        assert emotion.read("not bad at all").label is not Label.NEGATIVE

    def test_hears_a_drawn_out_word(self) -> None:
        assert emotion.read("happyyyyyy").category is Emotion.HAPPY
        assert emotion.read("goooood").label is Label.POSITIVE

    def test_takes_the_language_of_games_for_what_it_is(self) -> None:
        for text in ("we killed the boss", "I died twice in that fight", "who has the bomb", "block the enemy attack"):
            assert emotion.read(text).label is not Label.NEGATIVE, text
        assert emotion.read("that clip was sick").label is Label.POSITIVE

    @pytest.mark.parametrize(
        "text", ["i want to die", "I WANT TO DIE lol", "i can’t go on like this", "ich, kill myself"]
    )
    def test_a_cry_for_help_calls_a_person_whatever_else_it_says(self, text: str) -> None:
        assert emotion.read(text).escalates
        assert emotion.read(text).confidence == 1.0

    @pytest.mark.parametrize(
        "text",
        [
            "want  to\n die",
            "I dont want to be alive anymore",
            "there is no point in living",
            "I can't go on.",
            "sorry, i just cant go on",
            "I can't go on like this",
            "i have been self-harming",
            "Ich will nicht mehr leben",
            "ich hab Selbstmordgedanken",
            "quiero morir",
            "ya no quiero vivir más",
            "je veux mourir",
            "je n'ai plus envie de vivre",
            "não quero mais viver",
            "eu quero morrer",
        ],
    )
    def test_hears_it_in_other_words_and_in_the_languages_we_write_in(self, text: str) -> None:
        reading = emotion.read(text)
        assert (reading.escalates, reading.confidence) == (True, 1.0)

    @pytest.mark.parametrize(
        "text",
        [
            "I killed it last night, 32 frags",
            "this boss is insane, died 20 times lol",
            "that's sick",
            "gonna murder this dungeon tonight",
            "that was brutal, we got destroyed",
            "we got wrecked in ranked again",
            "ugh the server is laggy again",
            "I rage quit yesterday",
            "worst loot ever, 50 runs and nothing",
            "suicide squad was a bad movie",
            "hit them with the suicide bomber squad",
            "I can't go on friday, sorry",
            "can't go on the raid tonight",
            "stabbed in the back by my own team again",
            "kms this queue is so long",
            "ban this guy, he is toxic",
            "you're killing me lol",
            "bloody hell",
            "nasty headshot, you beast",
            "idiot devs nerfed my main",
            "der Boss will sterben lol",
            "j'ai envie de vivre cette aventure",
        ],
    )
    def test_the_talk_of_games_calls_nobody(self, text: str) -> None:
        assert not emotion.read(text).escalates

    def test_one_mild_word_calls_nobody(self) -> None:
        for text in ("that was bad", "this is terrible", "not happy", "it crashed"):
            assert not emotion.read(text).escalates, text

    @pytest.mark.parametrize("text", ["leave me alone", "please go away", "thanks but don’t write to me", "fuck off"])
    def test_hears_that_a_message_was_not_wanted(self, text: str) -> None:
        assert emotion.read(text).label is Label.NEGATIVE
        assert emotion.read(text).category is Emotion.ANGRY

    def test_hears_a_loss(self) -> None:
        assert emotion.read("My dog died yesterday").category is Emotion.SAD
        assert emotion.read("I lost my job").label is Label.NEGATIVE

    def test_is_unsure_of_mixed_words_and_of_one_word_in_many(self) -> None:
        assert not emotion.read("yeah great, another crash, just awful but perfect").is_confident
        assert not emotion.read("bad " + "we will meet at eight in the usual place " * 10).is_confident

    def test_names_at_most_five_cues(self) -> None:
        reading = emotion.read("hate hated rage furious livid mad angry")
        assert reading.cues[0] == "hate"
        assert len(reading.cues) == 5

    def test_reads_only_the_first_four_thousand_characters(self) -> None:
        assert emotion.read("x" * 4_000 + " I hate this") == emotion.UNREAD

    @pytest.mark.parametrize(
        "text",
        [
            "😡" * 4_000,
            "bad " * 1_000,
            "no " * 1_333,
            "but " * 1_000,
            "`" * 4_000,
            "<@" * 2_000,
            "a" * 4_000,
            "ﷺ" * 4_000,
            "\ud800",
        ],
    )
    def test_answers_whatever_comes_in(self, text: str) -> None:
        assert 0 <= emotion.read(text).score <= 1

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=300))
    def test_is_the_same_for_the_same_text_and_within_its_ranges(self, text: str) -> None:
        reading = emotion.read(text)
        assert reading == emotion.read(text)
        assert 0 <= reading.score <= 1
        assert 0 <= reading.intensity <= 1
        assert 0 <= reading.confidence <= 1
        assert len(reading.cues) <= 5

    def test_loads_the_word_list_only_when_it_reads(self) -> None:
        code = (
            "import sys; from followups import emotion; assert not any('vader' in name for name in sys.modules);"
            "emotion.read('hi'); assert any('vader' in name for name in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestHasWords:
    def test_is_about_the_members_own(self) -> None:
        assert emotion.has_words("привет")
        assert not emotion.has_words("https://example.com 😀 <@123456789012345678>")
        assert not emotion.has_words("[attachment: cat.png]")
