"""Templates: guides with variables. The ones that ship live in a JSON file, created ones in the database.

`{{name}}` is replaced as plain text, once; nothing is ever evaluated.

Source: contract.md §1, TroubleshootingTemplateManager; §6, rule 7.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from guiado.app.commands import Template, Variable
from guiado.app.parts import Parts
from guiado.errors import FieldProblem, InvalidInput, KnowledgeBaseInvalid, Message, TemplateNotFound
from guiado.resources import data_path
from guiado.store import registry
from guiado.store.database import Connection

_PLACEHOLDER = re.compile(r"\{\{\s*([^\W\d]\w{0,63})\s*\}\}")
_MAX_VALUE = 5_000
_MAX_RENDERED = 1_000_000
_BAD_NAME = "Usa letras, números y guion bajo, sin empezar por número, y sin repetir."
_TOO_LONG = "El resultado sería enorme: más de {limit} caracteres. Usa valores más cortos."
_VARIABLE = re.compile(r"[^\W\d]\w{0,63}")
Content = dict[str, Any]


def seed_path() -> Path:
    """The file with the templates that ship."""
    return data_path("integrations", "support_troubleshooting_templates.json")


@lru_cache(maxsize=8)
def seeds(path: Path) -> Mapping[str, Content]:
    """The templates of a JSON file.

    Raises:
        KnowledgeBaseInvalid: the file cannot be read.
    """
    try:
        raw: object = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        problem = FieldProblem(str(path), Message("No se puede leer ({why}). Revisa la ruta y el JSON.", {"why": error}))
        raise KnowledgeBaseInvalid(path.name, [problem]) from None
    if not isinstance(raw, dict):
        raise KnowledgeBaseInvalid(path.name, [FieldProblem("$", Message("Debe ser un objeto: identificador → plantilla."))])
    return cast("Mapping[str, Content]", raw)


async def every(parts: Parts, connection: Connection, path: Path, category: str | None = None) -> dict[str, Content]:
    """All templates by id; a created one goes before one that ships under the same id.

    Args:
        path: file with the ones that ship.
        category: only those of this category.
    """
    created = await registry.templates(connection, parts.tenant, "guide")
    # Copies: whoever changes what they got changes it for themselves alone.
    found = {**copy.deepcopy(dict(seeds(path))), **created}
    return {key: value for key, value in found.items() if category is None or value.get("category") == category}


async def create(parts: Parts, connection: Connection, command: Template) -> Content:
    """Store a template; the same id again replaces it."""
    content: Content = {
        "name": command.name,
        "description": command.description or "",
        "category": command.category,
        "variables": [msgspec.to_builtins(variable) for variable in command.variables],
        "problem_title": command.name,
        "problem_description": command.description or "",
        "steps_template": command.steps_template,
        "metadata": command.metadata or {},
    }
    _refuse_variables(command.variables)
    _refuse_unstorable(content)
    await registry.put_template(connection, parts.tenant, "guide", command.template_id, content)
    return content


def _refuse_variables(variables: Sequence[Variable]) -> None:
    names = [variable.name for variable in variables]
    problems = [
        FieldProblem(
            f"variables[{place}].name", Message("Usa letras, números y guion bajo, sin empezar por número, y sin repetir.")
        )
        for place, name in enumerate(names)
        if not _VARIABLE.fullmatch(name) or name in names[:place]
    ]
    if problems:
        raise InvalidInput(problems)


def _refuse_unstorable(content: Content) -> None:
    text = json.dumps(content, ensure_ascii=False)
    if "\\u0000" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidInput([FieldProblem("steps_template", Message("Contiene caracteres que no se pueden guardar. Bórralos."))])


def row(template_id: str, content: Content) -> Content:
    """A template as lists show it."""
    return {
        "template_id": template_id,
        "name": content.get("name", template_id),
        "description": content.get("description", ""),
        "category": content.get("category", "otro"),
        "variables_count": len(content.get("variables") or []),
        "steps_count": len(content.get("steps_template") or []),
    }


def render(template_id: str, found: Mapping[str, Content], variables: Mapping[str, object]) -> Content:
    """The guide that a template makes with these values.

    Raises:
        TemplateNotFound: no template has this id.
        InvalidInput: a required variable is missing, or a value cannot be used.
    """
    content = found.get(template_id)
    if content is None:
        raise TemplateNotFound(template_id)
    values = _values(content, variables)
    fill = _filler(values)
    return {
        "template_id": template_id,
        "problem_title": fill(content.get("problem_title") or content.get("name", "")),
        "problem_description": fill(content.get("problem_description") or content.get("description", "")),
        "category": content.get("category", "otro"),
        "steps": [{**fill(step), "step_number": number} for number, step in enumerate(content.get("steps_template") or [], 1)],
        "metadata": content.get("metadata") or {},
    }


def _values(content: Content, given: Mapping[str, object]) -> dict[str, str]:
    declared: list[Content] = content.get("variables") or []
    problems = [
        FieldProblem(f"variables.{variable['name']}", Message("Falta esta variable obligatoria. Dale un valor."))
        for variable in declared
        if variable.get("required") and given.get(variable["name"]) in (None, "")
    ]
    problems += [
        FieldProblem(
            f"variables.{str(name)[:64]}", Message("Debe ser un texto de hasta {limit} caracteres.", {"limit": _MAX_VALUE})
        )
        for name, value in given.items()
        if value is not None and (isinstance(value, (dict, list)) or len(str(value)) > _MAX_VALUE)
    ]
    if problems:
        raise InvalidInput(problems)
    defaults = {variable["name"]: str(variable.get("default") or "") for variable in declared}
    return {**defaults, **{name: str(value) for name, value in given.items() if value is not None}}


def _filler(values: Mapping[str, str]) -> Callable[[Any], Any]:
    room = _MAX_RENDERED

    def put(found: re.Match[str]) -> str:
        nonlocal room
        value = values.get(found[1], found[0])
        room -= len(value)
        if room < 0:
            why = Message(
                "El resultado sería enorme: más de {limit} caracteres. Usa valores más cortos.", {"limit": _MAX_RENDERED}
            )
            raise InvalidInput([FieldProblem("variables", why)])
        return value

    def fill(value: Any) -> Any:  # noqa: ANN401
        match value:
            case str():
                return _PLACEHOLDER.sub(put, value)
            case list():
                return [fill(item) for item in cast("list[Any]", value)]
            case dict():
                return {key: fill(item) for key, item in cast("dict[str, Any]", value).items()}
            case _:
                return value

    return fill
