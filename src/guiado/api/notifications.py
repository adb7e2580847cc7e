"""Notifications: store, list, send again; and who is told of what."""

from __future__ import annotations

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.cursor import read_cursor, write_cursor
from guiado.api.rows import NotificationRow
from guiado.api.schemas import (
    Done,
    NotificationList,
    NotificationOut,
    NotificationsRetried,
    RecipientBody,
    RecipientList,
    RecipientOut,
)
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.outbound import notifications, recipients
from guiado.app.validation import check
from guiado.delivery.channels import setup_problem
from guiado.http.request import Checked, Http, answer, language_of, numbers, read, runtime_of
from guiado.i18n import text, translate


@post(
    "/notifications",
    dto=Checked[commands.Notification],
    return_dto=None,
    status_code=200,
    operation_id="notify",
    responses=TROUBLES,
)
async def create(request: Http, data: JSONBody[commands.Notification]) -> NotificationOut:
    """Guarda una notificación y la envía enseguida; `GET /notifications` muestra su estado."""

    async def run(work: UnitOfWork) -> NotificationOut:
        stored, is_repeated = await notifications.store(work, data)
        said = _explain(request, data, is_repeated=is_repeated)
        return NotificationOut(success=True, notification=NotificationRow(**stored), message=said)

    return await answer(request, run)


def _explain(request: Http, data: commands.Notification, *, is_repeated: bool) -> str:
    """What becomes of a notification that was stored just now."""
    language = language_of(request)
    if is_repeated:
        return text(language, "Ya se guardó la misma hace un momento: no se envía dos veces.")
    problem = setup_problem(data.channel, runtime_of(request).settings)
    if problem is None:
        return text(language, "Notificación guardada y en camino.")
    why = translate(problem, language)
    return text(language, "Notificación guardada, pero espera y todavía no puede salir. {why}", why=why)


@get("/notifications", operation_id="list_notifications", responses=TROUBLES)
async def list_notifications(
    request: Http,
    limit: FromQuery[str] = "100",
    cursor: FromQuery[str | None] = None,
    session_id: FromQuery[str | None] = None,
    status: FromQuery[str | None] = None,
    channel: FromQuery[str | None] = None,
) -> NotificationList:
    """Notificaciones, de la más nueva a la más antigua; `status`: pending, sent, failed o cancelled."""
    given = {**numbers({"limit": limit}, "limit"), "status": status or None, "channel": channel or None}
    wanted = check(commands.NotificationPage, given)
    before = read_cursor("notifications", cursor)

    async def run(work: UnitOfWork) -> NotificationList:
        found, has_more = await notifications.page(work, wanted, before, session_id or None)
        shown = [NotificationRow(**one) for one in found]
        following = write_cursor("notifications", shown[-1].created_at, shown[-1].id) if has_more else None
        return NotificationList(success=True, notifications=shown, next_cursor=following)

    return await read(request, run)


@post(
    "/notifications/retry",
    dto=Checked[commands.RetryNotifications],
    return_dto=None,
    status_code=200,
    operation_id="retry_notifications",
    responses=TROUBLES,
)
async def retry_all(request: Http, data: JSONBody[commands.RetryNotifications | None] = None) -> NotificationsRetried:
    """Envía otra vez todo lo que se dio por perdido o espera otro intento; se puede limitar a un canal, un estado o una fecha."""
    language, wanted = language_of(request), data or commands.RetryNotifications()

    async def run(work: UnitOfWork) -> NotificationsRetried:
        count = await notifications.retry(work, wanted)
        said = text(language, "En camino otra vez: {count}." if count else "No hay nada que enviar otra vez.", count=count)
        return NotificationsRetried(success=True, retried=count, message=said)

    return await answer(request, run)


@post("/notifications/{notification_id:str}/retry", status_code=200, operation_id="retry_notification", responses=TROUBLES)
async def retry(request: Http, notification_id: FromPath[str]) -> Done:
    """Envía otra vez una notificación que se dio por perdida, o ahora mismo una que espera otro intento."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> Done:
        await notifications.again(work, notification_id)
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
    """Guarda a quién se avisa, de qué eventos y cómo: idioma, horas de silencio, resumen."""

    async def run(work: UnitOfWork) -> RecipientOut:
        stored = await recipients.put(work, data)
        return RecipientOut(success=True, recipient=RecipientBody(**recipients.view(stored)))

    told = msgspec.convert(await answer(request, run), RecipientOut)
    # The connection is given back by now: a name is looked up.
    warning = await recipients.warning(runtime_of(request).client, data)
    told.warning = translate(warning, language_of(request)) if warning else None
    return told


@get("/recipients", operation_id="list_recipients", responses=TROUBLES)
async def list_recipients(request: Http) -> RecipientList:
    """A quién se avisa, de qué y cómo."""

    async def run(work: UnitOfWork) -> RecipientList:
        found = [RecipientBody(**recipients.view(one)) for one in await recipients.every(work)]
        return RecipientList(success=True, recipients=found, total=len(found))

    return await read(request, run)


@delete("/recipients/{channel:str}", status_code=200, operation_id="delete_recipient", responses=TROUBLES)
async def remove_recipient(request: Http, channel: FromPath[str], recipient: FromQuery[str]) -> Done:
    """Deja de avisar a alguien; lo que ya está en camino se envía."""
    language = language_of(request)

    async def run(work: UnitOfWork) -> Done:
        await recipients.remove(work, channel, recipient)
        return Done(success=True, message=text(language, "Destinatario eliminado."))

    return await answer(request, run)


HANDLERS = [create, list_notifications, retry_all, retry, set_recipient, list_recipients, remove_recipient]
