"""The tokenizer of multilingual-e5-small, on mapped tables: no process holds a copy of 250,000 pieces.

Source: Kudo (2018), "Subword Regularization", section 3.2: the most probable segmentation of a unigram model.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain, islice

import numpy as np

from guiado.detection.arrays import Array
from guiado.detection.semantic.encoders.e5.weights_file import PieceVocabulary
from guiado.detection.semantic.encoders.mapped_arrays import view
from guiado.detection.semantic.encoders.sentencepiece import PieceTable, tabulate

_MARK = "▁"  # stands before a piece that begins a word
_PREFIX = "query:"
"""The model was trained with one before each text."""
_SPECIAL = 4
_UNKNOWN_COST = 10.0
_REMEMBERED = 8_192  # words with their pieces
_BUCKETS = 1 << 19
_BETWEEN = "\0"  # no character becomes that


def tables_of(vocabulary: PieceVocabulary) -> tuple[dict[str, object], dict[str, Array]]:
    """Facts and arrays of a `Pieces`."""
    numbers: dict[str, int] = {}
    for number, piece in enumerate(vocabulary.pieces):
        for length in range(1, len(piece)):
            numbers.setdefault(piece[:length], 0)
        if number >= _SPECIAL:
            numbers[piece] = number + 1
    facts: dict[str, object] = {
        "begin": vocabulary.begin,
        "end": vocabulary.end,
        "unknown": vocabulary.unknown,
        "longest": max(map(len, vocabulary.pieces)),
        "least": float(vocabulary.scores.min()),
        "characters": "".join(vocabulary.characters),
        "become": _BETWEEN.join(vocabulary.characters.values()),
    }
    return facts, tabulate(numbers, _BUCKETS) | {"scores": vocabulary.scores}


class Pieces:
    """Cuts texts into pieces. Any number of threads may use it.

    Args:
        facts, arrays: of `tables_of`.

    Raises:
        KeyError, TypeError, ValueError: they are not.
    """

    def __init__(self, facts: Mapping[str, object], arrays: Mapping[str, Array]) -> None:
        self._begin, self._end, self._unknown, self._longest = (
            int(str(facts[name])) for name in ("begin", "end", "unknown", "longest")
        )
        self._unknown_score = float(str(facts["least"])) - _UNKNOWN_COST
        self._scores, self._numbers = view(arrays["scores"]), PieceTable(arrays)
        self._characters = dict(zip(map(ord, str(facts["characters"])), str(facts["become"]).split(_BETWEEN), strict=True))
        self._cut = lru_cache(_REMEMBERED)(self._cut_word)
        self._prefix = self._cut_word(_PREFIX)

    def encode(self, text: str, most: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The numbers of a text's pieces, between those of its beginning and its end.

        Args:
            text: anything.
            most: pieces of the text itself that are read; what comes after them is left out.
        """
        words = text.translate(self._characters).split()
        pieces = islice(chain.from_iterable(map(self._cut, words)), most)
        return np.array([self._begin, *self._prefix, *pieces, self._end], np.int64)

    def _cut_word(self, word: str) -> tuple[int, ...]:
        letters = _MARK + word
        count = len(letters)
        best = [0.0] + [-np.inf] * count
        came_from, piece_to = [0] * (count + 1), [self._unknown] * (count + 1)
        for begin in range(count):
            ways = self._pieces_from(letters, begin)
            if begin + 1 not in ways:
                ways[begin + 1] = self._unknown
            for end, piece in ways.items():
                score = best[begin] + (self._unknown_score if piece == self._unknown else self._scores[piece])
                if score > best[end]:
                    best[end], came_from[end], piece_to[end] = score, begin, piece
        found: list[int] = []
        while count:
            found.append(piece_to[count])
            count = came_from[count]
        return tuple(reversed(found))

    def _pieces_from(self, letters: str, begin: int) -> dict[int, int]:
        """The pieces that begin at a letter, by where they end."""
        ways: dict[int, int] = {}
        for end in range(begin + 1, min(begin + self._longest, len(letters)) + 1):
            number = self._numbers.get(letters[begin:end])
            if number is None:
                break
            if number:
                ways[end] = number - 1
        return ways
