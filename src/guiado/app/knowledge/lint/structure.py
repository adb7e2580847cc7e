"""Checks of a guide's structure: results, minutes, chances and variants of its steps, and its time as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guiado.app.knowledge.entry_reader import Findings
from guiado.domain.guide import Guide, GuideKind, Step

_MINUTES = re.compile(r"\D{0,20}(\d+) ?min")


def doubt_structure(guide: Guide, findings: Findings) -> None:
    """Name what is missing of a guide's steps, and numbers that do not fit together."""
    _doubt_time(guide, findings)
    if guide.kind == GuideKind.GUIDE.value:
        _doubt_results(guide, findings)
        _doubt_minutes(guide, findings)
        _doubt_chances(guide, findings)
        _doubt_variants(guide, findings)


def _doubt_results(guide: Guide, findings: Findings) -> None:
    for place, step in enumerate(guide.steps):
        in_variants = bool(step.variants) and all(said.get("expected_result") for said in step.variants.values())
        if not step.expected_result and not in_variants:
            findings.of("missing_result").warn(
                f"$.{guide.problem_id}.steps[{place}].expected_result",
                "El paso «{title}» no dice qué se ve si salió bien. Escríbelo.",
                title=step.title,
            )


def _doubt_minutes(guide: Guide, findings: Findings) -> None:
    missing = [str(place) for place, step in enumerate(guide.steps) if step.minutes is None]
    if missing:
        findings.of("missing_minutes").warn(
            f"$.{guide.problem_id}.steps",
            "A {count} pasos les faltan minutes. Escribe cuánto se tarda: el orden de los pasos sale de ahí.",
            count=len(missing),
        )


def _doubt_chances(guide: Guide, findings: Findings) -> None:
    total = sum(step.chance or 0.0 for step in guide.steps)
    if total >= 1:
        findings.of("chances").warn(
            f"$.{guide.problem_id}.steps",
            "Sus chance suman {total}. Bájalas: entre todas van por debajo de 1, porque a veces ninguno basta.",
            total=f"{total:.2f}".rstrip("0").rstrip("."),
        )
    for place, step in enumerate(guide.steps):
        if step.preparation and step.chance:
            findings.of("chances").warn(
                f"$.{guide.problem_id}.steps[{place}].chance",
                "Un paso que solo prepara no arregla nada. Pon chance: 0, o quita preparation.",
            )


def _doubt_time(guide: Guide, findings: Findings) -> None:
    """Warn where a guide's estimated time is not the sum of its steps' minutes, if all of them have some."""
    minutes = [step.minutes for step in guide.steps if step.minutes is not None]
    if len(minutes) < len(guide.steps):
        return
    for language in ("", *guide.translations):
        said = (guide.in_language(language) if language else guide).estimated_time
        number = _MINUTES.match(said)
        if number and float(number[1]) != sum(minutes):
            path = f"$.{guide.problem_id}" + (f".translations.{language}" if language else "")
            findings.of("time").warn(
                f"{path}.estimated_time",
                "Dice «{time}» y sus pasos suman {total} minutos. Corrige uno de los dos.",
                time=said,
                total=f"{sum(minutes):g}",
            )


def _doubt_variants(guide: Guide, findings: Findings) -> None:
    used = {name for step in guide.steps for name in step.variants}
    for name in guide.variants.keys() - used:
        findings.of("variants").warn(
            f"$.{guide.problem_id}.variants", "Ningún paso usa la variante {name}. Quítala o escribe sus pasos.", name=name
        )
    for place, step, missing in _left_out(guide):
        findings.of("variants").warn(
            f"$.{guide.problem_id}.steps[{place}].variants",
            "El paso «{title}» no dice qué hacer a quien tiene {names}. Agrega esas variantes, o instrucciones para todos.",
            title=step.title,
            names=", ".join(missing),
        )


def _left_out(guide: Guide) -> Iterator[tuple[int, Step, list[str]]]:
    """Steps with nothing to do for some variants, and those; common instructions are for all."""
    for place, step in enumerate(guide.steps):
        missing = [name for name in guide.variants if name not in step.variants]
        if step.variants and missing and not step.instructions:
            yield place, step, missing
