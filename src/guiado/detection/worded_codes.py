"""Error codes that say in words what they mean, as customers write them: with spaces or hyphens, and with slips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from guiado.text.code import Code, CodeKind
from guiado.text.fold import fold_in_place

_WORD = re.compile(r"[^\W_]+")
_FEWEST_WORDS = 3
_LEAST_LETTERS = 5
"""Letters of a word in which one may be wrong."""


class WordedCodes:
    """The worded codes that a knowledge base knows.

    Args:
        values: of them, as "err_connection_reset".
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        self._by_length: dict[int, list[tuple[str, ...]]] = {}
        for value in sorted(set(values)):
            parts = tuple(_WORD.findall(value))
            self._by_first.setdefault(parts[0], []).append(parts)
            self._by_length.setdefault(len(parts), []).append(parts)

    def written_apart(self, text: str) -> Iterator[Code]:
        """The codes whose words stand in a text with anything but an underscore between them.

        They are those that are known, and those that differ from a known one in the last word only.
        """
        if not self._by_first:
            return
        words = list(_WORD.finditer(fold_in_place(text)))
        for at, first in enumerate(words):
            known = self._by_first.get(first.group(), ())
            found = next((size for parts in known if (size := _size(parts, words, at))), 0)
            written = text[first.start() : words[at + found - 1].end()] if found else ""
            if found and "_" not in written:
                last = words[at + found - 1]
                value = self.meant("_".join(word.group() for word in words[at : at + found]))
                yield Code(CodeKind.ERROR, "error", value, written, start=first.start(), end=last.end())

    def meant(self, value: str) -> str:
        """The known code that differs by one letter in a word or two; the value itself where there is none."""
        parts = tuple(_WORD.findall(value))
        for known in self._by_length.get(len(parts), ()):
            if all(map(_is_meant, parts, known)):
                return "_".join(known)
        return value


def _size(parts: tuple[str, ...], words: Sequence[re.Match[str]], at: int) -> int:
    """How many words from a place on are those of a code, its last one or another; 0 where they are not."""
    said = [word.group() for word in words[at : at + len(parts)]]
    is_one = len(said) == len(parts) >= _FEWEST_WORDS and tuple(said[:-1]) == parts[:-1]
    return len(parts) if is_one or tuple(said) == parts else 0


def _is_meant(written: str, known: str) -> bool:
    return written == known or (min(len(written), len(known)) >= _LEAST_LETTERS and is_one_slip(written, known))


def is_one_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter that is missing, wrong, doubled or has changed places with the next one."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[same:] == other[same + 1 :]
    is_swapped = one[same : same + 2] == other[same : same + 2][::-1] and one[same + 2 :] == other[same + 2 :]
    return one[same + 1 :] == other[same + 1 :] or is_swapped


NO_WORDED_CODES = WordedCodes()
