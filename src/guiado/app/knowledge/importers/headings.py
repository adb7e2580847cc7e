"""Headings and first words that say what a part of an article is, in Spanish, English and Portuguese."""

from __future__ import annotations

import re
from enum import StrEnum

from guiado.text.fold import fold_accents


class Part(StrEnum):
    """A part of an article; each is named after the field of a guide that it fills, the last three are about its steps."""

    PHRASES = "common_issues"
    NOT_THIS = "not_this"
    PREREQUISITES = "prerequisites"
    ESCALATION = "escalation_criteria"
    CODES = "codes"
    STEPS = "steps"
    STEP = "step"
    OTHER = "other"


_PARTS = {
    Part.PHRASES: (
        "frases de clientes", "frases", "como lo dicen los clientes", "como lo dicen", "ejemplos", "sintomas",
        "problemas comunes",
        "customer phrases", "phrases", "examples", "symptoms", "common issues",
        "frases de clientes", "exemplos", "sintomas", "problemas comuns",
    ),
    Part.NOT_THIS: ("no es esto", "no es esto si dicen", "not this", "nao e isto", "nao e isso"),
    Part.PREREQUISITES: (
        "requisitos", "requisitos previos", "antes de empezar", "antes de comenzar", "ten a mano", "que necesitas",
        "prerequisites", "requirements", "before you begin", "before you start", "what you need",
        "pre-requisitos", "antes de comecar", "o que voce precisa",
    ),
    Part.ESCALATION: (
        "cuando pasar a una persona", "cuando escalar", "escalar", "criterios de escalada", "criterios de escalamiento",
        "escalation", "escalation criteria", "when to escalate",
        "quando escalar", "quando passar a uma pessoa", "criterios de escalonamento",
    ),
    Part.CODES: ("codigos", "codigos de error", "sus codigos", "codes", "error codes", "codigos de erro"),
    Part.STEPS: (
        "pasos", "solucion", "como solucionarlo", "como resolverlo", "instrucciones", "que hacer", "procedimiento", "resolucion",
        "steps", "solution", "how to fix it", "how to fix", "instructions", "what to do", "procedure", "resolution",
        "passos", "etapas", "solucao", "como resolver", "instrucoes", "o que fazer", "procedimento", "resolucao",
    ),
}  # fmt: skip
_BY_NAME = {name: part for part, names in _PARTS.items() for name in names}
_STEP = re.compile(
    r"\s{0,40}(?:(?:paso|step|passo|etapa)\s{0,8}\d{1,3}\s{0,8}[.):\-–—]?|\d{1,3}\s{0,8}[.)])\s{0,40}(?=\S)", re.IGNORECASE
)
_MINUTES = re.compile(r"\s{0,40}[(\[]\s{0,8}(\d{1,4}(?:[.,]\d)?)\s{0,8}min[a-z]{0,8}\.?\s{0,8}[)\]]\s{0,40}$", re.IGNORECASE)
_WARNING = re.compile(
    r"\s*(?:⚠️?\s*)?(?:advertencia|importante|atenci[oó]n|cuidado|ojo|precauci[oó]n|warning|caution|important|aten[cç][aã]o|aviso)\s*[:!.]\s*"
    r"|\s*⚠️?\s*",
    re.IGNORECASE,
)
_EXPECTED = re.compile(
    r"\s*(?:resultado esperado|resultado|qu[eé] debes? ver|expected result|result|what you should see|o que voc[eê] deve ver)"
    r"\s*:\s*",
    re.IGNORECASE,
)


def part_of(heading: str) -> Part:
    """The part that begins with this heading."""
    if _STEP.match(heading):
        return Part.STEP
    return _BY_NAME.get(fold_accents(heading).strip(" .:¿?¡!"), Part.OTHER)


def without_number(heading: str) -> str:
    """A heading without "Paso 1:" before it."""
    return _STEP.sub("", heading, count=1).strip()


def split_minutes(heading: str) -> tuple[str, float | None]:
    """A heading without "(5 min)" at its end, and that number of minutes."""
    found = _MINUTES.search(heading)
    minutes = float(found[1].replace(",", ".")) if found else 0.0
    return (heading[: found.start()].strip(), minutes) if found and minutes else (heading, None)


def warning_in(text: str) -> str | None:
    """The words of a warning, without the one that says that it is one; None for another text."""
    found = _WARNING.match(text)
    return (text[found.end() :].strip() or None) if found else None


def expected_in(text: str) -> str | None:
    """The expected result that a text tells; None for another text."""
    found = _EXPECTED.match(text)
    return (text[found.end() :].strip() or None) if found else None
