"""Questions of a guide, read from JSON: answers, and what each says about the steps."""

from __future__ import annotations

from collections.abc import Mapping

from guiado.app.knowledge.entry_reader import EntryReader, kind_of, shown
from guiado.domain.guide import GuideAnswer, GuideQuestion
from guiado.text.json_shapes import is_mapping

_OF_QUESTION, _OF_ANSWER = frozenset(("id", "text", "minutes", "answers")), frozenset(("id", "text", "weights"))
_FEWEST = 2
_USUAL_MINUTES = 0.5


def read_questions(reader: EntryReader, step_ids: frozenset[str]) -> tuple[GuideQuestion, ...]:
    """The questions of an entry.

    Args:
        step_ids: of its steps, as written.
    """
    path = reader.at("questions")
    found = [_question(reader, raw, f"{path}[{i}]", step_ids) for i, raw in enumerate(reader.listed("questions"))]
    _refuse_twins(reader, path, [each.question_id for each in found if each])
    return tuple(each for each in found if each)


def _question(outer: EntryReader, raw: object, path: str, step_ids: frozenset[str]) -> GuideQuestion | None:
    if not is_mapping(raw):
        outer.findings.error(path, "Debe ser un objeto con id, text y answers, no {kind}.", kind=kind_of(raw))
        return None
    reader = outer.child(raw, path)
    reader.doubt_unknown(_OF_QUESTION)
    given = [
        answer
        for i, each in enumerate(reader.listed("answers"))
        if (answer := _answer(reader, each, f"{path}.answers[{i}]", step_ids))
    ]
    if len(given) < _FEWEST:
        reader.findings.error(reader.at("answers"), "Una pregunta lleva al menos dos respuestas.")
    _refuse_twins(reader, reader.at("answers"), [each.answer_id for each in given])
    minutes = reader.number("minutes")
    return GuideQuestion(
        reader.text("id", required=True),
        reader.text("text", required=True),
        tuple(given),
        _USUAL_MINUTES if minutes is None else minutes,
    )


def _answer(outer: EntryReader, raw: object, path: str, step_ids: frozenset[str]) -> GuideAnswer | None:
    if not is_mapping(raw):
        outer.findings.error(path, "Debe ser un objeto con id, text y weights, no {kind}.", kind=kind_of(raw))
        return None
    reader = outer.child(raw, path)
    reader.doubt_unknown(_OF_ANSWER)
    return GuideAnswer(reader.text("id", required=True), reader.text("text", required=True), _weights(reader, step_ids))


def _weights(reader: EntryReader, step_ids: frozenset[str]) -> Mapping[str, float]:
    value, path = reader.raw.get("weights"), reader.at("weights")
    if value is None:
        return {}
    if not is_mapping(value):
        reader.findings.error(path, "Debe ser un objeto: step_id → número.")
        return {}
    inner = reader.child(value, path)
    found = {name: inner.number(name) for name in value}
    for name, weight in found.items():
        if name not in step_ids:
            reader.findings.error(path, "No hay ningún paso {id}. Usa el step_id de uno de esta guía.", id=shown(name))
        elif weight == 0:
            reader.findings.error(inner.at(name), "Debe ser mayor que 0: 2 es el doble de probable, 0.5 la mitad.")
    return {name: weight for name, weight in found.items() if weight}


def _refuse_twins(reader: EntryReader, path: str, names: list[str]) -> None:
    for name in {name for place, name in enumerate(names) if name and name in names[:place]}:
        reader.findings.error(path, "{id} está repetido. Usa uno distinto.", id=shown(name))
