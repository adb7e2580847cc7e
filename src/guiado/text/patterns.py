"""Compiles lists of phrases, one a line and grouped by language, into one pattern."""

from __future__ import annotations

import re


def one_of(*phrases: str) -> str:
    """A regular expression for any of these."""
    return f"(?:{'|'.join(phrases)})"


def compiled(*phrases: str) -> re.Pattern[str]:
    """A pattern for any of these, in either case, whose "^" and "$" are those of the text."""
    return re.compile(one_of(*phrases), re.IGNORECASE)
