"""Deliveries to a webhook: figures, attempts, sending again, a test event."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.cursor import read_cursor, write_cursor
from guiado.api.outbound.models import Replayed, ReplayedAll, ReplayedOne, Tested, WebhookAttempts, WebhookStats
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.outbound import webhooks
from guiado.app.outbound.first_attempts import first_results
from guiado.app.validation import check
from guiado.http.request import Checked, Http, Write, language_of, numbers, parts_of, run_read
from guiado.i18n import text


@get("/webhooks/{webhook_id:str}/stats", operation_id="webhook_stats", responses=TROUBLES)
async def stats(request: Http, webhook_id: FromPath[str]) -> WebhookStats:
    """Estado de los envíos a un destino."""
    found = await run_read(request, webhooks.stats, webhook_id)
    return WebhookStats(success=True, webhook_id=webhook_id, stats=found)


@get("/webhooks/{webhook_id:str}/attempts", operation_id="webhook_attempts", responses=TROUBLES)
async def attempts(
    request: Http, webhook_id: FromPath[str], limit: FromQuery[str] = "50", cursor: FromQuery[str | None] = None
) -> WebhookAttempts:
    """Los intentos de envío a un destino, del más nuevo al más viejo, por páginas."""
    page = check(commands.Page, numbers({"limit": limit}, "limit"))
    before = read_cursor("attempts", cursor)
    found = await run_read(request, webhooks.attempts, webhook_id, page.limit + 1, before)
    shown, has_more = found[: page.limit], len(found) > page.limit
    further = write_cursor("attempts", shown[-1].sent_at, shown[-1].id) if has_more else None
    return WebhookAttempts(success=True, webhook_id=webhook_id, attempts=shown, total=len(shown), next_cursor=further)


@post(
    "/webhooks/replay",
    dto=Checked[commands.Replay],
    return_dto=None,
    status_code=200,
    operation_id="replay_webhooks",
    responses=TROUBLES,
)
async def replay_all(request: Http, data: JSONBody[commands.Replay | None] = None) -> ReplayedAll:
    """Envía otra vez, a todos los destinos activados, lo que no les llegó. Sin cuerpo, todo."""
    language = language_of(request)

    def shape(found: tuple[dict[str, int], list[str]]) -> ReplayedAll:
        counts, disabled = found
        each, total = [ReplayedOne(webhook_id=key, replayed=count) for key, count in counts.items()], sum(counts.values())
        return ReplayedAll(success=True, replayed=total, webhooks=each, disabled=disabled, message=_on_its_way(language, total))

    return await Write(request, shape).run(webhooks.replay_all, data or commands.Replay())


@post(
    "/webhooks/{webhook_id:str}/replay",
    dto=Checked[commands.Replay],
    return_dto=None,
    status_code=200,
    operation_id="replay_webhook",
    responses=TROUBLES,
)
async def replay(request: Http, webhook_id: FromPath[str], data: JSONBody[commands.Replay | None] = None) -> Replayed:
    """Envía otra vez lo que no llegó: un evento, los de un tipo, o lo que pasó en un intervalo. Sin cuerpo, todo."""
    language = language_of(request)

    def shape(count: int) -> Replayed:
        return Replayed(success=True, webhook_id=webhook_id, replayed=count, message=_on_its_way(language, count))

    return await Write(request, shape).run(webhooks.replay, webhook_id, data or commands.Replay())


def _on_its_way(language: str, count: int) -> str:
    nothing = "No había nada que enviar otra vez. Con delivered, también lo que ya llegó."
    return text(language, "En camino otra vez.") if count else text(language, nothing)


@post("/webhooks/{webhook_id:str}/test", status_code=200, operation_id="test_webhook", responses=TROUBLES)
async def test(request: Http, webhook_id: FromPath[str]) -> Tested:
    """Envía un evento de prueba por la misma vía que los reales, y espera al primer intento."""
    event_id = await Write(request, str).run(webhooks.test, webhook_id)
    results = await first_results(parts_of(request), event_id, [webhook_id])
    success = bool(results) and all(result.success for result in results)
    return Tested(success=success, webhook_id=webhook_id, event_id=event_id, results=results)


HANDLERS = [stats, attempts, replay_all, replay, test]
