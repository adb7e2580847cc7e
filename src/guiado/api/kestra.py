"""The contract's Kestra path, served by guiado itself: it starts a session.

An event of ours that a workflow sends back never starts one, so that the two cannot loop.

Source: contract.md §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import post

from guiado.api.sessions.models import StartOut
from guiado.api.sessions.routes import begin
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.validation import check
from guiado.http.body import decode_json
from guiado.http.request import Http, language_of, require_json
from guiado.i18n import text

PATH = "/api/v1/executions/webhook/workflows/workflows/support-troubleshooting-automation/support-troubleshooting"


@post(PATH, status_code=200, operation_id="kestra_webhook", responses=TROUBLES)
async def receive(request: Http) -> StartOut | dict[str, Any]:
    """Entrada compatible con Kestra: empieza una sesión, igual que `/start`."""
    require_json(request.headers)
    raw = decode_json(await request.body())
    if _is_event(raw):
        return {
            "success": True,
            "ignored": True,
            "message": text(language_of(request), "Es un evento: no inicia ninguna sesión."),
        }
    # A workflow may carry fields of its own along.
    return await begin(request, check(commands.Start, raw), "kestra")


def _is_event(raw: object) -> bool:
    return isinstance(raw, Mapping) and "event" in raw


HANDLERS = [receive]
