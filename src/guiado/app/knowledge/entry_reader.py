"""Reading of one JSON object of a knowledge-base entry, with every fault noted by its JSON path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from guiado.errors import FieldProblem, Message
from guiado.text.json_shapes import is_list

_MAX_TEXT, MAX_ID = 4_000, 128
_MAX_NUMBER, _MAX_ITEMS = 1e6, 10_000
_MOST_FINDINGS = 1_000
"""Most errors, and most warnings, that are kept: a file that is wrong all over must not fill the memory."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no reader sees, and a terminal may obey; line breaks and tabs are fine."""


@dataclass
class Findings:
    """Findings on entries: errors, with which an entry cannot be used, and warnings, with which it can."""

    errors: list[FieldProblem] = field(default_factory=list[FieldProblem])
    warnings: list[FieldProblem] = field(default_factory=list[FieldProblem])
    error_count: int = 0
    """Number of all errors, also of those beyond `_MOST_FINDINGS`."""
    kind: str = "invalid"
    """Code of the warnings that are noted, see `FieldProblem`."""

    def error(self, path: str, template: str, /, **params: object) -> None:
        """Note an error at this JSON path."""
        self.error_count += 1
        _note(self.errors, FieldProblem(path, Message(template, params)))

    def warn(self, path: str, template: str, /, **params: object) -> None:
        """Note a warning at this JSON path."""
        _note(self.warnings, FieldProblem(path, Message(template, params), self.kind))

    def of(self, kind: str) -> Findings:
        """The same warnings, to note those of one kind among them."""
        return replace(self, kind=kind)


def _note(found: list[FieldProblem], problem: FieldProblem) -> None:
    if len(found) < _MOST_FINDINGS:
        found.append(problem)


class EntryReader:
    """Reader of one JSON object, which notes every fault with its path."""

    def __init__(self, raw: Mapping[str, object], path: str, findings: Findings) -> None:
        self.raw, self.path, self.findings = raw, path, findings

    def at(self, key: str) -> str:
        """The JSON path of a field."""
        return f"{self.path}.{key}"

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        """A text field, without the blanks around it."""
        value = self.raw.get(key)
        if value is None:
            if required:
                self.findings.error(self.at(key), "Falta este texto. Escríbelo.")
            return default
        if not isinstance(value, str):
            self.findings.error(self.at(key), "Debe ser un texto entre comillas, no {kind}.", kind=kind_of(value))
            return default
        if required and not value.strip():
            self.findings.error(self.at(key), "Está vacío. Escríbelo.")
        _check_text(value, self.at(key), self.findings)
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A field that is a list of texts."""
        return tuple(self.item_text(item, f"{self.at(key)}[{i}]") for i, item in enumerate(self.listed(key)))

    def listed(self, key: str) -> list[object]:
        """The items of a list, none where it is missing or is no list."""
        value = self.raw.get(key)
        if value is None:
            return []
        if not is_list(value):
            self.findings.error(self.at(key), "Debe ser una lista de textos, no {kind}.", kind=kind_of(value))
            return []
        return self.within_limit(key, value)

    def child(self, raw: Mapping[str, object], path: str) -> EntryReader:
        """The reader of an object inside this one."""
        return EntryReader(raw, path, self.findings)

    def item_text(self, value: object, path: str) -> str:
        """One text of a list."""
        if not isinstance(value, str):
            self.findings.error(path, "Debe ser un texto entre comillas, no {kind}.", kind=kind_of(value))
            return ""
        if not value.strip():
            self.findings.error(path, "Está vacío. Escríbelo o quítalo de la lista.")
        _check_text(value, path, self.findings)
        return value.strip()

    def warn(self, key: str, template: str) -> None:
        """Note a warning about a field."""
        self.findings.warn(self.at(key), template)

    def within_limit(self, key: str, items: list[object]) -> list[object]:
        """The items, or none and an error when there are too many to look at."""
        if len(items) <= _MAX_ITEMS:
            return items
        self.findings.error(self.at(key), "Tiene más de {limit} elementos. Acórtala.", limit=_MAX_ITEMS)
        return []

    def doubt_unknown(self, known: frozenset[str]) -> None:
        """Warn about fields that are not read: most likely they are misspelt."""
        for key in self.raw.keys() - known:
            self.findings.warn(f"{self.path}.{shown(key)}", "Este campo no se usa. Revisa su nombre o bórralo.")

    def number(self, key: str) -> float | None:
        """A field that is a number, 0 or above; None where it is missing or wrong."""
        value = self.raw.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MAX_NUMBER:
            self.findings.error(self.at(key), "Debe ser un número entre 0 y 1000000.")
            return None
        return float(value)

    def flag(self, key: str) -> bool:
        """A field that is true or false."""
        value = self.raw.get(key, False)
        if not isinstance(value, bool):
            self.findings.error(self.at(key), "Debe ser true o false.")
        return value is True


def _check_text(value: str, path: str, findings: Findings) -> None:
    if len(value) > _MAX_TEXT:
        findings.error(path, "Tiene más de {limit} caracteres. Acórtalo.", limit=_MAX_TEXT)
    if _UNPRINTABLE.search(value):
        findings.error(path, "Contiene caracteres que no se pueden guardar. Bórralos.")


def shown(text: str) -> str:
    """An author's text as a finding shows it: short, and escaped where a terminal might obey it."""
    return text[:80] if text.isprintable() and text.strip() else ascii(text[:80])


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can keep this text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def kind_of(value: object) -> Message:
    """The kind of a JSON value, in words."""
    names: dict[type, Message] = {
        bool: Message("true o false"),
        int: Message("un número"),
        float: Message("un número"),
        list: Message("una lista"),
        dict: Message("un objeto"),
    }
    return names.get(type(value), Message("null") if value is None else Message("un texto"))
