"""Errors as the caller sees them: RFC 9457 problem details with the contract's `error` text. The only place with HTTP status.

Source: contract.md §3, Errors; ADR 0006.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.types import ExceptionHandlersMap

from guiado import errors
from guiado.api.request import NOT_JSON, Refused, language_of, request_id_of
from guiado.api.schemas import Problem
from guiado.app.fields import explain_decoding
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message
from guiado.i18n import text, translate
from guiado.logs import get_logger

log = get_logger()
HTTP_500 = 500
_STATUS: tuple[tuple[type[GuiadoError], int], ...] = (
    (errors.InvalidInput, 400),
    (errors.NotFound, 404),
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
    403: "Esta petición no se acepta.",
    404: "Esta dirección no existe. Mira las rutas en /schema.",
    405: "Este método no se usa en esta dirección. Mira las rutas en /schema.",
    413: "El cuerpo es demasiado grande: 1 MB como máximo. Acórtalo.",
    415: NOT_JSON,
}
_PROBLEM = "application/problem+json"
_TITLES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    508: "Loop Detected",
}
_INTERNAL = "Error interno. Vuelve a intentarlo; si sigue, avisa con este número: {request_id}."


def problem(
    request: Request[Any, Any, Any],
    status: int,
    error: str,
    *,
    headers: dict[str, str] | None = None,
    **members: Any,  # noqa: ANN401
) -> Response[dict[str, object]]:
    """A problem document.

    Args:
        error: what is wrong, where, and what to do, in the caller's language.
        members: further members of the document.
    """
    body: dict[str, object] = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "detail": error,
        "error": error,
        "success": False,
        "request_id": request_id_of(request),
        **members,
    }
    return Response(body, status_code=status, headers=headers, media_type=_PROBLEM)


def _title(status: int) -> str:
    return _TITLES.get(status, "Internal Server Error")


def _on_guiado_error(request: Request[Any, Any, Any], error: GuiadoError) -> Response[dict[str, object]]:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    language = language_of(request)
    members: dict[str, Any] = {}
    if isinstance(error, InvalidInput):
        members["errors"] = [{"field": p.field, "message": translate(p.message, language)} for p in error.problems]
    if isinstance(error, errors.Conflict) and error.state is not None:
        members["session"] = error.state
    if isinstance(error, errors.DatabaseUnavailable):
        log.error("database_unavailable", error=str(error))
        said = text(language, "La base de datos no responde ahora. Vuelve a intentarlo en unos segundos.")
        return problem(request, status, said, headers={"Retry-After": "2"})
    return problem(request, status, translate(error, language), **members)


def _on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[dict[str, object]]:
    found: list[FieldProblem] = []
    for item in error.extra if isinstance(error.extra, list) else []:
        complaint = explain_decoding(str(item.get("message", "")))
        if item.get("key") == "data" or complaint.field == "data":
            # The framework's name for the body: it was missing.
            complaint = FieldProblem("$", Message("Falta el cuerpo. Envía un objeto JSON."))
            found.append(complaint)
            continue
        found.append(FieldProblem(str(item.get("key") or complaint.field), complaint.message))
    if not found:
        return _on_http(request, error)
    return _on_guiado_error(request, InvalidInput(found))


def _on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, object]]:
    if error.status_code >= HTTP_500 and not isinstance(error, Refused):
        return _on_anything(request, error)
    template = error.detail if isinstance(error, Refused) else _TEXTS.get(error.status_code, _TEXTS[400])
    headers = {"Allow": error.headers["Allow"]} if error.headers and "Allow" in error.headers else None
    return problem(request, error.status_code, text(language_of(request), template), headers=headers)


def _on_anything(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    log.error("internal_error", exc_info=error)
    said = text(language_of(request), _INTERNAL, request_id=request_id_of(request))
    return problem(request, 500, said)


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    """The answer to a request that ended with this error."""
    if isinstance(error, GuiadoError):
        return _on_guiado_error(request, error)
    return _on_http(request, error) if isinstance(error, HTTPException) else _on_anything(request, error)


HANDLERS: ExceptionHandlersMap = {  # pyright: ignore[reportUnknownVariableType]
    GuiadoError: _on_guiado_error,  # pyright: ignore[reportAssignmentType]
    ValidationException: _on_validation,  # pyright: ignore[reportAssignmentType]
    HTTPException: _on_http,  # pyright: ignore[reportAssignmentType]
    Exception: _on_anything,
}
TROUBLES = {
    status: ResponseSpec(Problem, description=about, generate_examples=False, media_type=_PROBLEM)
    for status, about in {
        400: "Datos no válidos",
        403: "No se acepta",
        404: "No existe",
        409: "No cabe en el estado actual",
        405: "Este método no se usa aquí",
        408: "El cuerpo no llegó a tiempo",
        413: "Cuerpo demasiado grande",
        415: "El cuerpo no es JSON",
        422: "Idempotency-Key ya usada con otros datos",
        503: "La base de datos no responde",
    }.items()
}
"""What can go wrong, for the OpenAPI document."""
