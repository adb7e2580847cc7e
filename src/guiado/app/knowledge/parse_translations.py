"""Translations of a guide, read from JSON: the same texts in another language, place by place.

Source: contract.md §6, rule 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from guiado.app.knowledge.entry_reader import MAX_ID, EntryReader, Findings, kind_of, shown
from guiado.app.knowledge.exact_words import read_not_this
from guiado.app.knowledge.kinds import BODIES
from guiado.app.knowledge.parse_steps import read_resources, read_variants
from guiado.domain.criteria import read_criteria
from guiado.domain.guide import Guide, Step
from guiado.text.json_shapes import is_list, is_mapping, items_in, object_in

_NOT_TRANSLATED = {"problem_id", "triggers", "category", "difficulty", "translations", "urgent", "codes", "kind"}
_OF_TRANSLATION = frozenset(each.name for each in fields(Guide) if each.init) - _NOT_TRANSLATED | {*BODIES.values()}


def read_translations(reader: EntryReader, steps: Sequence[Step]) -> Mapping[str, Mapping[str, object]]:
    """The translations of an entry: language -> texts.

    Args:
        steps: of the entry, in its own language.
    """
    value = reader.raw.get("translations")
    if value is None:
        return {}
    if not is_mapping(value):
        reader.findings.error(reader.at("translations"), "Debe ser un objeto: idioma → textos.")
        return {}
    found: dict[str, Mapping[str, object]] = {}
    for language, raw in value.items():
        path = f"{reader.at('translations')}.{language}"
        if not language.isprintable() or len(language) > MAX_ID:
            told = "El idioma {shown} no es válido. Usa es, en o pt."
            reader.findings.error(reader.at("translations"), told, shown=shown(language))
            continue
        texts = _read_translation(raw, path, steps, reader.findings)
        if texts is not None:
            found[language] = texts
    return found


def _read_translation(raw: object, path: str, own_steps: Sequence[Step], findings: Findings) -> Mapping[str, object] | None:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los textos traducidos, no {kind}.", kind=kind_of(raw))
        return None
    reader = EntryReader(raw, path, findings)
    reader.doubt_unknown(_OF_TRANSLATION)
    texts: dict[str, object] = {key: reader.text(key) for key in ("problem_title", "problem_description", "estimated_time")}
    texts |= {key: list(reader.texts(key)) for key in ("prerequisites", "common_issues")}
    texts |= {"variants": _read_labels(reader), "questions": _read_questions(reader)}
    texts |= {"escalation_criteria": list(read_criteria(reader)), "not_this": list(read_not_this(reader))}
    texts["steps"] = _read_steps(reader, own_steps)
    return texts


def _read_steps(reader: EntryReader, own: Sequence[Step]) -> list[dict[str, object]]:
    raw, path = reader.raw.get("steps"), reader.at("steps")
    steps = raw if is_list(raw) else []
    if raw is not None and not is_list(raw):
        reader.findings.error(path, "Debe ser una lista con al menos un paso.")
    elif len(steps) != len(own):
        told = "Hay {count} pasos traducidos y la guía tiene {total}."
        reader.findings.error(path, told, count=len(steps), total=len(own))
    return [
        _read_step_texts(step, f"{path}[{place}]", own[place] if place < len(own) else None, reader.findings)
        for place, step in enumerate(steps)
    ]


def _read_labels(reader: EntryReader) -> dict[str, object]:
    value = reader.raw.get("variants")
    if value is not None and not is_mapping(value):
        reader.findings.error(reader.at("variants"), "Debe ser un objeto: variante → nombre.")
    labels = reader.child(value, reader.at("variants")) if is_mapping(value) else None
    return {name: labels.text(name) for name in labels.raw} if labels else {}


def _read_questions(reader: EntryReader) -> list[object]:
    found: list[object] = []
    for place, raw in enumerate(reader.listed("questions")):
        path = f"{reader.at('questions')}[{place}]"
        if not is_mapping(raw):
            reader.findings.error(path, "Debe ser un objeto con text y answers, no {kind}.", kind=kind_of(raw))
            continue
        inner = reader.child(raw, path)
        answers = [inner.item_text(each, f"{path}.answers[{i}]") for i, each in enumerate(items_in(raw.get("answers")))]
        found.append({"text": inner.text("text"), "answers": answers})
    return found


def _read_step_texts(raw: object, path: str, own: Step | None, findings: Findings) -> dict[str, object]:
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los textos del paso, no {kind}.", kind=kind_of(raw))
        return {}
    reader = EntryReader(raw, path, findings)
    return {
        "title": reader.text("title", required=True),
        "description": reader.text("description"),
        "instructions": list(reader.texts("instructions")),
        "expected_result": reader.text("expected_result"),
        "warnings": list(reader.texts("warnings")),
        "resources": [dict(r) for r in read_resources(reader)],
        "variants": {**own.variants, **read_variants(reader, own.variants)} if own else {},
        "media": _read_media(reader, own),
    }


def _read_media(reader: EntryReader, own: Step | None) -> list[dict[str, str]]:
    """The media of a step with the texts of a translation; the addresses are the author's."""
    media = own.media if own else ()
    said = [reader.child(object_in(raw), f"{reader.at('media')}[{i}]") for i, raw in enumerate(reader.listed("media"))]
    if len(said) > len(media):
        told = "Hay {count} imágenes traducidas y el paso tiene {total}."
        reader.findings.error(reader.at("media"), told, count=len(said), total=len(media))
    told_of = [{key: each.text(key) for key in ("alt", "caption") if each.text(key)} for each in said]
    return [{**medium, **(told_of[i] if i < len(told_of) else {})} for i, medium in enumerate(media)]
