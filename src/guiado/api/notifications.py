"""Notifications: store and list."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery, JSONBody

from guiado.api.errors import TROUBLES
from guiado.api.request import Checked, Http, answer, language_of, read
from guiado.api.schemas import NotificationList, NotificationOut
from guiado.app import commands, notifications
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
    """Guarda una notificación para enviarla."""
    language = language_of(request)

    async def run(parts: Parts, connection: Connection) -> NotificationOut:
        stored = await notifications.store(parts, connection, data)
        said = text(language, "Notificación guardada y pendiente de envío.")
        return NotificationOut(success=True, notification=stored, message=said)

    return await answer(request, run)


@get("/notifications", operation_id="list_notifications", responses=TROUBLES)
async def list_notifications(request: Http, session_id: FromQuery[str | None] = None) -> NotificationList:
    """Las últimas notificaciones, de una sesión o de todas."""

    async def run(parts: Parts, connection: Connection) -> NotificationList:
        return NotificationList(success=True, notifications=await notifications.every(parts, connection, session_id))

    return await read(request, run)


HANDLERS = [create, list_notifications]
