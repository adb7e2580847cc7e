"""Languages that guiado does not speak: named by their function words or their letters, so that nothing near is guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from guiado.text.fold import fold
from guiado.text.language import FUNCTION_WORDS_OF
from guiado.text.tokenize import part_words

_MOST_WORDS = 60
_LEAST_WORDS = 2
_LEAST_LEAD = 1.4  # times what speaks for one of our own languages
_LEAST_LETTERS = 0.5  # the share of letters of another alphabet

_FUNCTION_WORDS = {
    "fr": """
        je tu il elle nous vous ils elles ne pas le les des du au aux un une et est sont mon ma mes ton votre vos
        notre ce cette qui dans pour avec sur plus ai suis peux pouvez avez marche fonctionne connecter mot passe
        compte erreur bonjour merci depuis j l d n c qu y toujours aucun aucune impossible probleme
    """,
    "de": """
        ich du er sie es wir ihr nicht kein keine der die das den dem des ein eine einen einem und ist sind war mein
        meine meinen meinem meiner mich mir zu auf mit von im in fur bei nach seit kann konnen funktioniert geht
        passwort konto fehler anmelden einloggen hallo bitte danke wird wurde habe hat bin immer mehr noch auch aber
        wenn
    """,
    "it": """
        io lui lei noi non il lo gli un una uno di del della dei delle al alla nel nella sul mio mia miei sono ho hai
        abbiamo posso riesco funziona accesso accedere errore ciao grazie per con che da si piu ancora questo questa
        mi perche dopo quando anche sempre schermo hanno ieri chiude volte stato
    """,
    "ca": """
        jo no puc el els les amb meu meva meus tinc funciona entrar contrasenya compte de del al dels es esta aquest
        aquesta perque quan pero molt hola gracies si us plau he ha fa des ahir surt em m d l hi mes res cap tampoc
        vull dues vegades han cobrat
    """,
    "gl": """
        eu non podo na no do da ao coa cun unha uns unhas teño tenho ten mina miña meu conta contrasinal funciona
        dende onte grazas ola moi pero tamen xa nin cando porque ningun
    """,
    "eu": """
        nik ez dut da du ezin naiz nire zaio ditut zait eta dago ari sartu kontua pasahitza errorea kaixo eskerrik
        asko mesedez dabil funtzionatzen baina gabe dudan nago
    """,
    "nl": """
        ik je jij hij zij wij niet geen de het een en is zijn mijn van op met voor bij naar kan kunnen werkt
        wachtwoord account inloggen hallo bedankt alstublieft heb heeft ben wordt al meer nog ook maar als sinds
        steeds fout dit dat
    """,
}
_WORDS = {language: frozenset(map(fold, words.split())) for language, words in _FUNCTION_WORDS.items()}
_ALPHABETS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "uk": re.compile(r"[\u0404\u0406\u0407\u0454\u0456\u0457\u0490\u0491]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
"""The likeliest language of each alphabet; what is rarer comes first."""


def foreign_language(part: str) -> str | None:
    """The language of a text, by its ISO 639 code, where it is none of ours.

    Args:
        part: the meaningful part of a text.
    """
    letters = [letter for letter in part if letter.isalpha()]
    strange = [letter for letter in letters if letter > "\u036f"]
    if strange and len(strange) >= _LEAST_LETTERS * len(letters):
        return next((language for language, alphabet in _ALPHABETS.items() if alphabet.search(part)), None)
    words = [fold(word) for word in part_words(part)[:_MOST_WORDS]]
    leads = {language: min(_lead(words, known, own) for own in FUNCTION_WORDS_OF.values()) for language, known in _WORDS.items()}
    best = max(leads, key=lambda language: leads[language])
    return best if leads[best] > 0 else None


def _lead(words: Sequence[str], known: AbstractSet[str], own: AbstractSet[str]) -> float:
    """How far function words speak for another language against one of ours; 0 where they are too few."""
    theirs = sum(word in known and word not in own for word in words)
    ours = sum(word in own and word not in known for word in words)
    return theirs - _LEAST_LEAD * ours if theirs >= _LEAST_WORDS else 0.0
