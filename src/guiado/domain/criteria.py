"""Escalation criteria: texts for people, and the customers' phrases that trigger them automatically.

A criterion is a string, or `{"text", "phrases", "urgent"}`. Only one with phrases is triggered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Protocol, Self

from guiado.text.json_shapes import is_mapping, items_in, object_in

CRITERION_FIELDS = frozenset(("text", "phrases", "urgent"))
FIELD = "escalation_criteria"


@dataclass(frozen=True, slots=True)
class Trigger:
    """An escalation criterion with phrases: the customer's words that match one call a person.

    Args:
        text: the criterion, in the author's language: the reason for a person, and what the customer does first if it is urgent.
        phrases: in all languages of the guide.
        urgent: whether the person is called at once, before any step.
        texts: language code -> text, as far as it is translated.
    """

    text: str
    phrases: tuple[str, ...]
    urgent: bool = False
    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    def text_in(self, language: str) -> str:
        """The criterion's text in this language, or the author's own where it is not translated."""
        return self.texts.get(language) or self.text

    def to_json(self) -> dict[str, object]:
        """The trigger as plain JSON values."""
        return {"text": self.text, "phrases": list(self.phrases), "urgent": self.urgent, "texts": dict(self.texts)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Trigger:
        """Read back a trigger that `to_json` wrote."""
        return cls(raw["text"], tuple(raw["phrases"]), raw["urgent"], raw["texts"])


class Reader(Protocol):
    """The part of an entry's reader that criteria need."""

    @property
    def raw(self) -> Mapping[str, object]: ...  # noqa: D102
    def at(self, key: str) -> str: ...  # noqa: D102
    def listed(self, key: str) -> list[object]: ...  # noqa: D102
    def child(self, raw: Mapping[str, object], path: str) -> Self: ...  # noqa: D102
    def item_text(self, value: object, path: str) -> str: ...  # noqa: D102
    def text(self, key: str, *, required: bool = False) -> str: ...  # noqa: D102
    def texts(self, key: str) -> tuple[str, ...]: ...  # noqa: D102
    def flag(self, key: str) -> bool: ...  # noqa: D102
    def doubt_unknown(self, known: frozenset[str]) -> None: ...  # noqa: D102
    def warn(self, key: str, template: str) -> None: ...  # noqa: D102


def read_criteria(reader: Reader) -> tuple[str, ...]:
    """The texts of an entry's criteria; every fault in them is noted with its path."""
    return tuple(_read(reader, item, f"{reader.at(FIELD)}[{i}]") for i, item in enumerate(reader.listed(FIELD)))


def _read(reader: Reader, item: object, path: str) -> str:
    if not is_mapping(item):
        return reader.item_text(item, path)
    inner = reader.child(item, path)
    inner.doubt_unknown(CRITERION_FIELDS)
    phrases, urgent = inner.texts("phrases"), inner.flag("urgent")
    if urgent and not phrases:
        inner.warn("phrases", "Sin frases de clientes, este criterio no se reconoce solo. Agrega algunas.")
    return inner.text("text", required=True)


def triggers_of(entry: Mapping[str, object]) -> tuple[Trigger, ...]:
    """The criteria of a valid entry that have phrases, with the texts and phrases of all its languages.

    A translated criterion belongs to the one at the same place in the author's list.
    """
    translations = object_in(entry.get("translations"))
    spoken = {language: _criteria(object_in(texts)) for language, texts in translations.items()}
    rows = zip_longest(_criteria(entry), *spoken.values(), fillvalue=None)
    found = [_merge(row[0], dict(zip(spoken, row[1:], strict=True))) for row in rows]
    return tuple(trigger for trigger in found if trigger is not None)


def _criteria(entry: Mapping[str, object]) -> list[Trigger]:
    return [_criterion(item) for item in items_in(entry.get(FIELD))]


def _criterion(item: object) -> Trigger:
    if isinstance(item, str):
        return Trigger(item.strip(), ())
    given = object_in(item)
    phrases = tuple(str(phrase).strip() for phrase in items_in(given.get("phrases")))
    return Trigger(str(given["text"]).strip(), phrases, given.get("urgent") is True)


def _merge(own: Trigger | None, spoken: Mapping[str, Trigger | None]) -> Trigger | None:
    known = {language: trigger for language, trigger in spoken.items() if trigger is not None}
    every = [trigger for trigger in (own, *known.values()) if trigger is not None]
    phrases = tuple(dict.fromkeys(phrase for trigger in every for phrase in trigger.phrases))
    if not phrases:
        return None
    texts = {language: trigger.text for language, trigger in known.items()}
    return Trigger(every[0].text, phrases, any(trigger.urgent for trigger in every), texts)
