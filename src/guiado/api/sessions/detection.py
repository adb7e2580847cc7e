"""Detection without a session: the problems that a text may be about.

Source: contract.md §6, rule 6.
"""

from __future__ import annotations

from litestar import post
from litestar.params import JSONBody

from guiado.api.sessions.models import DetectOut
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.sessions.detect import clauses_view, detected_in, view
from guiado.app.sessions.explanation import explanation
from guiado.http.request import Checked, Http, knowledge_of, parts_of, scope_of
from guiado.i18n import DEFAULT_LANGUAGE


@post("/detect", dto=Checked[commands.Detect], return_dto=None, status_code=200, operation_id="detect", responses=TROUBLES)
async def rank(request: Http, data: JSONBody[commands.Detect]) -> DetectOut:
    """Dice qué problemas podrían ser y por qué, sin empezar ninguna sesión. No guarda nada."""
    snapshot, parts = (await knowledge_of(request)).snapshot, parts_of(request)
    detected = await detected_in(snapshot, data.problem_description, parts.threshold, parts.accept_from, data.limit)
    language = data.language or scope_of(request).language
    return DetectOut(
        success=True,
        verdict=detected.verdict.value,
        detector=snapshot.index.version,
        threshold=parts.threshold,
        accept_from=parts.accept_from,
        language=detected.language,
        message_kind=detected.kind.value,
        written_in=detected.foreign,
        candidates=view(detected, snapshot.guides, language),
        clauses=clauses_view(detected),
        denied=list(detected.reading.denied),
        several=list(detected.reading.several),
        unknown_codes=list(detected.reading.unknown_codes),
        explanation=explanation(detected, snapshot.guides, language or detected.language or DEFAULT_LANGUAGE),
    )


HANDLERS = [rank]
