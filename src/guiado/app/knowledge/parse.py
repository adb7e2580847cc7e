"""Knowledge-base entries: from the author's JSON to a guide, with every fault named by its JSON path.

Source: contract.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from guiado.app.knowledge.entry_reader import MAX_ID, EntryReader, Findings, kind_of, shown
from guiado.app.knowledge.exact_words import read_codes, read_not_this
from guiado.app.knowledge.kinds import BODIES, doubt_bodies, read_body, read_kind, spoken
from guiado.app.knowledge.parse_questions import read_questions
from guiado.app.knowledge.parse_steps import read_steps_of
from guiado.app.knowledge.parse_translations import read_translations
from guiado.domain.criteria import read_criteria, triggers_of
from guiado.domain.guide import Guide, GuideKind, category_of
from guiado.text.json_shapes import is_list, is_mapping

_DIFFICULTIES = ("fácil", "medio", "avanzado")
_OF_ENTRY = frozenset(each.name for each in fields(Guide) if each.init) - {"problem_id", "triggers"} | {*BODIES.values()}


def read_entry(problem_id: str, raw: object, findings: Findings) -> Guide | None:
    """The guide that a knowledge-base entry describes.

    Args:
        problem_id: its key.
        raw: its decoded JSON value.
        findings: collects errors and warnings, with paths from `$`.

    Returns:
        The guide, or None when there were errors.
    """
    before = findings.error_count
    path = f"$.{problem_id}"
    if not problem_id.strip() or len(problem_id) > MAX_ID or not problem_id.isprintable():
        findings.error("$", "El identificador {id} no es válido: usa de 1 a 128 caracteres normales.", id=shown(problem_id))
        return None
    if not is_mapping(raw):
        findings.error(path, "Debe ser un objeto con los datos del problema, no {kind}.", kind=kind_of(raw))
        return None
    reader = EntryReader(raw, path, findings)
    reader.doubt_unknown(_OF_ENTRY)
    kind, title, variants = read_kind(reader), reader.text("problem_title", required=True), _read_variants(reader)
    doubt_bodies(reader, kind)
    has_steps = kind is GuideKind.GUIDE
    steps = read_steps_of(reader, variants) if has_steps else read_body(reader, kind, title)
    guide = Guide(
        problem_id=problem_id,
        problem_title=title,
        problem_description=reader.text("problem_description"),
        category=category_of(reader.text("category", default="otro")),
        estimated_time=reader.text("estimated_time"),
        difficulty=reader.text("difficulty", default="medio"),
        prerequisites=reader.texts("prerequisites"),
        steps=steps,
        common_issues=reader.texts("common_issues"),
        escalation_criteria=read_criteria(reader),
        translations=read_translations(reader if has_steps else reader.child(spoken(raw, kind), path), steps),
        urgent=reader.flag("urgent"),
        codes=read_codes(reader),
        not_this=read_not_this(reader),
        kind=kind.value,
        variants=variants,
        questions=read_questions(reader, frozenset(step.step_id for step in steps)),
    )
    _doubt_entry(reader, guide, findings)
    return replace(guide, triggers=triggers_of(reader.raw)) if findings.error_count == before else None


def _read_variants(reader: EntryReader) -> Mapping[str, str]:
    """The variants that an entry declares, as an object with their labels or as a list of their ids."""
    value, path = reader.raw.get("variants"), reader.at("variants")
    if value is None:
        return {}
    if is_list(value):
        return dict.fromkeys(reader.texts("variants"), "")
    if not is_mapping(value):
        reader.findings.error(path, "Debe ser un objeto: variante → nombre.")
        return {}
    labels = reader.child(value, path)
    for name in value:
        if not name.strip() or len(name) > MAX_ID or not name.isprintable():
            reader.findings.error(path, "El identificador {id} no es válido: usa de 1 a 128 caracteres normales.", id=shown(name))
    return {name: labels.text(name) for name in value}


def _doubt_entry(reader: EntryReader, guide: Guide, findings: Findings) -> None:
    if guide.difficulty not in _DIFFICULTIES:
        findings.warn(reader.at("difficulty"), "Lo habitual es: {allowed}.", allowed=", ".join(_DIFFICULTIES))
    if not guide.common_issues:
        findings.warn(reader.at("common_issues"), "Sin frases de clientes cuesta reconocer el problema. Agrega algunas.")
