"""The SentencePiece vocabulary of the default encoder, used as a lexicon of the languages' words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Array
from guiado.detection.semantic.encoders.mapped_arrays import view
from guiado.errors import EncoderUnavailable
from guiado.text.fold import fold

_MARK = "▁"  # stands before a piece that begins a word
_ACCENTED = re.compile(r"[a-z]*+[à-öø-ÿ][a-zà-öø-ÿ]*+")
_FEWEST_LETTERS = 3
_BUCKETS = 1 << 18
ACCENTED = "_accented"
"""Attribute of a tokenizer that was revived: what `accented_words` gives for the pieces that it no longer has."""
_REMEMBERED = 32_768  # beginnings of pieces: most of what texts ask for; some 4 MB


class Tokenizer(Protocol):
    """The public method of the package's tokenizer."""

    def encode(self, texts: str, **options: object) -> list[int]:
        """The numbers of a text's pieces."""
        ...


class PieceTable:
    """Hash table of pieces and their beginnings, read from mapped arrays. Any number of threads may use it.

    Args:
        arrays: of `tabulate`.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._starts, self._offsets = view(arrays["starts"]), view(arrays["offsets"])
        self._numbers, self._letters = view(arrays["numbers"]), view(arrays["letters"])
        self._buckets = len(self._starts) - 1
        self.get = lru_cache(_REMEMBERED)(self.find)

    def find(self, piece: str) -> int | None:
        """Number of a piece + 1; 0 for what is only the beginning of one, None for anything else."""
        letters = piece.encode("utf-8", "surrogatepass")
        bucket, offsets = zlib.crc32(letters) % self._buckets, self._offsets
        for row in range(self._starts[bucket], self._starts[bucket + 1]):
            if self._letters[offsets[row] : offsets[row + 1]].tobytes() == letters:
                return self._numbers[row]
        return None


def tabulate(numbers: Mapping[str, int], buckets: int = _BUCKETS) -> dict[str, Array]:
    """The arrays of a `PieceTable`.

    Args:
        numbers: of the package's tokenizer: number + 1 by piece, 0 by beginning of a piece. Or of anything else, by its name.
        buckets: how many; about one for each.
    """
    filed = [zlib.crc32(piece.encode()) % buckets for piece in numbers]
    order: NDArray[np.int64] = np.argsort(filed, kind="stable")
    pieces = list(numbers)
    rows: list[int] = order.tolist()
    letters = [pieces[row].encode() for row in rows]
    return {
        "starts": np.searchsorted(np.asarray(filed)[order], np.arange(buckets + 1)).astype(np.uint32),
        "offsets": np.fromiter(accumulate(map(len, letters), initial=0), np.uint32, len(letters) + 1),
        "numbers": np.fromiter(numbers.values(), np.int32, len(letters))[order],
        "letters": np.frombuffer(b"".join(letters), np.uint8),
    }


def accented_words(pieces: Iterable[str]) -> dict[str, str]:
    """Accented words by their unaccented form; the commonest where there are several.

    Args:
        pieces: of the package's tokenizer, the commonest first; only those that are whole words count.
    """
    found: dict[str, str] = {}
    for piece in pieces:
        if piece.startswith(_MARK) and not piece.isascii() and _ACCENTED.fullmatch(piece, 1):
            found.setdefault(fold(piece[1:]), piece[1:])
    return found


class PieceLexicon:
    """Lexicon of sixteen languages, weighted by the frequencies of the encoder's vocabulary. Any number of threads may use it.

    Args:
        tokenizer: of the package; its tables are read where they are, so that they cost no second memory.

    Raises:
        EncoderUnavailable: they are not where this version of the package has them.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tables = vars(tokenizer)  # private ones: the version is pinned, and a test looks
        try:
            self._scores: Sequence[float] = tables["_scores"]
            numbers: Mapping[str, int] | PieceTable = tables["_prefixes"]
            accented: Mapping[str, str] = tables[ACCENTED] if ACCENTED in tables else accented_words(tables["_pieces"])
        except KeyError as error:
            raise EncoderUnavailable(
                "El codificador de frases no es de una versión conocida.\nReinstala guiado con sus dependencias."
            ) from error
        self._tokenizer = tokenizer
        # The same word is seldom looked up twice, so that a cache would not help.
        self._number: Callable[[str], int | None] = numbers.find if isinstance(numbers, PieceTable) else numbers.get
        self._accented = accented

    def weigh_word(self, word: str) -> float | None:
        """See `Lexicon.weigh_word`."""
        number = self._number(_MARK + word)  # 0: only the beginning of a longer piece
        return self._scores[number - 1] if number and len(word) >= _FEWEST_LETTERS else None

    def is_name(self, word: str) -> bool:
        """See `Lexicon.is_name`."""
        return any(self._number(_MARK + name) for name in (word.capitalize(), word.upper()))

    def weigh_letters(self, word: str) -> float:
        """See `Lexicon.weigh_letters`."""
        return sum(self._scores[number] for number in self._tokenizer.encode(word, add_bos=False, add_eos=False))

    def accented(self, plain: str) -> str | None:
        """See `Lexicon.accented`."""
        return self._accented.get(plain)
