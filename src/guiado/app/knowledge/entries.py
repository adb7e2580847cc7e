"""Knowledge-base entries of guides: the JSON value from which `parse.read_entry` reads the same guide again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from guiado.domain.criteria import FIELD, Trigger
from guiado.domain.guide import Guide
from guiado.domain.guide_versions import carry_step_ids
from guiado.text.json_shapes import is_mapping, is_object, is_series, items_in, object_in

Entry = dict[str, object]
_BODIES = {"answer": "answer", "person": "tell"}
"""Kind of a guide without steps of its own -> the field with its texts."""
_DERIVED = {"problem_id", "triggers", "revision"}
"""Fields that no author writes: the key of the entry, and those that are made of others."""


@runtime_checkable
class _WithJson(Protocol):
    """A part of a guide that is written in another way than its fields are named."""

    def to_json(self) -> Mapping[str, object]:
        """Plain JSON values, as its author writes them."""
        ...


def entry_of(guide: Guide) -> Entry:
    """The entry of a guide; fields that hold their default are left out.

    Step ids that publishing gave are in it, so that an edited copy keeps the identity of its steps.
    """
    entry = _given(guide)
    if guide.triggers:
        _restore_phrases(entry, guide.triggers)
    if "variants" in entry:
        entry["variants"] = {name: label or None for name, label in object_in(getattr(guide, "variants", {})).items()}
    for step in filter(is_object, items_in(entry.get("steps"))):
        _restore_risk(step)
    return _with_body(entry)


def entry_of_edit(edited: Guide, used: Guide | None) -> Entry:
    """The entry of a guide as publication would store it over the one in use: with the step ids of that one."""
    return entry_of(carry_step_ids(edited, used))


def _restore_risk(step: Entry) -> None:
    """Give a step back the risk that its author wrote in minutes."""
    minutes = step.pop("risk_minutes", None)
    if minutes is not None:
        step["risk"] = minutes


def _with_body(entry: Entry) -> Entry:
    """The entry of a guide without steps of its own: the texts of the only one that it was given are its body."""
    name = _BODIES.get(str(entry.get("kind")))
    if name is None:
        return entry
    spoken = {language: _body_of(object_in(texts), name) for language, texts in object_in(entry.get("translations")).items()}
    return _body_of(entry, name) | ({"translations": spoken} if spoken else {})


def _body_of(texts: Mapping[str, object], name: str) -> Entry:
    steps = items_in(texts.get("steps"))
    body = items_in(object_in(steps[0]).get("instructions")) if steps else ()
    return {key: value for key, value in texts.items() if key != "steps"} | ({name: list(body)} if body else {})


def _given(value: object) -> Entry:
    """Fields of a dataclass that differ from their default, as plain JSON values."""
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    kept = [each for each in fields(value) if each.init and each.name not in _DERIVED and not each.name.startswith("_")]
    found = {each.name: getattr(value, each.name) for each in kept}
    return {each.name: _plain(found[each.name]) for each in kept if found[each.name] != _default(each)}


def _default(each: Field[object]) -> object:
    if each.default is not MISSING:
        return each.default
    return each.default_factory() if each.default_factory is not MISSING else MISSING


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float)):  # most are, and asking for a protocol is slow
        return value
    if isinstance(value, _WithJson):
        return value.to_json()
    if is_dataclass(value):
        return _given(value)
    if is_mapping(value):
        return {str(key): _plain(item) for key, item in value.items() if not _is_empty(item)}
    return [_plain(item) for item in items_in(value)] if is_series(value) else value


def _is_empty(value: object) -> bool:
    """Whether a text of a translation, or a list of them, was left out by its author."""
    return value == "" or (is_series(value) and not value)


def _restore_phrases(entry: Entry, triggers: Sequence[Trigger]) -> None:
    """Give criteria back the phrases on which they act; those of a language alone go to its translation."""
    left = {trigger.text: trigger for trigger in triggers}
    entry[FIELD] = list(_with_phrases(items_in(entry.get(FIELD)), left))
    for texts in object_in(entry.get("translations")).values():
        if left and is_object(texts) and FIELD in texts:
            texts[FIELD] = list(_with_phrases(items_in(texts[FIELD]), left))


def _with_phrases(texts: Iterable[object], left: dict[str, Trigger]) -> Iterable[object]:
    for text in texts:
        trigger = left.pop(text, None) if isinstance(text, str) else None
        yield text if trigger is None else _criterion(trigger)


def _criterion(trigger: Trigger) -> Entry:
    urgent: Mapping[str, object] = {"urgent": True} if trigger.urgent else {}
    return {"text": trigger.text, "phrases": list(trigger.phrases), **urgent}
