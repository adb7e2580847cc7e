"""Webhooks: register, change, list, remove, and their secrets."""

from __future__ import annotations

import json

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from guiado.api.outbound.models import Done, WebhookBody, WebhookFound, WebhookList, WebhookOut
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.outbound import webhooks
from guiado.app.outbound.endpoint_fields import problems
from guiado.errors import InvalidInput
from guiado.http.request import C, Checked, Http, Write, language_of, run_read, runtime_of
from guiado.i18n import text, translate
from guiado.store.webhooks import Endpoint
from guiado.text.json_shapes import is_object


class CheckedEndpoint(Checked[C]):
    """Decoder of an endpoint's body; it reports faults of address, headers and secret with those of all other fields."""

    def decode_bytes(self, value: bytes) -> C:
        """Decode the body into the command."""
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
    """Return the members of a body; none where it is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if is_object(found) else {}


def _without_secret(told: WebhookOut) -> WebhookOut:
    """Remove the secret from the answer that is stored: a repeated request does not show it again."""
    return msgspec.structs.replace(told, webhook=msgspec.structs.replace(told.webhook, secret=None))


def _told(endpoint: Endpoint, message: str, *, show_secret: bool) -> WebhookOut:
    body = webhooks.view(endpoint, show_secret=show_secret)
    return WebhookOut(success=True, webhook_id=endpoint.webhook_id, webhook=body, message=message)


async def _with_warning(request: Http, told: WebhookOut, *, secret_given: bool) -> WebhookOut:
    """Add the endpoint's warnings to an answer; no database connection is held while its host name is looked up."""
    done = msgspec.convert(told, WebhookOut)  # of a request that came twice the answer is what was stored
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

    def shape(endpoint: Endpoint) -> WebhookOut:
        shown = webhooks.shows_secret(data, endpoint)
        new, known = (
            "Webhook registrado. Guarda el secreto: no se volverá a mostrar.",
            "Webhook actualizado. Conserva su secreto.",
        )
        return _told(endpoint, text(language, new if shown else known), show_secret=shown)

    told = await Write(request, shape, keep=_without_secret).run(webhooks.register, data, make_secret=True)
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
    is_given, message = data.secret is not None, text(language_of(request), "Webhook actualizado.")

    def shape(endpoint: Endpoint) -> WebhookOut:
        return _told(endpoint, message, show_secret=is_given)

    told = await Write(request, shape, keep=_without_secret).run(webhooks.edit, webhook_id, data)
    return await _with_warning(request, told, secret_given=is_given)


@get("/webhooks", operation_id="list_webhooks", responses=TROUBLES)
async def list_webhooks(request: Http) -> WebhookList:
    """Todos los destinos, sin sus secretos ni los valores de sus cabeceras."""
    found = [webhooks.view(endpoint) for endpoint in await run_read(request, webhooks.every)]
    return WebhookList(success=True, webhooks=found, total=len(found))


@get("/webhooks/{webhook_id:str}", operation_id="get_webhook", responses=TROUBLES)
async def show(request: Http, webhook_id: FromPath[str]) -> WebhookFound:
    """Un destino, sin su secreto ni los valores de sus cabeceras."""
    body: WebhookBody = webhooks.view(await run_read(request, webhooks.find, webhook_id))
    return WebhookFound(success=True, webhook_id=body.webhook_id, webhook=body)


@delete("/webhooks/{webhook_id:str}", status_code=200, operation_id="delete_webhook", responses=TROUBLES)
async def remove(request: Http, webhook_id: FromPath[str]) -> Done:
    """Quita un destino; lo que faltaba por enviarle se cancela."""
    done = Done(success=True, message=text(language_of(request), "Webhook eliminado."))
    return await Write(request, lambda _: done).run(webhooks.remove, webhook_id)


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
    message = text(language_of(request), "Secreto cambiado. Guárdalo: no se volverá a mostrar.")

    def shape(endpoint: Endpoint) -> WebhookOut:
        return _told(endpoint, message, show_secret=True)

    told = await Write(request, shape, keep=_without_secret).run(webhooks.rotate, webhook_id, data or commands.Rotate())
    return await _with_warning(request, told, secret_given=data is not None and data.secret is not None)


HANDLERS = [register, list_webhooks, show, change, remove, rotate]
