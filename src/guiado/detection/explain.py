"""Explains the reading of a text before it is compared: repaired words, full forms and parts left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from guiado.detection.index import Index
from guiado.text.email_reply import newest_part
from guiado.text.html_text import visible_text
from guiado.text.normalise import clean_sentence, surface_words

_WORD = re.compile(r"[^\W_]+")
_READ_CHARS = 20_000  # of a text whose length nobody bounded


@dataclass(frozen=True, slots=True)
class TextReading:
    """The reading of a text.

    Args:
        sentence: what was read: repaired, in lower case, short spellings in full, slips put right.
        unread: how many words of the text were left out, about: a quoted mail, a greeting, a signature, what comes late.
        repaired: words that stand differently in the text: broken encodings, drawn out letters.
        spelled_out: short spellings with what they stand for.
        respelled: slips of the finger with what they were taken for.
    """

    sentence: str
    unread: int
    repaired: tuple[str, ...]
    spelled_out: tuple[tuple[str, str], ...]
    respelled: tuple[tuple[str, str], ...]


def read_as(text: str, index: Index) -> TextReading:
    """Return the reading of a text.

    Args:
        text: anything that a customer may type, of any length.
        index: over the known problems: their words are no slips.
    """
    text = visible_text(text[:_READ_CHARS])
    clean, words = clean_sentence(text, index.texts.words.keys()), surface_words(text)
    sentence = index.read(text) or clean
    known = frozenset(_words(text))
    distinct = list(dict.fromkeys(words))
    left_out = len(_words(text)) - len(_words(newest_part(text)))
    late = len(_words(newest_part(text))) - len(words)
    return TextReading(
        sentence=sentence,
        unread=left_out + (late if late > len(words) else 0),
        repaired=tuple(word for word in distinct if word not in known),
        spelled_out=tuple(dict.fromkeys(_changes(words, _words(clean)))),
        respelled=tuple(dict.fromkeys(_changes(_words(clean), _words(sentence)))),
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _changes(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(" ".join(before[a:b]), " ".join(after[c:d])) for kind, a, b, c, d in steps if kind == "replace"]
