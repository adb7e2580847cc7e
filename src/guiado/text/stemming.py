"""Snowball stemming of folded words, Spanish first and then English."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Protocol

import snowballstemmer


class _Stemmer(Protocol):
    """Type of a Snowball stemmer, which the package does not give."""

    def stemWord(self, word: str) -> str: ...  # noqa: N802


_lock = threading.Lock()  # a Snowball stemmer keeps the word it works on in itself
_spanish: _Stemmer = snowballstemmer.stemmer("spanish")  # pyright: ignore[reportUnknownMemberType]
_english: _Stemmer = snowballstemmer.stemmer("english")  # pyright: ignore[reportUnknownMemberType]


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The stem of a folded word: Spanish (which serves Portuguese endings too), then English endings.

    Args:
        word: one folded word.
    """
    with _lock:
        return _english.stemWord(_spanish.stemWord(word))
