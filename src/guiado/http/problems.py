"""Errors as the caller sees them: RFC 9457 problem details with the contract's `error` text. The only place with HTTP status.

Source: contract.md §3, Errors; ADR 0006.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from guiado import clock, errors
from guiado.app.models import Model
from guiado.app.sessions.models import SessionOut
from guiado.app.validation import explain_decoding
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message
from guiado.http.request import NOT_JSON, Http, Refused, language_of, request_id_of
from guiado.i18n import text, translate
from guiado.logs import get_logger

log = get_logger()
HTTP_500 = 500
_STATUS: tuple[tuple[type[GuiadoError], int], ...] = (
    (errors.InvalidInput, 400),
    (errors.NotFound, 404),
    (errors.KeyRequired, 401),
    (errors.ScopeMissing, 403),
    (errors.LinkNotEnough, 403),
    (errors.KeyReused, 422),
    (errors.Conflict, 409),
    (errors.TargetRefused, 400),
    (errors.KnowledgeBaseInvalid, 400),
    (errors.SettingsInvalid, 500),
    (errors.DeliveryFailed, 502),
    (errors.DatabaseUnavailable, 503),
    (errors.QueryTooSlow, 504),
)
_TEXTS = {
    400: "La petición no se entiende. Revisa el cuerpo y los parámetros.",
    401: "Falta una clave de API válida. Envíala en la cabecera Authorization: Bearer.",
    404: "Esta dirección no existe. Mira las rutas en /schema.",
    405: "Esta dirección no admite ese método. Mira las rutas en /schema.",
    406: "No hay respuesta en ese formato. Pide application/json.",
    408: "El cuerpo no llegó a tiempo. Envíalo de nuevo, entero.",
    413: "El cuerpo es demasiado grande: 1 MB como máximo. Acórtalo.",
    415: NOT_JSON,
    429: "Son demasiadas peticiones. Espera los segundos de Retry-After y vuelve a intentarlo.",
    431: "Las cabeceras son demasiado grandes. Acórtalas.",
}
_REFUSED = "Esta petición no se acepta."
PROBLEM_JSON = "application/problem+json"
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "route_not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    431: "headers_too_large",
    499: "client_closed_request",
    500: "internal_error",
    508: "loop_detected",
}
"""HTTP status -> `code` of a problem that has none of its own."""
_PHRASES = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Content Too Large",
    422: "Unprocessable Content",
    499: "Client Closed Request",
}
"""HTTP status -> title; Python's table lacks the last ones, or has older names. Source: RFC 9110, section 15.5."""
_MISSING_PARAMETER = re.compile(r"Missing required query parameter '(\w+)'")
"""Text of the framework's error for a missing parameter, which nothing else tells from others."""
_PASSED_ON = ("Allow", "Retry-After", "WWW-Authenticate")
_INTERNAL = "Error interno. Vuelve a intentarlo; si sigue, avisa con este número: {request_id}."


class FieldError(Model):
    """A fault of one field or parameter."""

    field: str
    code: str
    message: str


class ProblemDetails(Model, omit_defaults=True):
    """An error, as RFC 9457 problem details; `error` says what is wrong, where, and what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    error: str
    success: bool
    request_id: str
    errors: list[FieldError] = []  # noqa: RUF012 every instance has its own
    session: SessionOut | None = None


def problem(
    request: Http,
    status: int,
    error: str,
    *,
    code: str | None = None,
    headers: dict[str, str] | None = None,
    errors: Sequence[FieldError] = (),
    session: SessionOut | None = None,
) -> Response[ProblemDetails]:
    """Make the response with the problem document of an error.

    Args:
        error: what is wrong, where, and what to do, in the caller's language.
        code: the same for programs; by default that of the status.
        errors: each field that is wrong.
        session: the state that a conflict comes from.
    """
    title = _title(status)
    body = ProblemDetails(
        type="about:blank",
        title=title,
        status=status,
        code=code or CODES.get(status) or re.sub(r"\W+", "_", title.lower()),
        detail=error,
        error=error,
        success=False,
        request_id=request_id_of(request),
        errors=list(errors),
        session=session,
    )
    return Response(body, status_code=status, headers=headers, media_type=PROBLEM_JSON)


def _title(status: int) -> str:
    return _PHRASES.get(status, "Error")


def _on_guiado_error(request: Http, error: GuiadoError) -> Response[ProblemDetails]:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    language = language_of(request)
    if isinstance(error, errors.DatabaseUnavailable):
        log.error("database_unavailable", error=str(error))
        said = text(language, "La base de datos no responde ahora. Vuelve a intentarlo en unos segundos.")
        return problem(request, status, said, code=error.code, headers={"Retry-After": "2"})
    headers = {"WWW-Authenticate": 'Bearer realm="guiado"'} if isinstance(error, errors.KeyRequired) else None
    faults = error.problems if isinstance(error, InvalidInput) else ()
    named = [FieldError(field=each.field, code=each.code, message=translate(each.message, language)) for each in faults]
    state = error.state if isinstance(error, errors.Conflict) and isinstance(error.state, SessionOut) else None
    return problem(request, status, translate(error, language), code=error.code, headers=headers, errors=named, session=state)


def _on_validation(request: Http, error: ValidationException) -> Response[ProblemDetails]:
    found: list[FieldProblem] = []
    for item in error.extra if isinstance(error.extra, list) else []:
        complaint = explain_decoding(str(item.get("message", "")))
        if item.get("key") == "data" or complaint.field == "data":
            # The framework's name for the body: it was missing.
            found.append(FieldProblem("$", Message("Falta el cuerpo. Envía un objeto JSON."), "missing"))
            continue
        found.append(replace(complaint, field=str(item.get("key") or complaint.field)))
    if missing := _MISSING_PARAMETER.match(error.detail):
        found.append(FieldProblem(missing[1], Message("Falta este campo. Agrégalo."), "missing"))
    if not found:
        return _on_http(request, error)
    return _on_guiado_error(request, InvalidInput(found))


def _on_http(request: Http, error: HTTPException) -> Response[ProblemDetails]:
    if error.status_code >= HTTP_500 and not isinstance(error, Refused):
        return _on_anything(request, error)
    template = error.detail if isinstance(error, Refused) else _TEXTS.get(error.status_code, _REFUSED)
    told = {name.lower(): value for name, value in (error.headers or {}).items()}
    headers = {name: told[name.lower()] for name in _PASSED_ON if name.lower() in told}
    return problem(request, error.status_code, text(language_of(request), template), headers=headers)


def _on_anything(request: Http, error: Exception) -> Response[ProblemDetails]:
    log.error("internal_error", exc_info=error)
    said = text(language_of(request), _INTERNAL, request_id=request_id_of(request))
    return problem(request, 500, said)


def respond(request: Http, error: Exception) -> Response[ProblemDetails]:
    """Return the answer to a request that ended with an error."""
    if isinstance(error, GuiadoError):
        return _on_guiado_error(request, error)
    return _on_http(request, error) if isinstance(error, HTTPException) else _on_anything(request, error)


def raw_answer(status: int) -> bytes:
    """Return the bytes of a Spanish answer that ends the connection: its request cannot be read to its end."""
    request_id, title, said = clock.new_id().hex, _title(status), _TEXTS[status]
    problem = ProblemDetails("about:blank", title, status, CODES[status], said, said, success=False, request_id=request_id)
    body = msgspec.json.encode(problem)
    lines = (
        f"HTTP/1.1 {status} {title}",
        f"content-type: {PROBLEM_JSON}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


HANDLERS: ExceptionHandlersMap = {  # pyright: ignore[reportUnknownVariableType]
    GuiadoError: _on_guiado_error,  # pyright: ignore[reportAssignmentType]
    ValidationException: _on_validation,  # pyright: ignore[reportAssignmentType]
    HTTPException: _on_http,  # pyright: ignore[reportAssignmentType]
    Exception: _on_anything,
}
HANDLED: tuple[type[Exception], ...] = (GuiadoError, ValidationException, HTTPException, Exception)
"""Kinds of errors that have a handler of their own. Where a route answers otherwise, it says so for each of them."""
