"""Notifications: store, list, send again; and who is told of what."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.errors import TROUBLES
from guiado.api.request import Checked, Http, answer, language_of, read
from guiado.api.rows import shown
from guiado.api.schemas import Done, NotificationList, NotificationOut, RecipientBody, RecipientList, RecipientOut
from guiado.app import commands, notifications, recipients
from guiado.app.parts import Parts
from guiado.i18n import text
from guiado.store.database import Connection


@post(
    "/notifications",
    dto=Checked[commands.Notification],
    return_dto=None,
    status_code=200,
    operation_id="notify",
    responses=TROUBLES,
)
async def create(request: Http, data: JSONBody[commands.Notification]) -> NotificationOut:
    """Guarda una notificación y la envía enseguida; `GET /notifications` cuenta qué fue de ella."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> NotificationOut:
        stored, is_repeated = await notifications.store(parts, connection, data)
        said = (
            text(language, "Ya se guardó la misma hace un momento: no se envía dos veces.")
            if is_repeated
            else text(language, "Notificación guardada y en camino.")
        )
        return NotificationOut(success=True, notification=shown(stored), message=said)

    return await answer(request, run)


@get("/notifications", operation_id="list_notifications", responses=TROUBLES)
async def list_notifications(
    request: Http, session_id: FromQuery[str | None] = None, status: FromQuery[str | None] = None
) -> NotificationList:
    """Las últimas notificaciones, de una sesión o de todas; `status`: pending, sent, failed o cancelled."""

    async def run(parts: Parts, connection: Connection) -> NotificationList:
        found = await notifications.every(parts, connection, session_id, status)
        return NotificationList(success=True, notifications=shown(found))

    return await read(request, run)


@post("/notifications/{notification_id:str}/retry", status_code=200, operation_id="retry_notification", responses=TROUBLES)
async def retry(request: Http, notification_id: FromPath[str]) -> Done:
    """Envía otra vez una notificación que se dio por perdida."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> Done:
        await notifications.again(parts, connection, notification_id)
        return Done(success=True, message=text(language, "En camino otra vez."))

    return await answer(request, run)


@post(
    "/recipients",
    dto=Checked[commands.Recipient],
    return_dto=None,
    status_code=200,
    operation_id="set_recipient",
    responses=TROUBLES,
)
async def set_recipient(request: Http, data: JSONBody[commands.Recipient]) -> RecipientOut:
    """Guarda a quién se avisa, de qué eventos y cómo lo quiere: idioma, horas de silencio, resumen."""

    async def run(parts: Parts, connection: Connection) -> RecipientOut:
        stored = await recipients.put(parts, connection, data)
        return RecipientOut(success=True, recipient=RecipientBody(**recipients.view(stored)))

    return await answer(request, run)


@get("/recipients", operation_id="list_recipients", responses=TROUBLES)
async def list_recipients(request: Http) -> RecipientList:
    """A quién se avisa, y cómo lo quiere."""

    async def run(parts: Parts, connection: Connection) -> RecipientList:
        found = [RecipientBody(**recipients.view(one)) for one in await recipients.every(parts, connection)]
        return RecipientList(success=True, recipients=found, total=len(found))

    return await read(request, run)


@delete("/recipients/{channel:str}", status_code=200, operation_id="delete_recipient", responses=TROUBLES)
async def remove_recipient(request: Http, channel: FromPath[str], recipient: FromQuery[str]) -> Done:
    """Deja de avisar a alguien; lo que ya estaba en camino sale."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> Done:
        await recipients.remove(parts, connection, channel, recipient)
        return Done(success=True, message=text(language, "Destinatario eliminado."))

    return await answer(request, run)


HANDLERS = [create, list_notifications, retry, set_recipient, list_recipients, remove_recipient]
