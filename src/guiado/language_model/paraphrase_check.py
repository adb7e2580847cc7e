"""Paraphrase check: whether a reworded text still says the same, decided by its words without trust in the model.

The reworded text must have the words of the original in their order. It may inflect them (tú, usted), put one of a few
synonyms, drop a word without meaning, and add words of courtesy, and nothing else: no instruction, address or
warning can be added or removed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import takewhile

from guiado.text.fold import fold_canonically

_MAX_WORDS = 200
_KEPT_SHARE = 0.8
"""Least share of the meaningful words that must stay; of the critical ones all must."""
_SHORT = 3
_SAME_BEGINNING = 0.6
_LONGER, _LONGER_BY, _SHORTER = 2.0, 40, 0.4
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_QUOTED = re.compile(r"«[^«»]*»|“[^“”]*”|\"[^\"]*\"|`[^`]*`")
_HEAD = re.compile(r"\w+(?: \w+){0,3}:")
_HARD_G = re.compile(r"gu(?=[ei])")
_BREAK = frozenset(".:;!?¡¿\n")
_PUNCTUATION = frozenset(".,;:¡!¿?()-'’ \n")
_ADDRESS = re.compile(r"\w\.\w|\d{5}|\d[\d\s().-]{5,}\d")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EMPTY = _words("""
    a al ante como con cual cuando de del desde donde e el ella ello en esa ese eso esta este esto estos estas esos esas ha han
    has hay he la las le les lo los me mi mis os para pero por pues que se ser su sus te ti tu tus un una unas unos usted ustedes
    vos y ya es son sea
    an and are as at be by do for from have i in into is it its of on our that the their then there these this those to was
    we with you your
    ao aos as da das do dos e em esse esta isso isto na nas num os pela pelo seu seus sua suas tua um uma voce voces
""")
"""Function words."""
_COURTESY = _words("""
    favor porfa porfavor gracias ok okay vale bueno bien ahora luego entonces simplemente tranquilo tranquila amigo amiga
    please thanks thank now just simply okay well kindly
    obrigado obrigada agora
""")
"""Words that may be added or removed."""
_SYNONYMS = (
    ("presion", "puls", "oprim", "apriet", "apret", "toca", "toqu"),
    ("clic", "click"),
    ("haz", "haga", "hace", "dale", "dele"),
    ("elig", "elij", "eleg", "escog", "escoj", "seleccion"),
    ("escrib", "tecle", "ingres"),
    ("mira", "mire", "revis", "verific", "comprueb", "checa", "cheque"),
    ("equipo", "computador", "ordenador", "compu", "pc"),
    ("telefono", "celular", "movil"),
    ("aplicacion", "app"),
    ("ve", "vaya"),
    ("di", "diga"),
    ("no", "not", "cannot"),
    ("check", "verify"),
    ("press", "tap", "click", "hit"),
    ("choose", "pick", "select"),
    ("type", "enter"),
    ("computer", "pc"),
    ("phone", "cellphone", "mobile"),
    ("application", "app"),
)
"""Synonyms, by the beginnings of words; those of up to three letters are whole words."""
_CRITICAL = _words("""
    o u ou or
    no nunca jamas tampoco ni nadie nada ningun ninguna sin salvo excepto menos solo unicamente antes despues si hasta mientras
    not never nobody nothing without except unless only before after if until while
    nao nem ninguem sem exceto somente apenas depois ate
    uno dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta media mitad doble
    one two three four five six seven eight nine ten eleven twelve twenty thirty half double
""")
"""Critical words: negations, conditions and numbers."""
_CRITICAL_BEGINNINGS = (
    *("borr", "elimin", "vaci", "desinstal", "format", "restablec", "restaur", "sobrescrib", "reinici", "apag", "desconect"),
    *("pierd", "perd", "deshac", "recuper", "cancel", "cierr", "copia", "respald", "guard", "conect", "enci", "activ"),
    *("desactiv", "instal", "delet", "eras", "remov", "uninstall", "reset", "restor", "overwrit", "lose", "lost", "undo"),
    *("backup", "save", "close", "exclu", "perc", "desfa", "salv"),
)
"""Critical beginnings of words: actions that cannot be undone, or that must come before them."""


def says_the_same(original: str, reworded: str) -> bool:
    """Whether a reworded text says the same as the original.

    Args:
        original: as its author wrote it.
        reworded: by the model.
    """
    if reworded == original:
        return True
    return (
        _SHORTER * len(original) <= len(reworded) <= min(_LONGER * len(original), len(original) + _LONGER_BY)
        and _signs(reworded) == _signs(original)
        and Counter(_QUOTED.findall(reworded)) == Counter(_QUOTED.findall(original))
        and _keeps_names(original, reworded)
        and _follows(_meaning(original), _meaning(reworded))
    )


def is_plain(text: str) -> bool:
    """Whether a text is one line of words of the Latin alphabet: no markup, no address, no long number."""
    letters = (character for character in text if character.isalpha())
    signs = {character for character in text if not character.isalnum()} - _PUNCTUATION - {'"', "«", "»", "%"}
    return text.isprintable() and not signs and all(map(_is_latin, letters)) and not _ADDRESS.search(text)


def _signs(text: str) -> Counter[str]:
    """Counts of the characters that are neither Latin words nor plain punctuation, invisible ones included."""
    return Counter(c for c in text if c not in _PUNCTUATION and (not c.isalnum() or (c.isalpha() and not _is_latin(c))))


@cache
def _is_latin(letter: str) -> bool:
    # NFKC: a full-width or mathematical letter looks like a plain one and is another character.
    plain = unicodedata.name(letter, "").startswith("LATIN") or letter in "ªº"
    return plain and (unicodedata.normalize("NFKC", letter) == letter or letter in "ªº")


def _keeps_names(original: str, reworded: str) -> bool:
    """Whether labels with a capital, and the words before a colon, stay as written, and no new label is added."""
    spoken, head = Counter(_WORD.findall(reworded)), _HEAD.match(original)
    names = Counter(_names(original)) | Counter(word for word in _WORD.findall(head.group() if head else "") if word[0].isupper())
    return names <= spoken and set(_names(reworded)) <= set(_WORD.findall(original))


def _names(text: str) -> list[str]:
    """Words with a capital that do not begin a sentence."""
    names: list[str] = []
    end = 0
    for found in _WORD.finditer(text):
        word, begins = found.group(), end == 0 or not _BREAK.isdisjoint(text[end : found.start()])
        if (word[0].isupper() and not begins) or sum(map(str.isupper, word)) > 1:
            names.append(word)
        end = found.end()
    return names


def _meaning(text: str) -> list[str]:
    """The meaningful words, folded, in their order."""
    folded = (_fold(word) for word in _WORD.findall(text))
    return [word for word in folded if word not in _EMPTY and word not in _COURTESY]


def _fold(word: str) -> str:
    plain = fold_canonically(word)
    return "not" if plain.endswith(("n't", "n’t")) else plain


def _follows(original: list[str], reworded: list[str]) -> bool:
    """Whether `reworded` is `original`, word for word, with a few unimportant ones left out."""
    if len(original) > _MAX_WORDS or len(reworded) > len(original):
        return False
    dropped, place = 0, 0
    for word in reworded:
        while place < len(original) and not _means(original[place], word):
            if _is_critical(original[place]):
                return False
            dropped, place = dropped + 1, place + 1
        if place == len(original):
            return False
        place += 1
    rest = original[place:]
    return not any(map(_is_critical, rest)) and dropped + len(rest) <= (1 - _KEPT_SHARE) * len(original)


def _means(original: str, reworded: str) -> bool:
    if original == reworded or any(_is_of(group, original) and _is_of(group, reworded) for group in _SYNONYMS):
        return True
    if min(len(original), len(reworded)) < _SHORT or not (original + reworded).isalpha():
        return False
    if original in _CRITICAL or reworded in _CRITICAL:
        return False
    heard = _sound(original), _sound(reworded)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*heard, strict=False)))
    return same >= max(_SHORT, _SAME_BEGINNING * max(map(len, heard)))


def _sound(word: str) -> str:
    """A word spelled by its sounds, so that inflected forms begin alike: busca, busque; sigue, siga; utiliza, utilice."""
    return _HARD_G.sub("g", word).replace("qu", "c").replace("z", "c")


def _is_of(group: tuple[str, ...], word: str) -> bool:
    return any(word == beginning if len(beginning) <= _SHORT else word.startswith(beginning) for beginning in group)


def _is_critical(word: str) -> bool:
    return word in _CRITICAL or any(c.isdigit() for c in word) or word.startswith(_CRITICAL_BEGINNINGS)
