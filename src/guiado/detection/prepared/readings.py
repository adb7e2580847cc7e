"""Readings of the texts of the guides that ship: how encoder and words read each, its codes, and the stems of their words.

To read 11,000 texts takes seconds of a start. What is prepared is what reading would give, which a test compares; a text that
is not prepared is read.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence

import msgspec

from guiado.detection.prepared.vectors import PREPARED
from guiado.text.code import Code
from guiado.text.codes import codes_in
from guiado.text.normalise import clean_part
from guiado.text.stemming import stem
from guiado.text.terms import read_part
from guiado.text.tokenize import meaningful_part

PATH = PREPARED / "readings.json.gz"


class Readings(msgspec.Struct, frozen=True):
    """Readings of some texts.

    Args:
        texts: text -> as the encoder reads it, and its folded words in their order, a blank between them.
        stems: folded word -> its stem.
        codes: text -> the codes that it names; texts that name none are left out.
        parts: text -> its meaningful part, where that is another than the text.
    """

    texts: Mapping[str, tuple[str, str]] = {}
    stems: Mapping[str, str] = {}
    codes: Mapping[str, tuple[Code, ...]] = {}
    parts: Mapping[str, str] = {}

    def part(self, text: str) -> str:
        """The meaningful part of the text, see `meaningful_part`."""
        return self.parts.get(text, text) if text in self.texts else meaningful_part(text)

    def clean(self, text: str, part: str | None = None) -> str:
        """The text as the encoder reads it, see `clean_sentence`.

        Args:
            part: its meaningful part, where that is known.
        """
        known = self.texts.get(text)
        return clean_part(meaningful_part(text) if part is None else part) if known is None else known[0]

    def words(self, text: str, part: str | None = None) -> Sequence[str]:
        """The folded words of the text, see `read_words`.

        Args:
            part: its meaningful part, where that is known.
        """
        known = self.texts.get(text)
        return _words(meaningful_part(text) if part is None else part) if known is None else known[1].split()

    def stem(self, word: str) -> str:
        """The stem of a folded word."""
        return self.stems.get(word) or stem(word)

    def codes_in(self, text: str) -> tuple[Code, ...]:
        """The codes that the text names, see `codes.codes_in`."""
        return self.codes.get(text, ()) if text in self.texts else codes_in(text)


NOTHING = Readings()
"""No readings: everything is read."""


def _words(part: str) -> list[str]:
    return [word.key for word in read_part(part)]


def read_all(texts: Sequence[str]) -> Readings:
    """The readings of texts, read now."""
    parts = {text: meaningful_part(text) for text in texts}
    found = {text: (clean_part(part), " ".join(_words(part))) for text, part in parts.items()}
    stems = {word: stem(word) for _, words in found.values() for word in words.split()}
    codes = {text: codes for text in texts if (codes := codes_in(text))}
    return Readings(found, stems, codes, {text: part for text, part in parts.items() if part != text})


def shipped() -> Readings:
    """The readings that ship; none where their file is missing or damaged."""
    try:
        return msgspec.json.decode(gzip.decompress(PATH.read_bytes()), type=Readings)
    except (OSError, EOFError, ValueError):
        return NOTHING


def write(readings: Readings) -> None:
    """Write the readings that ship."""
    PATH.write_bytes(gzip.compress(msgspec.json.encode(readings), 9, mtime=0))
