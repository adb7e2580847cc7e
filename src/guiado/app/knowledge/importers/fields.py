"""Names of the columns of a table and of the fields of a front matter, in Spanish, English and Portuguese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from guiado.text.fold import fold_accents


class Column(StrEnum):
    """Meaning of a column; those of a guide are named after its field, those of a step begin with "step"."""

    ID = "id"
    TITLE = "problem_title"
    DESCRIPTION = "problem_description"
    CATEGORY = "category"
    TIME = "estimated_time"
    DIFFICULTY = "difficulty"
    PREREQUISITES = "prerequisites"
    PHRASES = "common_issues"
    NOT_THIS = "not_this"
    CODES = "codes"
    ESCALATION = "escalation_criteria"
    URGENT = "urgent"
    ANSWER = "answer"
    STEP = "step"
    INSTRUCTIONS = "step instructions"
    STEP_DESCRIPTION = "step description"
    EXPECTED = "step expected_result"
    WARNINGS = "step warnings"
    MINUTES = "step minutes"


_NAMES: Mapping[Column, str] = {
    Column.ID: "id, identificador, problem id, guia, guide, slug",
    Column.TITLE: "titulo, problema, pregunta, title, problem, problem title, question, asunto, subject, pergunta, assunto",
    Column.DESCRIPTION: "descripcion, description, descricao, problem description, resumen, summary, resumo",
    Column.CATEGORY: "categoria, category, tema, topic, seccion, section",
    Column.TIME: "tiempo estimado, tiempo, estimated time, duracion, duration, tempo estimado, tempo",
    Column.DIFFICULTY: "dificultad, difficulty, dificuldade, nivel, level",
    Column.PREREQUISITES: "requisitos, requisitos previos, prerequisites, prerequisitos, requirements, pre requisitos",
    Column.PHRASES: "frases, frases de clientes, ejemplos, sintomas, common issues, phrases, examples, symptoms, exemplos",
    Column.NOT_THIS: "no es esto, not this, nao e isto, nao e isso",
    Column.CODES: "codigos, codigos de error, codes, error codes, codigos de erro",
    Column.ESCALATION: "criterios de escalada, cuando escalar, escalation criteria, escalation, when to escalate, quando escalar",
    Column.URGENT: "urgente, urgent",
    Column.ANSWER: "respuesta, answer, resposta, solucion, solution, solucao, contenido, content, conteudo",
    Column.STEP: "paso, pasos, step, steps, passo, passos, titulo del paso, step title, titulo do passo, etapa, etapas",
    Column.INSTRUCTIONS: "instrucciones, instruccion, instructions, instruction, instrucoes, acciones, actions",
    Column.STEP_DESCRIPTION: "descripcion del paso, step description, descricao do passo, por que, why",
    Column.EXPECTED: "resultado esperado, resultado, expected result, result",
    Column.WARNINGS: "advertencias, advertencia, warnings, warning, avisos, aviso, cuidado",
    Column.MINUTES: "minutos, minutes, minutos del paso, step minutes, min",
}  # fmt: skip
_BY_NAME = {name: column for column, names in _NAMES.items() for name in names.split(", ")}
_NUMBERED = re.compile(r"(?:paso|step|passo|etapa) \d{1,2}")
_YES, _NO = (
    frozenset(("si", "s", "yes", "y", "sim", "true", "verdadero", "1", "x")),
    frozenset(("no", "n", "nao", "false", "falso", "0", "")),
)
_BETWEEN = re.compile(r"[\n;|]+")
LISTS = (Column.PREREQUISITES, Column.PHRASES, Column.NOT_THIS, Column.CODES, Column.ESCALATION)


def column_of(name: str) -> Column | None:
    """The meaning of a heading or field name; None for an unknown one. "Paso 3" is a step like "paso"."""
    plain = " ".join(re.findall(r"[a-z0-9]+", fold_accents(name)))
    return Column.STEP if _NUMBERED.fullmatch(plain) else _BY_NAME.get(plain)


def texts_in(cell: str) -> list[str]:
    """The texts of a cell, one a line or between semicolons."""
    return [text for part in _BETWEEN.split(cell) if (text := part.strip().lstrip("•-*").strip())]


def flag_in(cell: str) -> bool | None:
    """Yes or no of a cell; None where it says neither."""
    said = fold_accents(cell).strip()
    return True if said in _YES else False if said in _NO else None
