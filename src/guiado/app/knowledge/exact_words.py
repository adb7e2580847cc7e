"""Reads what a knowledge-base entry says that detection must take exactly: its own codes, and phrases that are something else.

Source: contract.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guiado.text.codes import LONGEST_CODE, declared_code
from guiado.text.fold import fold_case

CODES, NOT_THIS = "codes", "not_this"
MOST_CODES = 200
MOST_NOT_THIS = 200
LONGEST_PHRASE = 500
"""Length of the longest phrase that is something else, in characters."""
_SHOWN = 60


class FaultNotes(Protocol):
    """Takes the faults of an entry."""

    def error(self, path: str, template: str, /, **params: object) -> None: ...  # noqa: D102


class ExactWordsReader(Protocol):
    """The part of an entry's reader that these fields need."""

    @property
    def raw(self) -> Mapping[str, object]: ...  # noqa: D102
    @property
    def findings(self) -> FaultNotes: ...  # noqa: D102
    def at(self, key: str) -> str: ...  # noqa: D102
    def texts(self, key: str) -> tuple[str, ...]: ...  # noqa: D102


def read_codes(reader: ExactWordsReader) -> tuple[str, ...]:
    """The codes of an entry, each once; every fault in them is noted with its path."""
    codes = _few(reader, CODES, MOST_CODES)
    for place, code in enumerate(codes):
        if code and (len(code) > 2 * LONGEST_CODE or declared_code(code) is None):
            reader.findings.error(
                f"{reader.at(CODES)}[{place}]",
                "«{code}» no es un código que se pueda buscar. Escribe solo el código, como 1402, E-45 o Windows 10.",
                code=_shown(code),
            )
    return tuple(dict.fromkeys(codes))


def read_not_this(reader: ExactWordsReader) -> tuple[str, ...]:
    """The phrases of an entry or a translation that are something else; every fault in them is noted with its path."""
    phrases = _few(reader, NOT_THIS, MOST_NOT_THIS)
    own = _own_phrases(reader.raw)
    for place, phrase in enumerate(phrases):
        path = f"{reader.at(NOT_THIS)}[{place}]"
        if len(phrase) > LONGEST_PHRASE:
            reader.findings.error(path, "Tiene más de {limit} caracteres. Acórtalo.", limit=LONGEST_PHRASE)
        elif phrase and fold_case(phrase) in own:
            reader.findings.error(
                path, "«{phrase}» es también una frase de esta guía. Bórrala de una de las dos listas.", phrase=_shown(phrase)
            )
    return tuple(dict.fromkeys(phrases))


def _few(reader: ExactWordsReader, key: str, most: int) -> tuple[str, ...]:
    found = reader.texts(key)
    if len(found) > most:
        reader.findings.error(reader.at(key), "Tiene más de {limit} elementos. Acórtala.", limit=most)
        return ()
    return found


def _own_phrases(raw: Mapping[str, object]) -> frozenset[str]:
    phrases = raw.get("common_issues")
    listed: list[object] = [*phrases] if isinstance(phrases, list) else []  # pyright: ignore[reportUnknownArgumentType]
    return frozenset(fold_case(text) for text in (raw.get("problem_title"), *listed) if isinstance(text, str))


def _shown(text: str) -> str:
    short = text[:_SHOWN]
    return short if short.isprintable() else ascii(short)
