"""The common words of Spanish, English and Portuguese with their frequencies and similar spellings.

They are prepared once, and mapped by every process of this user from then on.
Source: Speer (2022), wordfreq; its smaller lists: words that are at least one in a million. `scripts/word_frequencies.py` wrote
them into `word_lists/`, whose NOTICE.md tells their licence.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from itertools import accumulate, chain
from math import log
from pathlib import Path
from sys import byteorder

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Array, spans
from guiado.detection.semantic.encoders.mapped_arrays import Arrays, map_arrays, remove_others, view, write_arrays
from guiado.detection.semantic.encoders.sentencepiece import PieceTable, tabulate
from guiado.resources import package_path
from guiado.text.tokenize import fold

LANGUAGES = ("es", "en", "pt")
COMMON_LETTERS = 5
"""Letters of the shortest common word that is a correction: shorter ones are neighbours of everything."""

_FORM = 1  # of what is kept; another number makes another folder
_RAREST = 600  # one in a million: the lists hold no rarer ones
_BUCKETS = 1 << 15  # about as many as words
_Numbers = dict[str, Array]


class CommonWords:
    """The common words of one language. Any number of threads may use it.

    Args:
        arrays: of `_prepare`.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._words, self._weights = PieceTable(_part(arrays, "word")), view(arrays["weights"])
        self._plain, self._accented = PieceTable(_part(arrays, "plain")), _Strings(_part(arrays, "accented"))
        self._long, self._forms, self._owners = _Strings(_part(arrays, "long")), arrays["forms"], arrays["owners"]

    def weigh(self, word: str) -> float | None:
        """Natural logarithm of a word's frequency; None for one that is not common."""
        row = self._words.find(word)
        return None if row is None else self._weights[row]

    def accented(self, plain: str) -> str | None:
        """Return the likeliest word with accents that is this one without them; None where there is none."""
        row = self._plain.find(plain)
        return None if row is None else self._accented[row]

    def near(self, word: str) -> set[str]:
        """Find words of `COMMON_LETTERS` and more, without accents, that share a form of `_forms` with this one."""
        forms = _forms(word)
        hashes = _hashes(forms)
        begins, ends = np.searchsorted(self._forms, hashes), np.searchsorted(self._forms, hashes, "right")
        found = {self._long[row] for row in self._owners[spans(begins, ends)].tolist()}
        return {other for other in found if not forms.isdisjoint(_forms(other))}  # different forms may have one hash


class _Strings:
    """Strings by number, in mapped arrays."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._offsets, self._letters = view(arrays["offsets"]), view(arrays["letters"])

    def __getitem__(self, row: int) -> str:
        return self._letters[self._offsets[row] : self._offsets[row + 1]].tobytes().decode()


def weights(language: str) -> dict[str, float]:
    """Read the words of one language, some 30,000, with natural logarithms of their frequencies, in 3 MB.

    Args:
        language: "es", "en" or "pt".
    """
    return {word: log(10 ** (-level / 100)) for word, level in levels(language)}


def levels(language: str, rarest: int = _RAREST) -> Iterator[tuple[str, int]]:
    """The words of one language, commonest first, with -100 log10 of their chances.

    Args:
        rarest: words of a higher level are left out.
    """
    for line in _source(language).decode().splitlines():
        level, *words = line.split(" ")
        if not level.isdigit():
            continue  # the head of the file
        if int(level) > rarest:
            return
        yield from ((word, int(level)) for word in words)


@cache
def common_words(language: str, folder: Path | None) -> CommonWords:
    """Return the common words of a language in this process, prepared at the first call.

    Args:
        language: "es", "en" or "pt".
        folder: where they are kept for other processes; None keeps nothing.
    """
    if folder is None:
        return CommonWords(_prepare(weights(language)))
    path = folder / f"words-{language}-{_key(language)}"
    return CommonWords(_kept(path) or _keep(path, _prepare(weights(language))))


def spoken(language: str | None) -> Iterator[str]:
    """Yield the languages whose words count in a text.

    Args:
        language: of the text; all of them where it is not known.
    """
    yield from LANGUAGES if language is None else (language,)


def _source(language: str) -> bytes:
    return package_path("word_lists", f"{language}.txt").read_bytes()


def _key(language: str) -> str:
    """Return a cache key for exactly these words, as this machine and this code prepare them."""
    return sha256(f"{_FORM} {byteorder} ".encode() + _source(language)).hexdigest()[:16]


def _kept(path: Path) -> Mapping[str, Array] | None:
    content = map_arrays(path)
    return content.arrays if content else None


def _keep(path: Path, arrays: _Numbers) -> Mapping[str, Array]:
    """Write arrays to a folder and map them from there; `arrays` themselves where that fails."""
    with suppress(OSError):
        write_arrays(path, Arrays({}, arrays))
        remove_others(path, f"{path.name[: len('words-es-')]}*")
    return _kept(path) or arrays


def _prepare(known: Mapping[str, float]) -> _Numbers:
    spellings = _spellings(known)
    bare = (word for word in known if word.isascii())
    long = sorted({word for word in chain(bare, spellings) if len(word) >= COMMON_LETTERS})
    return {
        **_named("word", tabulate({word: row for row, word in enumerate(known)}, _BUCKETS)),
        "weights": np.fromiter(known.values(), np.float64, len(known)),
        **_named("plain", tabulate({plain: row for row, plain in enumerate(spellings)}, _BUCKETS)),
        **_named("accented", _pack(list(spellings.values()))),
        **_named("long", _pack(long)),
        **_file(long),
    }


def _spellings(known: Mapping[str, float]) -> dict[str, str]:
    """Return the likeliest word with accents for each word without them."""
    found: dict[str, str] = {}
    for word in sorted((word for word in known if not word.isascii()), key=lambda word: (known[word], word)):
        if (plain := fold(word)) != word:
            found[plain] = word
    return found


def _file(words: Sequence[str]) -> _Numbers:
    """Index words by the hashes of their `_forms`, in ascending order."""
    forms = [_forms(word) for word in words]
    hashes = _hashes(chain.from_iterable(forms))
    order = np.argsort(hashes, kind="stable")
    owners = np.repeat(np.arange(len(words), dtype=np.int32), list(map(len, forms)))
    return {"forms": hashes[order], "owners": owners[order]}


def _forms(word: str) -> frozenset[str]:
    """Return a word and every form with one letter less."""
    return frozenset([word, *[word[:i] + word[i + 1 :] for i in range(len(word))]])


def _hashes(forms: Iterable[str]) -> NDArray[np.uint32]:
    """Hash forms in the same way in every process, which Python's own hash does not."""
    return np.array([zlib.crc32(form.encode("utf-8", "surrogatepass")) for form in forms], np.uint32)


def _pack(strings: Sequence[str]) -> _Numbers:
    letters = [string.encode() for string in strings]
    return {
        "offsets": np.fromiter(accumulate(map(len, letters), initial=0), np.uint32, len(letters) + 1),
        "letters": np.frombuffer(b"".join(letters), np.uint8),
    }


def _named(part: str, arrays: _Numbers) -> _Numbers:
    return {f"{part}.{name}": array for name, array in arrays.items()}


def _part(arrays: Mapping[str, Array], part: str) -> _Numbers:
    return {name.removeprefix(f"{part}."): array for name, array in arrays.items() if name.startswith(f"{part}.")}
