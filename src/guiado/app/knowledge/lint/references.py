"""Check of references in texts: to a step by its number, to a guide or a step by its id, to a picture that is not there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint.shown_texts import ShownText, TextPart, shortened
from guiado.domain.guide import Guide

_STEP = re.compile(
    r"\b(?:pasos?|steps?|passos?) (?:n[uú]mero |number )?(\d{1,2})\b(?! (?:de la|del|de tu|of the) \w)", re.IGNORECASE
)
_ID = re.compile(r"(?<![\w./@\\-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w/@\\-]|\.\w)")
_GUIDE_BEFORE = re.compile(r"\b(?:gu[ií]a|guide)\W{1,3}$", re.IGNORECASE)
_MEDIA = re.compile(r"(?<!\w)media:[\w-]+")


def doubt_references(guide: Guide, texts: Iterable[ShownText], ids: Collection[str], findings: Findings) -> None:
    """Name references that lead nowhere, or that readers see as ids.

    Args:
        ids: of all guides.
    """
    for shown in texts:
        if shown.part is TextPart.PHRASE:
            continue
        if guide.steps and (found := _STEP.search(shown.text)):
            _doubt_step(guide, shown, int(found[1]), findings)
        for found in _ID.finditer(shown.text):
            is_named = _GUIDE_BEFORE.search(shown.text[: found.start()]) is not None
            if found[0] in ids or is_named:
                _doubt_id(shown, found[0], ids, findings)
        if found := _MEDIA.search(shown.text):
            findings.of("dead_reference").warn(
                shown.path, "«{found}» se muestra tal cual. Pon la imagen en media, no en el texto.", found=found[0]
            )


def _doubt_step(guide: Guide, shown: ShownText, number: int, findings: Findings) -> None:
    if 1 <= number <= len(guide.steps):
        findings.of("step_number").warn(
            shown.path,
            "«{phrase}» nombra un paso por su número, y el orden puede cambiar. Usa su título: «{title}».",
            phrase=shortened(shown.text),
            title=guide.steps[number - 1].title,
        )
    else:
        findings.of("dead_reference").warn(
            shown.path,
            "«{phrase}» nombra el paso {number}, y la guía tiene {count}. Corrígelo o quítalo.",
            phrase=shortened(shown.text),
            number=number,
            count=len(guide.steps),
        )


def _doubt_id(shown: ShownText, name: str, ids: Collection[str], findings: Findings) -> None:
    if name in ids:
        findings.of("dead_reference").warn(
            shown.path, "Lleva el identificador {name}, que se muestra tal cual. Escribe el título de esa guía.", name=name
        )
    else:
        findings.of("dead_reference").warn(shown.path, "No hay ninguna guía {name}. Corrige el nombre o quítalo.", name=name)
