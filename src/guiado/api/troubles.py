"""Error responses that every route may return, for the OpenAPI document."""

from __future__ import annotations

from litestar.openapi import ResponseSpec

from guiado.http.problems import PROBLEM_JSON, ProblemDetails

TROUBLES = {
    status: ResponseSpec(ProblemDetails, description=about, generate_examples=False, media_type=PROBLEM_JSON)
    for status, about in {
        400: "Datos no válidos",
        401: "Falta una clave de API válida",
        403: "No se acepta",
        404: "No existe",
        409: "No cabe en el estado actual",
        405: "Este método no se usa aquí",
        408: "El cuerpo no llegó a tiempo",
        413: "Cuerpo demasiado grande",
        415: "El cuerpo no es JSON",
        422: "Idempotency-Key ya usada con otros datos",
        429: "Demasiadas peticiones",
        503: "La base de datos no responde",
    }.items()
}
"""HTTP status -> error response."""
