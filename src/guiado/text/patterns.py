"""Compiles lists of phrases, one a line and grouped by language, into one pattern."""

from __future__ import annotations

import re


def mentions(text: str, *words: str) -> bool:
    """Whether a text has any of these words, in either case; much quicker than a pattern.

    Args:
        words: in lower case; parts of words will do.
    """
    lowered = text.lower()
    return any(word in lowered for word in words)


def one_of(*phrases: str) -> str:
    """A regular expression for any of these."""
    return f"(?:{'|'.join(phrases)})"


def compiled(*phrases: str) -> re.Pattern[str]:
    """A pattern for any of these, in either case, whose "^" and "$" are those of the text."""
    return re.compile(one_of(*phrases), re.IGNORECASE)


def lowered(*phrases: str) -> re.Pattern[str]:
    """A pattern for any of these in a text in lower case; much quicker than one that ignores case."""
    return re.compile(one_of(*phrases))
