"""Readings of the texts of the guides that ship: how encoder and words read each, its codes, and the stems of their words.

To read 9,000 texts takes four seconds of a start. What is prepared is what reading would give, which a test compares; a text that
is not prepared is read.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence

import msgspec

from guiado.detection.prepared.vectors import PREPARED
from guiado.text.code import Code
from guiado.text.codes import codes_in
from guiado.text.normalise import clean_sentence
from guiado.text.stemming import stem
from guiado.text.terms import read_words

PATH = PREPARED / "readings.json.gz"


class Readings(msgspec.Struct, frozen=True):
    """Readings of some texts.

    Args:
        texts: text -> as the encoder reads it, and its folded words in their order.
        stems: folded word -> its stem.
        codes: text -> the codes that it names; texts that name none are left out.
    """

    texts: Mapping[str, tuple[str, list[str]]] = {}
    stems: Mapping[str, str] = {}
    codes: Mapping[str, tuple[Code, ...]] = {}

    def clean(self, text: str) -> str:
        """The text as the encoder reads it, see `clean_sentence`."""
        known = self.texts.get(text)
        return clean_sentence(text) if known is None else known[0]

    def words(self, text: str) -> Sequence[str]:
        """The folded words of the text, see `read_words`."""
        known = self.texts.get(text)
        return [word.key for word in read_words(text)] if known is None else known[1]

    def stem(self, word: str) -> str:
        """The stem of a folded word."""
        return self.stems.get(word) or stem(word)

    def codes_in(self, text: str) -> tuple[Code, ...]:
        """The codes that the text names, see `codes.codes_in`."""
        return self.codes.get(text, ()) if text in self.texts else codes_in(text)


NOTHING = Readings()
"""No readings: everything is read."""


def read_all(texts: Sequence[str]) -> Readings:
    """The readings of texts, read now."""
    found = {text: (clean_sentence(text), [word.key for word in read_words(text)]) for text in texts}
    stems = {word: stem(word) for _, words in found.values() for word in words}
    return Readings(found, stems, {text: codes for text in texts if (codes := codes_in(text))})


def shipped() -> Readings:
    """The readings that ship; none where their file is missing or damaged."""
    try:
        return msgspec.json.decode(gzip.decompress(PATH.read_bytes()), type=Readings)
    except (OSError, EOFError, ValueError):
        return NOTHING


def write(readings: Readings) -> None:
    """Write the readings that ship."""
    PATH.write_bytes(gzip.compress(msgspec.json.encode(readings), 9, mtime=0))
