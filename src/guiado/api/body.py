"""A request's body as a command: what is wrong with it is said by field, or by line and column, in our own words.

What a caller sent and nobody would read is refused, never dropped in silence.

Source: RFC 8259.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec

from guiado.app.fields import Command, check_with, clean
from guiado.app.plain import json_problem, plain_problem
from guiado.errors import FieldProblem, InvalidInput, Message

C = TypeVar("C", bound=Command)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MAX_SHOWN = 64
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(body: bytes, command: type[C]) -> C:
    """The command in a JSON body.

    Raises:
        InvalidInput: names every bad field with the remedy.
    """
    try:
        members = _MEMBERS.decode(body)
        found = msgspec.json.decode(body, type=command)
    except _BROKEN:
        # The decoder stops at the first fault; the caller gets to know all of them.
        return _checked(command, _read(body))
    # Each member has a colon: as many colons as names, and no name can be there twice.
    if body.count(b":") > len(members) or not members.keys() <= _names(command):
        return _checked(command, _read(body))
    return clean(found)


def decode_json(body: bytes) -> object:
    """A JSON value in which every name comes once, and which can be told again as JSON.

    Raises:
        InvalidInput: it is none, or nested too deep.
    """
    value = _read(body)
    if problem := plain_problem("", value):
        raise InvalidInput([FieldProblem(_shown(problem.field.removeprefix(".")) or "$", problem.message)])
    return value


def _read(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise InvalidInput([FieldProblem("$", Message("El cuerpo debe estar en UTF-8. Envíalo así."))]) from None
    except InvalidInput:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidInput([_misspelt(body, error)]) from None


def _misspelt(body: bytes, error: ValueError | RecursionError) -> FieldProblem:
    problem = json_problem(error)
    if not isinstance(error, json.JSONDecodeError):
        return problem
    if json.detect_encoding(body) not in {"utf-8", "utf-8-sig"}:
        return FieldProblem("$", Message("El cuerpo debe estar en UTF-8. Envíalo así."))
    params = {"line": error.lineno, "column": error.colno, "why": problem.message.params["why"]}
    return FieldProblem("$", Message("El JSON está mal escrito en la línea {line}, columna {column}: {why}. Corrígelo.", params))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = dict.fromkeys(name for name in names if names.count(name) > 1) if len(names) <= _MAX_SHOWN else {}
        why = Message("Este campo viene repetido. Envíalo una sola vez.")
        raise InvalidInput([FieldProblem(_shown(name), why) for name in twice] or [FieldProblem("$", why)])
    return found


def _checked(command: type[C], raw: object) -> C:
    given = cast("dict[str, object]", raw) if isinstance(raw, dict) else dict[str, object]()
    known = _names(command)
    why = Message("Este campo no existe. Quítalo o corrige su nombre.")
    faults = [FieldProblem(_shown(name), why) for name in given if name not in known][:20]
    faults += filter(None, (plain_problem(name, value) for name, value in given.items() if name in known))
    return check_with(command, cast("Mapping[str, object]", raw), faults)


def _shown(name: str) -> str:
    short = name[:_MAX_SHOWN]
    return short if short.isprintable() else ascii(short)[1:-1]


@lru_cache
def _names(command: type[Command]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(command))
