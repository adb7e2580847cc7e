"""Decoding of a request's body into a command; faults are reported by field, or by line and column.

What a caller sent and nobody would read is refused, never dropped in silence.

Source: RFC 8259.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from msgspec import inspect

from guiado.app.json_values import json_problem, plain_problem
from guiado.app.lenient import fields_of, storable, struct_items
from guiado.app.validation import Command, check_with, clean
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.text.json_shapes import is_list, is_object

C = TypeVar("C", bound=Command)
_MEMBERS = msgspec.json.Decoder(dict[str, object])
_MAX_SHOWN = 64
_MOST_FAULTS = 20
_NOT_UTF8 = FieldProblem("$", Message("El cuerpo debe estar en UTF-8. Envíalo así."), "invalid_encoding")
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(body: bytes, command: type[C]) -> C:
    """Decode a JSON body into a command.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    with suppress(*_BROKEN, InvalidInput):
        members = _MEMBERS.decode(body)
        # Each member has a colon: as many colons as names, and no name can be there twice.
        if body.count(b":") == len(members) and members.keys() <= fields_of(command).keys():
            return clean(msgspec.convert(members, command))
    # The short way stops at the first fault. Here the caller gets to know all of them, and what can be mended is mended.
    return _checked(command, _read(body))


def decode_json(body: bytes) -> object:
    """Decode a JSON value in which every name occurs once, and which can be encoded as JSON again.

    Raises:
        InvalidInput: the body is no such JSON value, or nested too deep.
    """
    value = _read(body)
    if problem := plain_problem("", value):
        raise InvalidInput([replace(problem, field=_shown(problem.field.removeprefix(".")) or "$")])
    return value


def _read(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise InvalidInput([_NOT_UTF8]) from None
    except InvalidInput:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidInput([_misspelt(body, error)]) from None


def _misspelt(body: bytes, error: ValueError | RecursionError) -> FieldProblem:
    problem = json_problem(error)
    if not isinstance(error, json.JSONDecodeError):
        return problem
    if json.detect_encoding(body) not in {"utf-8", "utf-8-sig"}:
        return _NOT_UTF8
    params = {"line": error.lineno, "column": error.colno, "why": problem.message.params["why"]}
    why = Message("El JSON está mal escrito en la línea {line}, columna {column}: {why}. Corrígelo.", params)
    return FieldProblem("$", why, "invalid_json")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = dict.fromkeys(name for name in names if names.count(name) > 1) if len(names) <= _MAX_SHOWN else {}
        why = Message("Este campo viene repetido. Envíalo una sola vez.")
        raise InvalidInput([FieldProblem(_shown(name), why, "repeated") for name in twice or ["$"]])
    return found


def _checked(command: type[C], raw: object) -> C:
    given = raw if is_object(raw) else dict[str, object]()
    known = fields_of(command)
    faults = [*_unknown(given, known)][:_MOST_FAULTS]
    # Texts are mended or refused by the check itself.
    rest = {name: value for name, value in given.items() if name in known and not isinstance(value, str)}
    faults += filter(None, (plain_problem(name, storable(value)) for name, value in rest.items()))
    return check_with(command, raw, faults)


def _unknown(given: Mapping[str, object], known: Mapping[str, inspect.Field], path: str = "") -> Iterator[FieldProblem]:
    for name, value in given.items():
        if name not in known:
            yield FieldProblem(f"{path}{_shown(name)}", _no_such_field(name, known), "unknown_field")
        elif is_list(value) and (inner := struct_items(known[name].type)):
            for place, item in enumerate(value):
                if is_object(item):
                    yield from _unknown(item, inner, f"{path}{name}[{place}].")


def _no_such_field(name: str, known: Mapping[str, object]) -> Message:
    near = get_close_matches(name[:_MAX_SHOWN], known, 1)
    if near:
        return Message("Este campo no existe. ¿Querías decir {near}?", {"near": near[0]})
    return Message("Este campo no existe. Quítalo o corrige su nombre.")


def _shown(name: str) -> str:
    short = name[:_MAX_SHOWN]
    return short if short.isprintable() else ascii(short)[1:-1]
