"""Phrases that people write in synthetic sessions, in their own language: greetings, notes, reasons, ratings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from guiado.i18n import DEFAULT_LANGUAGE

_Phrases = Mapping[str, tuple[str, ...]]


class _Book(msgspec.Struct, frozen=True):
    """The phrases of each kind: language -> phrases."""

    greetings: _Phrases
    unknown: _Phrases
    wants_a_person: _Phrases
    could_not: _Phrases
    not_helped: _Phrases
    solved: _Phrases
    agent: _Phrases
    pleased: _Phrases
    displeased: _Phrases


BOOK = msgspec.json.decode(Path(__file__).with_suffix(".json").read_bytes(), type=_Book)
"""Phrases of each kind; a file of its own, because nobody translates what a customer wrote."""


def of(phrases: _Phrases, language: str) -> tuple[str, ...]:
    """The phrases in a language, or else in Spanish."""
    return phrases.get(language) or phrases[DEFAULT_LANGUAGE]
