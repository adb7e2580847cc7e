"""Language detection: Spanish, English or Portuguese by function words and letters, without a model."""

from __future__ import annotations

import re
from functools import lru_cache

from guiado.text.fold import fold
from guiado.text.short_forms import TABLES
from guiado.text.stopwords import ENGLISH, PORTUGUESE, SPANISH
from guiado.text.tokenize import meaningful_part, part_words

_MOST_WORDS = 200
_ONLY_HERE = 1.0  # a function word of one language
_SHARED = 0.4  # a function word of this language and of another
_LETTER = 1.0  # a letter or an ending of one language
_LEAST_SCORE = 0.8
_LEAST_LEAD = 0.35  # least lead as a share of the best score; under it two languages fit about equally well

_BORROWED = """
    app apps crash crashea crashed bug login logout log wifi wi fi router modem internet online offline email mail e
    web website link click chat pin sim pdf usb hdmi vpn dns ip ok spam hotmail gmail whatsapp facebook google windows
    android iphone ios mac apple samsung setup software hardware firmware driver drivers update timeout error excel
    word office zoom teams netflix outlook ticket sms cookie cookies laptop tablet smart tv pc bluetooth backup token
    password user admin premium streaming ping lag hacker hack hackeado loguearme da
"""
_ALSO_SPANISH = (
    "hola gracias ayuda buenas buenos dias tardes noches favor no funciona puedo pude deja sale tengo cuenta contrasena"
    " olvide cobraron entrar"
)
_ALSO_ENGLISH = "hello hi hey thanks thank help please no not cannot password account keeps won don doesn isn app works working"
_ALSO_PORTUGUESE = "ola oi bom boa noite obrigado obrigada ajuda favor nao funciona posso consigo esqueci senha conta uma entrar"
FUNCTION_WORDS_OF = {
    "es": SPANISH | frozenset(_ALSO_SPANISH.split()),
    "en": ENGLISH | frozenset(_ALSO_ENGLISH.split()),
    "pt": (PORTUGUESE | frozenset(_ALSO_PORTUGUESE.split())) - {"la"},  # "lá" is rare, "la" is in most Spanish texts
}
"""Function words and the commonest others of each language, folded."""
_ALL_WORDS = SPANISH | ENGLISH | PORTUGUESE | FUNCTION_WORDS_OF["es"] | FUNCTION_WORDS_OF["en"] | FUNCTION_WORDS_OF["pt"]
_SPOKEN = {language: words | (TABLES[language].keys() - _ALL_WORDS) for language, words in FUNCTION_WORDS_OF.items()}
"""Function words with each language's short forms that are no words of any: "mi" is English for "my" in messages only."""
MIXED = frozenset(_BORROWED.split())
"""Words that customers of every language mix in: they tell none of them; and "da", a verb here and an article there."""
NO_WORD = re.compile(r"(?<!\S)\S*?(?:\w[@/\\_.]\w|\w[&=#]|[#@]\w|\d)\S*+")
"""Addresses, names of products ("cl@ve"), codes: they belong to no language."""
MARKS = {
    "es": ("ñ", "¿", "¡", "ción", "ll"),
    "en": ("ing", "'t", "’t", "wh", "th", "sh", "ck"),
    "pt": ("ã", "õ", "ç", "ê", "â", "ô", "lh", "nh"),
}


def detect_language(text: str) -> str | None:
    """Detect the language of a customer's text.

    Args:
        text: anything that a customer may type.

    Returns:
        "es", "en" or "pt"; None where the text is too short, mixed or in another language.
    """
    return language_of(meaningful_part(text))


def language_of(part: str) -> str | None:
    """Detect the language of a meaningful part; see `detect_language`."""
    surfaces = part_words(part)[:_MOST_WORDS]
    if not surfaces:
        return None
    totals = map(sum, zip(*map(_score_word, surfaces), strict=True))
    scores = dict(zip(MARKS, totals, strict=True))
    best, second = sorted(scores.items(), key=lambda item: -item[1])[:2]
    if best[1] < _LEAST_SCORE or best[1] - second[1] < _LEAST_LEAD * best[1]:
        return None
    return best[0]


@lru_cache(maxsize=8_192)
def _score_word(surface: str) -> tuple[float, ...]:
    """The score of a word for each language."""
    key = fold(surface)
    spoken = [language for language, words in _SPOKEN.items() if key in words]
    worth = _ONLY_HERE if len(spoken) == 1 else _SHARED
    return tuple(
        (worth if language in spoken else 0.0) + (_LETTER if any(mark in surface for mark in marks) else 0.0)
        for language, marks in MARKS.items()
    )
