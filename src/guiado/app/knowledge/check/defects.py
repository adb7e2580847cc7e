"""Structural defects of a guide, with which a session ends nowhere, or shows what was meant to be filled in.

Each has a kind, a JSON path and the remedy: `dead_end`, `unreachable_step`, `loop`, `missing_variable`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from guiado.app.knowledge.entry_reader import Findings, shown
from guiado.domain.guide import Guide, GuideKind, Step
from guiado.domain.guide_versions import guide_to_json
from guiado.errors import FieldProblem
from guiado.text.json_shapes import is_mapping, is_series, items_in

DEAD_END, UNREACHABLE, LOOP, MISSING_VARIABLE = "dead_end", "unreachable_step", "loop", "missing_variable"
_OPEN = re.compile(r"\{\{([^{}]{0,80})\}\}")
"""A variable that nobody filled in, also one whose name no variable can have."""
_FEWEST_ANSWERS = 2


def defects_of(guide: Guide) -> list[FieldProblem]:
    """The structural defects of a guide; none for one that customers can be led through."""
    findings = Findings()
    if guide.kind == GuideKind.NONE.value:  # nobody is led through it
        return []
    if guide.kind == GuideKind.GUIDE.value:
        _find_empty(guide, findings)
        _find_left_out(guide, findings)
        _find_links(guide, findings)
    if guide.kind == GuideKind.ANSWER.value:
        _find_unanswered(guide, findings)
    _find_questions(guide, findings)
    _find_variables(guide, findings)
    return findings.warnings


def _find_empty(guide: Guide, findings: Findings) -> None:
    if not guide.steps:
        findings.of(DEAD_END).warn(
            f"$.{guide.problem_id}.steps", "No tiene ningún paso y tampoco llama a una persona. Escribe un paso, o kind: person."
        )


def _find_unanswered(guide: Guide, findings: Findings) -> None:
    if not any(text.strip() for step in guide.steps for text in step.instructions):
        findings.of(DEAD_END).warn(
            f"$.{guide.problem_id}.answer", "La respuesta no tiene ningún texto. Escríbela: una lista de textos."
        )


def _find_left_out(guide: Guide, findings: Findings) -> None:
    """Steps that leave a customer, or those of one variant, with nothing to do."""
    _find_silent(f"$.{guide.problem_id}", guide, findings)
    for language in guide.translations:
        _find_silent(f"$.{guide.problem_id}.translations.{language}", guide.in_language(language), findings)


def _find_silent(within: str, guide: Guide, findings: Findings) -> None:
    for place, step in enumerate(guide.steps):
        path = f"{within}.steps[{place}]"
        if not step.variants and not _has_text(step.instructions) and not step.description.strip() and not step.media:
            findings.of(DEAD_END).warn(
                f"{path}.instructions", "El paso «{title}» no dice qué hacer. Escribe sus instrucciones.", title=step.title
            )
        left_out = _left_out(step, guide.variants)
        if left_out:
            findings.of(DEAD_END).warn(
                f"{path}.variants",
                "El paso «{title}» no le dice qué hacer a quien tiene {names}. Agrega esas instrucciones, o unas para todos.",
                title=step.title,
                names=", ".join(shown(name) for name in left_out),
            )


def _left_out(step: Step, variants: Mapping[str, str]) -> list[str]:
    if not step.variants or _has_text(step.instructions) or step.media:
        return []
    return [name for name in variants if not _says(step.variants.get(name, {}))]


def _says(texts: Mapping[str, object]) -> bool:
    return _has_text(items_in(texts.get("instructions"))) or bool(items_in(texts.get("media")))


def _has_text(texts: Sequence[object]) -> bool:
    return any(str(text).strip() for text in texts)


def _find_links(guide: Guide, findings: Findings) -> None:
    """Steps that never can be offered: they wait for each other, for themselves, or for what the guide does not have."""
    places = dict[str, int]()
    for place, step in enumerate(guide.steps):
        if step.step_id and step.step_id in places:
            findings.of(UNREACHABLE).warn(
                f"$.{guide.problem_id}.steps[{place}].step_id",
                "{id} ya está en otro paso, y este no se ofrece nunca. Usa uno distinto.",
                id=shown(step.step_id),
            )
        places.setdefault(step.step_id, place)
    ways = {place: [places[name] for name in step.after if name in places] for place, step in enumerate(guide.steps)}
    missing = {place: [name for name in step.after if name not in places] for place, step in enumerate(guide.steps)}
    stuck = _stuck(ways, {place for place, names in missing.items() if names})
    looped = _in_loops(ways, stuck)
    for place in sorted(stuck):
        path, title = f"$.{guide.problem_id}.steps[{place}].after", guide.steps[place].title
        if missing[place]:
            told = "El paso «{title}» espera a {id}, que la guía no tiene, y no se ofrece nunca. Usa el step_id de uno anterior."
            findings.of(UNREACHABLE).warn(path, told, title=title, id=shown(missing[place][0]))
        elif place in looped:
            told = "El paso «{title}» se espera a sí mismo: {names}. Quita uno de esos after."
            findings.of(LOOP).warn(path, told, title=title, names=" → ".join(_loop_from(place, ways, looped, guide)))
        else:
            told = "El paso «{title}» espera a otro que no se ofrece nunca. Corrige ese, o quítalo de after."
            findings.of(UNREACHABLE).warn(path, told, title=title)
    if guide.steps and len(stuck) == len(guide.steps):
        findings.of(DEAD_END).warn(
            f"$.{guide.problem_id}.steps", "Todos los pasos esperan a otro, y no hay por cuál empezar. Quita after del primero."
        )


def _stuck(ways: Mapping[int, Sequence[int]], blocked: set[int]) -> set[int]:
    """Places of the steps that never have passed all that they wait for."""
    waits = {place: len(set(needed)) for place, needed in ways.items()}
    followers = dict[int, list[int]]()
    for place, needed in ways.items():
        for other in set(needed):
            followers.setdefault(other, []).append(place)
    free = [place for place, count in waits.items() if not count and place not in blocked]
    passed = set[int]()
    while free:
        place = free.pop()
        passed.add(place)
        for other in followers.get(place, ()):
            waits[other] -= 1
            if not waits[other] and other not in blocked:
                free.append(other)
    return ways.keys() - passed


def _in_loops(ways: Mapping[int, Sequence[int]], stuck: set[int]) -> set[int]:
    """Of the stuck steps those that wait for themselves, over others or not."""
    left, followers = dict[int, int](), dict[int, list[int]]()
    for place in stuck:
        needed = {other for other in ways[place] if other in stuck}
        left[place] = len(needed)
        for other in needed:
            followers.setdefault(other, []).append(place)
    # Who waits for nobody that is stuck is in no loop; neither is who has nobody waiting for them.
    _peel(left, followers)
    waiting = {place: [other for other in set(ways[place]) if other in left] for place in left}
    times = Counter(other for needed in waiting.values() for other in needed)
    followed = {place: times[place] for place in left}
    _peel(followed, waiting)
    return set(followed)


def _peel(counts: dict[int, int], next_to: Mapping[int, Sequence[int]]) -> None:
    """Take away, again and again, what counts 0; each that goes lowers the counts of those next to it."""
    free = [place for place, count in counts.items() if not count]
    while free:
        place = free.pop()
        del counts[place]
        for other in next_to.get(place, ()):
            if other in counts:
                counts[other] -= 1
                if not counts[other]:
                    free.append(other)


def _loop_from(place: int, ways: Mapping[int, Sequence[int]], looped: set[int], guide: Guide) -> Iterator[str]:
    """The step_ids of a loop, from a step of it to where it closes."""
    seen = set[int]()
    while place not in seen:
        seen.add(place)
        yield shown(guide.steps[place].step_id)
        place = next(other for other in ways[place] if other in looped)
    yield shown(guide.steps[place].step_id)


def _find_questions(guide: Guide, findings: Findings) -> None:
    known = {step.step_id for step in guide.steps}
    for place, question in enumerate(guide.questions):
        path = f"$.{guide.problem_id}.questions[{place}]"
        if len(question.answers) < _FEWEST_ANSWERS or not all(each.text.strip() for each in question.answers):
            findings.of(DEAD_END).warn(f"{path}.answers", "Una pregunta lleva al menos dos respuestas con texto. Complétalas.")
        strange = sorted({name for each in question.answers for name in each.weights} - known)
        if strange:
            findings.of(UNREACHABLE).warn(
                f"{path}.answers", "No hay ningún paso {id}. Usa el step_id de uno de esta guía.", id=shown(strange[0])
            )


def _find_variables(guide: Guide, findings: Findings) -> None:
    """Variables that no value was put in for, in any language or variant; each once a language."""
    if not _is_open(guide_to_json(guide)):
        return
    from guiado.app.knowledge.lint.shown_texts import shown_texts  # the rest of lint needs what checks are called from

    told = set[tuple[str, str]]()
    for text in shown_texts(guide):
        for found in _OPEN.finditer(text.text) if "{{" in text.text else ():
            name = found[1].strip()
            if (name, text.language) in told:
                continue
            told.add((name, text.language))
            findings.of(MISSING_VARIABLE).warn(
                text.path,
                "La variable {name} no tiene valor en «{language}». Ponlo en $variables, o quítala del texto.",
                name=shown(name),
                language=text.language,
            )


def _is_open(value: object) -> bool:
    """Whether any text of plain values may have a variable: nearly no guide has one, and finding its path takes longer."""
    if isinstance(value, str):
        return "{{" in value
    if is_mapping(value):
        return any(map(_is_open, value.values()))
    return is_series(value) and any(map(_is_open, value))
