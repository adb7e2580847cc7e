"""Webhooks: register, change, list, remove, and what became of the deliveries."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.cursor import read_cursor, write_cursor
from guiado.api.rows import DeliveryAttempt, StatsRow, TestResult
from guiado.api.schemas import (
    Done,
    Replayed,
    ReplayedAll,
    ReplayedOne,
    Tested,
    WebhookAttempts,
    WebhookBody,
    WebhookFound,
    WebhookList,
    WebhookOut,
    WebhookStats,
)
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.outbound import webhooks
from guiado.app.outbound.endpoint_fields import problems
from guiado.app.outbound.first_attempts import first_results
from guiado.app.validation import check
from guiado.errors import InvalidInput
from guiado.http.request import C, Checked, Http, answer, language_of, numbers, read, runtime_of
from guiado.i18n import text, translate
from guiado.store.registry import Endpoint


class CheckedEndpoint(Checked[C]):
    """Names what is wrong with address, headers and secret beside what is wrong with all other fields."""

    def decode_bytes(self, value: bytes) -> C:
        """The command."""
        try:
            found = super().decode_bytes(value)
        except InvalidInput as error:
            named = {problem.field for problem in error.problems}
            more = [problem for problem in problems(_members(value)) if problem.field not in named]
            raise InvalidInput([*error.problems, *more]) from None
        if faults := problems(msgspec.structs.asdict(found)):
            raise InvalidInput(faults)
        return found


def _members(body: bytes) -> dict[str, object]:
    """The members of a body that may be anything."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _without_secret(body: dict[str, Any]) -> dict[str, Any]:
    """A secret is shown once: neither is it stored with the answer, nor told to whoever repeats the request."""
    return {**body, "webhook": {**body["webhook"], "secret": None}}


def _told(endpoint: Endpoint, message: str, *, show_secret: bool) -> WebhookOut:
    body = WebhookBody(**webhooks.view(endpoint, show_secret=show_secret))
    return WebhookOut(success=True, webhook_id=endpoint.webhook_id, webhook=body, message=message)


async def _with_warning(request: Http, told: WebhookOut | dict[str, Any], *, secret_given: bool) -> WebhookOut:
    """The answer with what keeps the endpoint from working; the connection is given back, since a name is looked up."""
    done = msgspec.convert(told, WebhookOut)
    body = done.webhook
    found = await webhooks.warnings(
        runtime_of(request).client,
        body.webhook_id,
        body.url,
        is_enabled=body.enabled,
        secret=body.secret if secret_given else None,
    )
    done.warning = " ".join(translate(message, language_of(request)) for message in found) or None
    return done


@post(
    "/webhooks",
    dto=CheckedEndpoint[commands.Webhook],
    return_dto=None,
    status_code=200,
    operation_id="register_webhook",
    responses=TROUBLES,
)
async def register(request: Http, data: JSONBody[commands.Webhook]) -> WebhookOut:
    """Registra un destino y muestra su secreto esta única vez; uno que ya existe cambia en lo que envíes y conserva lo demás."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> WebhookOut:
        endpoint = await webhooks.register(work, data, make_secret=True)
        shown = webhooks.shows_secret(data, endpoint)
        message = (
            text(language, "Webhook registrado. Guarda el secreto: no se volverá a mostrar.")
            if shown
            else text(language, "Webhook actualizado. Conserva su secreto.")
        )
        return _told(endpoint, message, show_secret=shown)

    told = await answer(request, run, _without_secret)
    return await _with_warning(request, told, secret_given=data.secret is not None)


@patch(
    "/webhooks/{webhook_id:str}",
    dto=CheckedEndpoint[commands.WebhookChange],
    return_dto=None,
    status_code=200,
    operation_id="change_webhook",
    responses=TROUBLES,
)
async def change(request: Http, webhook_id: FromPath[str], data: JSONBody[commands.WebhookChange]) -> WebhookOut:
    """Cambia lo que envíes de un destino y conserva lo demás; con un secreto nuevo, el anterior sigue firmando unas horas."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> WebhookOut:
        endpoint = await webhooks.edit(work, webhook_id, data)
        return _told(endpoint, text(language, "Webhook actualizado."), show_secret=data.secret is not None)

    told = await answer(request, run, _without_secret)
    return await _with_warning(request, told, secret_given=data.secret is not None)


@get("/webhooks", operation_id="list_webhooks", responses=TROUBLES)
async def list_webhooks(request: Http) -> WebhookList:
    """Todos los destinos, sin sus secretos ni los valores de sus cabeceras."""

    async def run(work: UnitOfWork) -> WebhookList:
        found = [WebhookBody(**webhooks.view(endpoint)) for endpoint in await webhooks.every(work)]
        return WebhookList(success=True, webhooks=found, total=len(found))

    return await read(request, run)


@get("/webhooks/{webhook_id:str}", operation_id="get_webhook", responses=TROUBLES)
async def show(request: Http, webhook_id: FromPath[str]) -> WebhookFound:
    """Un destino, sin su secreto ni los valores de sus cabeceras."""

    async def run(work: UnitOfWork) -> WebhookFound:
        body = WebhookBody(**webhooks.view(await webhooks.find(work, webhook_id)))
        return WebhookFound(success=True, webhook_id=body.webhook_id, webhook=body)

    return await read(request, run)


@delete("/webhooks/{webhook_id:str}", status_code=200, operation_id="delete_webhook", responses=TROUBLES)
async def remove(request: Http, webhook_id: FromPath[str]) -> Done:
    """Quita un destino; lo que faltaba por enviarle se cancela."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> Done:
        await webhooks.remove(work, webhook_id)
        return Done(success=True, message=text(language, "Webhook eliminado."))

    return await answer(request, run)


@get("/webhooks/{webhook_id:str}/stats", operation_id="webhook_stats", responses=TROUBLES)
async def stats(request: Http, webhook_id: FromPath[str]) -> WebhookStats:
    """Estado de los envíos a un destino."""

    async def run(work: UnitOfWork) -> WebhookStats:
        found = await webhooks.stats(work, webhook_id)
        return WebhookStats(success=True, webhook_id=webhook_id, stats=StatsRow(**found))

    return await read(request, run)


@get("/webhooks/{webhook_id:str}/attempts", operation_id="webhook_attempts", responses=TROUBLES)
async def attempts(
    request: Http, webhook_id: FromPath[str], limit: FromQuery[str] = "50", cursor: FromQuery[str | None] = None
) -> WebhookAttempts:
    """Los intentos de envío a un destino, del más nuevo al más viejo, por páginas."""
    page = check(commands.Page, numbers({"limit": limit}, "limit"))
    before = read_cursor("attempts", cursor)

    async def run(work: UnitOfWork) -> WebhookAttempts:
        found = await webhooks.attempts(work, webhook_id, page.limit + 1, before)
        shown = [DeliveryAttempt(**row) for row in found[: page.limit]]
        has_more = len(found) > page.limit
        further = write_cursor("attempts", shown[-1].sent_at, shown[-1].id) if has_more else None
        return WebhookAttempts(success=True, webhook_id=webhook_id, attempts=shown, total=len(shown), next_cursor=further)

    return await read(request, run)


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

    async def run(work: UnitOfWork) -> ReplayedAll:
        counts, disabled = await webhooks.replay_all(work, data or commands.Replay())
        each = [ReplayedOne(webhook_id=webhook_id, replayed=count) for webhook_id, count in counts.items()]
        total = sum(counts.values())
        return ReplayedAll(success=True, replayed=total, webhooks=each, disabled=disabled, message=_on_its_way(language, total))

    return await answer(request, run)


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

    async def run(work: UnitOfWork) -> Replayed:
        count = await webhooks.replay(work, webhook_id, data or commands.Replay())
        return Replayed(success=True, webhook_id=webhook_id, replayed=count, message=_on_its_way(language, count))

    return await answer(request, run)


def _on_its_way(language: str, count: int) -> str:
    nothing = "No había nada que enviar otra vez. Con delivered, también lo que ya llegó."
    return text(language, "En camino otra vez.") if count else text(language, nothing)


@post("/webhooks/{webhook_id:str}/test", status_code=200, operation_id="test_webhook", responses=TROUBLES)
async def test(request: Http, webhook_id: FromPath[str]) -> Tested:
    """Envía un evento de prueba por la misma vía que los reales, y espera al primer intento."""

    async def run(work: UnitOfWork) -> str:
        return await webhooks.test(work, webhook_id)

    event_id = await answer(request, run)
    results = [TestResult(**one) for one in await first_results(runtime_of(request).parts, event_id, [webhook_id])]
    success = bool(results) and all(result.success for result in results)
    return Tested(success=success, webhook_id=webhook_id, event_id=event_id, results=results)


@post(
    "/webhooks/{webhook_id:str}/secret",
    dto=CheckedEndpoint[commands.Rotate],
    return_dto=None,
    status_code=200,
    operation_id="rotate_webhook_secret",
    responses=TROUBLES,
)
async def rotate(request: Http, webhook_id: FromPath[str], data: JSONBody[commands.Rotate | None] = None) -> WebhookOut:
    """Cambia el secreto; durante unas horas firma también el anterior. El nuevo se muestra solo esta vez."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> WebhookOut:
        endpoint = await webhooks.rotate(work, webhook_id, data or commands.Rotate())
        return _told(endpoint, text(language, "Secreto cambiado. Guárdalo: no se volverá a mostrar."), show_secret=True)

    told = await answer(request, run, _without_secret)
    return await _with_warning(request, told, secret_given=data is not None and data.secret is not None)


HANDLERS = [register, list_webhooks, show, change, remove, stats, attempts, replay_all, replay, test, rotate]
