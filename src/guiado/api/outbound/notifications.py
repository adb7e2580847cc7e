"""Notifications: store, list, send again."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.cursor import read_cursor, write_cursor
from guiado.api.outbound.models import Done, NotificationList, NotificationOut, NotificationsRetried
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.outbound import notifications
from guiado.app.outbound.models import NotificationRow
from guiado.app.validation import check
from guiado.delivery.channels import setup_problem
from guiado.http.request import Checked, Http, Write, language_of, numbers, run_read, runtime_of
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

    def shape(stored: tuple[NotificationRow, bool]) -> NotificationOut:
        said = _explain(request, data, is_repeated=stored[1])
        return NotificationOut(success=True, notification=stored[0], message=said)

    return await Write(request, shape).run(notifications.store, data)


def _explain(request: Http, data: commands.Notification, *, is_repeated: bool) -> str:
    """Message on a notification that was stored just now: on its way, waiting, or stored before."""
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
    wanted, before = check(commands.NotificationPage, given), read_cursor("notifications", cursor)
    shown, has_more = await run_read(request, notifications.page, wanted, before, session_id or None)
    following = write_cursor("notifications", shown[-1].created_at, shown[-1].id) if has_more else None
    return NotificationList(success=True, notifications=shown, next_cursor=following)


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
    language = language_of(request)

    def shape(count: int) -> NotificationsRetried:
        said = text(language, "En camino otra vez: {count}." if count else "No hay nada que enviar otra vez.", count=count)
        return NotificationsRetried(success=True, retried=count, message=said)

    return await Write(request, shape).run(notifications.retry, data or commands.RetryNotifications())


@post("/notifications/{notification_id:str}/retry", status_code=200, operation_id="retry_notification", responses=TROUBLES)
async def retry(request: Http, notification_id: FromPath[str]) -> Done:
    """Envía otra vez una notificación que se dio por perdida, o ahora mismo una que espera otro intento."""
    done = Done(success=True, message=text(language_of(request), "En camino otra vez."))
    return await Write(request, lambda _: done).run(notifications.again, notification_id)


HANDLERS = [create, list_notifications, retry_all, retry]
