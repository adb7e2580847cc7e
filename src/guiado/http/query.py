"""Check of a request's query: unknown and repeated parameters are refused by name, before anything is done.

Which parameters a route knows is read from its handler's signature. One that was left blank counts as left out.

Source: RFC 9110, section 4.2.4; contract.md §6, rule 10.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.types import HTTPScope

from guiado.errors import FieldProblem, InvalidInput, Message, printable
from guiado.http.request import Http

_MOST_FAULTS = 20


def check_query(scope: HTTPScope) -> None:
    """Refuse unknown and repeated parameters, and drop those that were left blank.

    Args:
        scope: of a request whose route was found.

    Raises:
        InvalidInput: names every parameter that is unknown or came more than once.
    """
    query, handler = scope["query_string"], scope["route_handler"]
    if not query or not isinstance(handler, HTTPRouteHandler) or not handler.include_in_schema:
        return
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace")
    if faults := [*_faults([name for name, _ in given], _known(handler))]:
        raise InvalidInput(faults[:_MOST_FAULTS])
    if any(not value.strip() for _, value in given):
        scope["query_string"] = urlencode([(name, value) for name, value in given if value.strip()]).encode()


def allowed_on(request: Http) -> str:
    """Return the methods of a route, as the header `Allow` lists them."""
    try:
        request.app.asgi_router.handle_routing(request.scope["path"], "TRACE")  # pyright: ignore[reportArgumentType]
    except MethodNotAllowedException as error:
        return (error.headers or {}).get("allow", "OPTIONS")
    return "OPTIONS"


def _faults(names: Sequence[str], known: Sequence[str]) -> Iterator[FieldProblem]:
    for name, times in Counter(names).items():
        if name not in known:
            yield FieldProblem(printable(name) or "?", _no_such(name, known), "unknown_parameter")
        elif times > 1:
            yield FieldProblem(name, Message("Este parámetro viene repetido. Envíalo una sola vez."), "repeated")


def _no_such(name: str, known: Sequence[str]) -> Message:
    if near := get_close_matches(name[:64].lower(), known, 1):
        return Message("Este parámetro no existe. ¿Querías decir {near}?", {"near": near[0]})
    if known:
        return Message("Este parámetro no existe. Aquí se usan: {known}.", {"known": ", ".join(known)})
    return Message("Este parámetro no existe: aquí no se usa ninguno. Quítalo.")


@lru_cache(maxsize=1_000)
def _known(handler: HTTPRouteHandler) -> tuple[str, ...]:
    found = ((name, field.kwarg_definition) for name, field in handler.parsed_fn_signature.parameters.items())
    return tuple(kind.name or kind.query or name for name, kind in found if isinstance(kind, QueryParameter))
