"""Validation of a caller's input, field by field, with the remedy of each fault.

Commands are msgspec structs: their annotations are the API's schema, the decoder's rules and these checks in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, TypeVar, get_args

import msgspec
from msgspec import Meta, inspect

from guiado.app.json_values import nested_problem
from guiado.app.lenient import as_meant, choices_of, fields_of, holds_others, is_left_out, readable
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.text.json_shapes import is_mapping

_KINDS = {
    "str": Message("un texto"),
    "int": Message("un número entero"),
    "float": Message("un número"),
    "bool": Message("true o false"),
    "array": Message("una lista"),
    "object": Message("un objeto"),
    "null": Message("null"),
}
_SOMETHING = Message("otra cosa")
_GIVEN = {**_KINDS, "float": Message("un número con decimales")}
"""Names of the kinds of value received; 5.0 is read as 5, so a number that is refused as not whole has decimals."""
_EXPECTED = re.compile(r"^Expected `([^`]+)`(?:, got `([^`]+)`)?")
_LENGTH = re.compile(r"length (<=|>=) (\d+)")
_RANGE = re.compile(r"(<=|>=|<|>) (-?[\d.]+)")
_PATH = re.compile(r" - at (?:`key` in )?`\$([^`\n]*)`$")
_DELIVERABLE = ".example.com"
_NO_ADDRESS = "No es una dirección de correo válida. Escríbela como nombre@dominio.com."


def _text(limit: int, example: str | None = None, *, kind: str = "line", **schema: object) -> Meta:
    examples = None if example is None else [example]
    return Meta(min_length=1, max_length=limit, examples=examples, extra={"kind": kind}, extra_json_schema=dict(schema))


Description = Annotated[str, _text(10_000, "No me deja instalar el programa", kind="text")]
Email = Annotated[str, _text(254, "cliente@example.com", kind="email", format="email")]
Name = Annotated[str, _text(200, "Juan Pérez", kind="name")]
Label = Annotated[str, _text(128, kind="name")]
"""A short free text, such as a device or a product."""
Addressee = Annotated[str, _text(200)]
"""Recipient of a message: an address, a number, or a channel's name."""
Line = Annotated[str, _text(128)]
Notes = Annotated[str, _text(5_000, kind="text")]
Url = Annotated[str, _text(2_048, "https://example.com/webhook", kind="url", format="uri")]
Rating = Annotated[int, Meta(ge=1, le=5, examples=[5])]
StepNumber = Annotated[int, Meta(ge=1, le=10_000, examples=[1])]
Seconds = Annotated[float, Meta(ge=0, le=31_536_000, examples=[42.5])]
Days = Annotated[int, Meta(ge=1, le=3_650, examples=[30])]


class Command(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of every command."""


_WRITTEN = frozenset(("text", "name"))
"""Kinds of text that people write: invisible characters are replaced. In identifiers, the other kinds, they are refused."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
T = TypeVar("T", bound=Command)


def check(command: type[T], raw: object) -> T:
    """Check raw input and return it as a command.

    Args:
        command: which command.
        raw: decoded JSON, or keyword arguments of the facade.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    if not is_mapping(raw):
        raise InvalidInput([FieldProblem("$", Message("El cuerpo debe ser un objeto JSON, por ejemplo {{}}."), "wrong_type")])
    values: dict[str, object] = {}
    problems: list[FieldProblem] = []
    for field in fields_of(command).values():
        found = _check_field(command, field, raw.get(field.encode_name, msgspec.NODEFAULT), problems)
        if found is not msgspec.NODEFAULT:
            values[field.name] = found
    if problems:
        raise InvalidInput(problems)
    return command(**values)


def check_with(command: type[T], raw: object, more: Iterable[FieldProblem]) -> T:
    """Check raw input as `check` does, and name further known faults at the same time.

    Args:
        more: faults of fields of the right kind; a field that `check` refuses is named once.
    """
    problems, found = [*more], None
    try:
        found = check(command, raw)
    except InvalidInput as error:
        named = {problem.field for problem in error.problems}
        problems = [*error.problems, *(problem for problem in problems if problem.field not in named)]
    if found is None or problems:
        raise InvalidInput(problems)
    return found


def clean(command: T) -> T:
    """Trim and check the texts of a command that the server decoded, and return it.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    problems: list[FieldProblem] = []
    for name, kind, required in _texts_of(type(command)):
        value = getattr(command, name)
        if isinstance(value, str):
            setattr(command, name, _clean_text(name, value, kind, problems, required=required))
    problems += filter(None, (nested_problem(name, getattr(command, name)) for name in _holders_of(type(command))))
    if problems:
        raise InvalidInput(problems)
    return command


def _check_field(command: type[Command], field: inspect.Field, given: object, problems: list[FieldProblem]) -> object:
    name = field.encode_name
    value = as_meant(given, field.type)
    if value is msgspec.NODEFAULT or is_left_out(field, value):
        if field.required:
            problems.append(FieldProblem(name, Message("Falta este campo. Agrégalo."), "missing"))
        return msgspec.NODEFAULT
    if problem := nested_problem(name, value):
        problems.append(problem)
        return msgspec.NODEFAULT
    annotation = _annotations(command)[field.name]
    try:
        found = msgspec.convert(_storable_or_blank(value), annotation)
    except msgspec.ValidationError as error:
        problems.append(_blank(name) if _is_blank(value) else _naming_choices(_explain_nested(name, str(error)), field))
        return msgspec.NODEFAULT
    if type(found) is str and isinstance(value, str):
        return _clean_text(name, value, _kind_of(annotation) or "line", problems, required=field.required)
    return found


def _naming_choices(problem: FieldProblem, field: inspect.Field) -> FieldProblem:
    known = choices_of(field.type)
    if problem.code != "not_an_option" or not known:
        return problem
    why = Message("{problem} no es una opción. Usa una de estas: {known}.", {**problem.message.params, "known": ", ".join(known)})
    return replace(problem, message=why)


@lru_cache
def _annotations(command: type[Command]) -> Mapping[str, object]:
    return {field.name: field.type for field in msgspec.structs.fields(command)}


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _blank(name: str) -> FieldProblem:
    return FieldProblem(name, Message("Está vacío. Escríbelo."), "empty")


def _storable_or_blank(value: object) -> object:
    # Half of a surrogate pair cannot even be measured by the decoder; the text check names it afterwards.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@lru_cache
def _texts_of(command: type[Command]) -> tuple[tuple[str, str, bool], ...]:
    found = [(field.name, _kind_of(field.type), field.required) for field in msgspec.structs.fields(command)]
    return tuple((name, kind, required) for name, kind, required in found if kind and kind != "language")


@lru_cache
def _holders_of(command: type[Command]) -> tuple[str, ...]:
    """Names of the fields that may hold other values."""
    return tuple(field.name for field in fields_of(command).values() if holds_others(field.type))


def _kind_of(annotation: object) -> str | None:
    for part in (annotation, *get_args(annotation)):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.extra and "kind" in meta.extra:
                return str(meta.extra["kind"])
    return None


def _clean_text(name: str, value: str, kind: str, problems: list[FieldProblem], *, required: bool) -> str | None:
    text = readable(value, kind).strip() if kind in _WRITTEN else value.strip()
    problem = _text_problem(name, text) if text and kind not in _WRITTEN else None
    if not text and required:
        problem = _blank(name)
    if problem:
        problems.append(problem)
        return None
    if kind == "email" and text:
        return _email(name, text, problems)
    return text or None


def _text_problem(name: str, text: str) -> FieldProblem | None:
    if _CONTROLS.search(text):
        return FieldProblem(name, Message("Contiene caracteres de control. Bórralos."), "control_characters")
    if _HALF_PAIRS.search(text):
        return FieldProblem(name, Message("Contiene caracteres rotos. Escríbelos de nuevo."), "control_characters")
    return None


def email_problem(name: str, text: str) -> FieldProblem | None:
    """The fault of an e-mail address; None for a valid one."""
    problems: list[FieldProblem] = []
    _email(name, text, problems)
    return problems[0] if problems else None


def _email(name: str, text: str, problems: list[FieldProblem]) -> str | None:
    # The library refuses domains for special use (.local, .test) and has no switch for it: there, what is before them counts.
    found = _normalised(text) or _normalised(text + _DELIVERABLE).removesuffix(_DELIVERABLE)
    if not found:
        problems.append(FieldProblem(name, Message(_NO_ADDRESS), "invalid_email"))
    return found or None


def _normalised(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized.lower()
    except EmailNotValidError:
        return ""


def explain_decoding(error: str) -> FieldProblem:
    """An error of the server's decoder as a fault, with its field and remedy."""
    at = _PATH.search(error)
    return _explain((at.group(1).lstrip(".") if at else "") or "$", _PATH.sub("", error))


def _explain(name: str, problem: str) -> FieldProblem:
    return FieldProblem(name, *_remedy(problem))


def _explain_nested(name: str, problem: str) -> FieldProblem:
    at = _PATH.search(problem)
    return _explain(f"{name}{at[1]}" if at else name, _PATH.sub("", problem))


def _remedy(problem: str) -> tuple[Message, str]:
    if "RFC3339" in problem or "datetime" in problem or "timezone" in problem:
        return Message("Debe ser una fecha y hora con zona, por ejemplo 2026-11-22T10:00:00Z."), "invalid_date"
    if "missing required field" in problem:
        return Message("Falta el campo {name}. Agrégalo.", {"name": problem.rsplit("`", 2)[1]}), "missing"
    if "Invalid enum value" in problem:
        given = problem.split("value", 1)[1].strip()[:60]
        return Message("{problem} no es una opción. Mira las opciones en /schema.", {"problem": given}), "not_an_option"
    if length := _LENGTH.search(problem):
        too_long = Message("Es demasiado largo: {limit} caracteres como máximo. Acórtalo.", {"limit": length[2]})
        return (too_long, "too_long") if length[1] == "<=" else (Message("Está vacío. Escríbelo."), "empty")
    if limits := _RANGE.findall(problem):
        sign, number = limits[0]
        words = {"<=": "como máximo {number}", ">=": "como mínimo {number}", "<": "menos de {number}", ">": "más de {number}"}
        return Message("Debe ser " + words[sign] + ".", {"number": number}), "out_of_range"
    return _mistaken(problem)


def _mistaken(problem: str) -> tuple[Message, str]:
    """Message and code for a value of another kind than the field takes."""
    if "matching regex" in problem:  # of all fields only times have one
        return Message("Debe ser una hora con minutos, por ejemplo 22:00."), "invalid_time"
    if expected := _EXPECTED.match(problem):
        given = _GIVEN.get(expected[2] or "", _SOMETHING)
        return Message("Debe ser {wanted}, no {given}.", {"wanted": _wanted(expected[1]), "given": given}), "wrong_type"
    return Message("No es válido. Corrígelo."), "invalid"


def _wanted(kinds: str) -> Message:
    """The kinds of value that a field takes, in words; null is not named besides others."""
    named = [_KINDS.get(kind.strip(), _SOMETHING) for kind in kinds.split("|") if kind.strip() != "null"]
    if len(named) > 1:
        return Message("{one} o {other}", {"one": named[0], "other": named[1]})
    return named[0] if named else _KINDS["null"]
