"""The words by which a member says that they want no more messages, in the languages that we write in. Pure."""

import re
import unicodedata
from typing import Final

_PLEASE: Final = "please|pls|bitte|por favor|porfa|s'il te plaît|s'il te plait|s'il vous plaît|s'il vous plait|stp|svp"
_WISHES: Final = (
    # The command counts as it is written: pasted or typed without picking it from Discord's list, it arrives as
    # ordinary words, and it is what our own messages tell people to use.
    r"followup_settings\W+(?:action\W+)?(?:off|disable|stop)",
    r"stop(?: it| this| writing| messaging(?: me)?)?|unsubscribe(?: me)?|opt\W?out|no more messages|leave me alone",
    r"stopp?|hör(?:t)? auf|aufhören|abmelden|abbestellen|keine nachrichten mehr|lass(?:t)? mich in ruhe",
    r"para|parar|basta(?: ya)?|detener|no más mensajes|no mas mensajes|dar(?:me)? de baja|déjame en paz|dejame en paz",
    r"arrête|arrete|arrêtez|arretez|arrêter|arreter|(?:me )?désabonner|(?:me )?desabonner|désinscription",
    r"plus de messages|laisse(?:z)?[ -]moi tranquille",
    r"pare|chega(?: de mensagens)?|descadastrar|cancelar inscrição|cancelar inscricao",
    r"me deix[ae] em paz|deixa-me em paz",
)
_MENTION: Final = r"(?:<@!?\d+>)?"
"""Some address us by name even in private; Discord writes it so."""
# The whole message, not a word in it: "don't stop" and "I stopped by" are no such wish.
_STOP: Final = re.compile(
    rf"[\W_]*{_MENTION}[\W_]*(?:(?:{_PLEASE})\W+)?(?:{'|'.join(_WISHES)})"
    rf"(?:\W+(?:{_PLEASE}))?[\W_]*{_MENTION}[\W_]*"
)
LONGEST: Final = 100
"""Characters. A longer message says more than that."""


def is_one(text: str) -> bool:
    """Whether a private message says nothing but that its writer wants no more messages."""
    if len(text) > LONGEST:
        return False
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _STOP.fullmatch(plain) is not None
