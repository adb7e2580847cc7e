"""Kinds of guides without steps of their own.

An answer, and a person at once, have one step, which says it: sessions, answers, figures and hand-overs work for them as for any
guide. The kind `none` is no guide: its phrases are messages about something else, so that detection refuses what is like them.
"""

from __future__ import annotations

from collections.abc import Mapping

from guiado.app.knowledge.entry_reader import EntryReader
from guiado.domain.guide import GuideKind, Step
from guiado.text.json_shapes import is_mapping, items_in

BODIES = {GuideKind.ANSWER: "answer", GuideKind.PERSON: "tell"}
"""Kind -> the field with what the customer reads."""
_STEP_IDS = {GuideKind.ANSWER: "respuesta", GuideKind.PERSON: "persona"}


def read_kind(reader: EntryReader) -> GuideKind:
    """The kind of an entry; one that says none has steps."""
    said = reader.text("kind", default=GuideKind.GUIDE.value)
    if said not in set(GuideKind):
        allowed = ", ".join(GuideKind)
        reader.findings.error(reader.at("kind"), "Debe ser uno de estos: {allowed}.", allowed=allowed)
        return GuideKind.GUIDE
    return GuideKind(said)


def read_body(reader: EntryReader, kind: GuideKind, title: str) -> tuple[Step, ...]:
    """The only step of an answer, or of a person's guide; none of messages that are no problem."""
    if items_in(reader.raw.get("steps")):
        reader.findings.error(reader.at("steps"), "Una guía de este tipo no lleva pasos. Quítalos, o quita el campo kind.")
    if kind is GuideKind.NONE:
        return ()
    field = BODIES[kind]
    texts = reader.texts(field)
    if not texts and kind is GuideKind.ANSWER:
        reader.findings.error(reader.at(field), "Escribe aquí la respuesta: una lista de textos.")
    step = Step(1, title, instructions=texts, step_id=_STEP_IDS[kind], type=field)
    return (step,)


def with_body(raw: Mapping[str, object], kind: GuideKind) -> dict[str, object]:
    """A translation with the only step of a guide of this kind, as translations of steps are written."""
    if kind not in BODIES:
        return {**raw, "steps": []}
    texts = {"title": raw.get("problem_title"), "instructions": items_in(raw.get(BODIES[kind]))}
    return {**raw, "steps": [texts]}


def doubt_bodies(reader: EntryReader, kind: GuideKind) -> None:
    """Note the fields that belong to another kind."""
    for other, field in BODIES.items():
        if field in reader.raw and other is not kind:
            reader.findings.error(reader.at(field), "Este campo es de una guía con kind: {kind}.", kind=other.value)


def spoken(raw: Mapping[str, object], kind: GuideKind) -> dict[str, object]:
    """An entry whose translations have the only step of its kind."""
    translations = raw.get("translations")
    if not is_mapping(translations):
        return dict(raw)
    told = {key: with_body(texts, kind) if is_mapping(texts) else texts for key, texts in translations.items()}
    return {**raw, "translations": told}
