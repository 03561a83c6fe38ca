"""A written stop always works, in every language that we write in; talk about stopping is none."""

import pytest

from followups import consent


class TestAsksToStop:
    @pytest.mark.parametrize(
        "text",
        [
            "stop", "STOP!", " Stop. ", "please stop", "Stop, please", "unsubscribe", "opt out", "opt-out", "stop it",
            "no more messages", "leave me alone!", "/followup_settings off", "!followup_settings off", "🛑 stop 🛑",
            "stopp", "Hör auf!", "bitte aufhören", "Abmelden", "keine Nachrichten mehr, bitte", "Lass mich in Ruhe",
            "para", "Basta ya", "por favor, parar", "no más mensajes", "Darme de baja", "déjame en paz",
            "Arrête", "arrêtez s'il vous plaît", "me désabonner", "plus de messages", "Laisse-moi tranquille",
            "<@1200000000000000001> stop", "Please stop <@!12>!",
            "ARRE\u0302TE", "pare", "chega", "cancelar inscrição", "me deixa em paz, por favor",
        ],
    )  # fmt: skip
    def test_hears_a_stop(self, text: str) -> None:
        assert consent.asks_to_stop(text)

    @pytest.mark.parametrize(
        "text",
        [
            "", "   ", "don't stop", "I stopped by", "stop worrying about me", "nonstop", "the bus stop is closed",
            "hör auf dein Herz", "para mí", "arrête de rire mdr", "pare de chover", "chega mais", "stop " * 40,
            "when does it stop?",
        ],
    )  # fmt: skip
    def test_does_not_hear_one_in_other_talk(self, text: str) -> None:
        assert not consent.asks_to_stop(text)

    @pytest.mark.parametrize("text", ["_" * 4000, "stop " * 800, "please " * 600, "stop" + "!" * 4000])
    def test_takes_a_long_message_for_more_than_that(self, text: str) -> None:
        assert not consent.asks_to_stop(text)
