"""Webhooks: register, list, remove, and what became of the deliveries."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.errors import TROUBLES
from guiado.api.request import Checked, Http, answer, language_of, numbers, read, runtime_of
from guiado.api.rows import shown
from guiado.api.schemas import Done, Replayed, Tested, WebhookAttempts, WebhookBody, WebhookList, WebhookOut, WebhookStats
from guiado.app import commands, webhooks
from guiado.app.fields import check
from guiado.app.parts import Parts
from guiado.i18n import text
from guiado.store.database import Connection


@post(
    "/webhooks",
    dto=Checked[commands.Webhook],
    return_dto=None,
    status_code=200,
    operation_id="register_webhook",
    responses=TROUBLES,
)
async def register(request: Http, data: JSONBody[commands.Webhook]) -> WebhookOut:
    """Registra un destino; el secreto se muestra solo esta vez."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> WebhookOut:
        endpoint = await webhooks.register(parts, connection, data, make_secret=True)
        return WebhookOut(
            success=True,
            webhook_id=endpoint.webhook_id,
            webhook=WebhookBody(**webhooks.view(endpoint, show_secret=True)),
            message=text(language, "Webhook registrado. Guarda el secreto: no se volverá a mostrar."),
        )

    # A secret is shown once: neither is it stored with the answer, nor told to whoever repeats the request.
    return await answer(request, run, lambda body: {**body, "webhook": {**body["webhook"], "secret": None}})


@get("/webhooks", operation_id="list_webhooks", responses=TROUBLES)
async def list_webhooks(request: Http) -> WebhookList:
    """Todos los destinos, sin sus secretos."""

    async def run(parts: Parts, connection: Connection) -> WebhookList:
        found = [WebhookBody(**webhooks.view(endpoint)) for endpoint in await webhooks.every(parts, connection)]
        return WebhookList(success=True, webhooks=found, total=len(found))

    return await read(request, run)


@delete("/webhooks/{webhook_id:str}", status_code=200, operation_id="delete_webhook", responses=TROUBLES)
async def remove(request: Http, webhook_id: FromPath[str]) -> Done:
    """Quita un destino; lo que faltaba por enviarle se cancela."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> Done:
        await webhooks.remove(parts, connection, webhook_id)
        return Done(success=True, message=text(language, "Webhook eliminado."))

    return await answer(request, run)


@get("/webhooks/{webhook_id:str}/stats", operation_id="webhook_stats", responses=TROUBLES)
async def stats(request: Http, webhook_id: FromPath[str]) -> WebhookStats:
    """Qué fue de los envíos a un destino."""

    async def run(parts: Parts, connection: Connection) -> WebhookStats:
        found = await webhooks.stats(parts, connection, webhook_id)
        return WebhookStats(success=True, webhook_id=webhook_id, stats=shown(found))

    return await read(request, run)


@get("/webhooks/{webhook_id:str}/attempts", operation_id="webhook_attempts", responses=TROUBLES)
async def attempts(request: Http, webhook_id: FromPath[str], limit: FromQuery[str] = "50") -> WebhookAttempts:
    """Los últimos intentos de envío a un destino, del más nuevo al más viejo."""
    given = check(commands.Page, numbers({"limit": limit}, "limit"))

    async def run(parts: Parts, connection: Connection) -> WebhookAttempts:
        found = await webhooks.attempts(parts, connection, webhook_id, given.limit)
        return WebhookAttempts(success=True, webhook_id=webhook_id, attempts=shown(found), total=len(found))

    return await read(request, run)


@post(
    "/webhooks/{webhook_id:str}/replay",
    dto=Checked[commands.Replay],
    return_dto=None,
    status_code=200,
    operation_id="replay_webhook",
    responses=TROUBLES,
)
async def replay(request: Http, webhook_id: FromPath[str], data: JSONBody[commands.Replay]) -> Replayed:
    """Envía otra vez lo que no llegó: un evento, o lo que pasó en un intervalo."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> Replayed:
        count = await webhooks.replay(parts, connection, webhook_id, data)
        return Replayed(success=True, webhook_id=webhook_id, replayed=count, message=text(language, "En camino otra vez."))

    return await answer(request, run)


@post("/webhooks/{webhook_id:str}/test", status_code=200, operation_id="test_webhook", responses=TROUBLES)
async def test(request: Http, webhook_id: FromPath[str]) -> Tested:
    """Envía un evento de prueba por el camino de todos, y espera al primer intento."""

    async def run(parts: Parts, connection: Connection) -> str:
        return await webhooks.test(parts, connection, webhook_id)

    event_id = await answer(request, run)
    results = await webhooks.first_results(runtime_of(request).parts, event_id)
    return Tested(
        success=all(result["success"] for result in results), webhook_id=webhook_id, event_id=event_id, results=shown(results)
    )


@post(
    "/webhooks/{webhook_id:str}/secret",
    dto=Checked[commands.Rotate],
    return_dto=None,
    status_code=200,
    operation_id="rotate_webhook_secret",
    responses=TROUBLES,
)
async def rotate(request: Http, webhook_id: FromPath[str], data: JSONBody[commands.Rotate]) -> WebhookOut:
    """Cambia el secreto; durante unas horas firma también el anterior. El nuevo se muestra solo esta vez."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> WebhookOut:
        endpoint = await webhooks.rotate(parts, connection, webhook_id, data)
        return WebhookOut(
            success=True,
            webhook_id=endpoint.webhook_id,
            webhook=WebhookBody(**webhooks.view(endpoint, show_secret=True)),
            message=text(language, "Secreto cambiado. Guárdalo: no se volverá a mostrar."),
        )

    return await answer(request, run, lambda body: {**body, "webhook": {**body["webhook"], "secret": None}})


HANDLERS = [register, list_webhooks, remove, stats, attempts, replay, test, rotate]
