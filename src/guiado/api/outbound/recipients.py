"""Recipients of notifications: set, list, remove."""

from __future__ import annotations

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.outbound.models import Done, RecipientList, RecipientOut
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.outbound import recipients
from guiado.domain.recipient import RecipientPreferences
from guiado.http.request import Checked, Http, Write, language_of, run_read, runtime_of
from guiado.i18n import text, translate


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
    told = msgspec.convert(await Write(request, _stored).run(recipients.put, data), RecipientOut)
    # The connection is given back by now: a name is looked up.
    warning = await recipients.warning(runtime_of(request).client, data)
    told.warning = translate(warning, language_of(request)) if warning else None
    return told


def _stored(recipient: RecipientPreferences) -> RecipientOut:
    return RecipientOut(success=True, recipient=recipients.view(recipient))


@get("/recipients", operation_id="list_recipients", responses=TROUBLES)
async def list_recipients(request: Http) -> RecipientList:
    """A quién se avisa, de qué y cómo."""
    found = [recipients.view(one) for one in await run_read(request, recipients.every)]
    return RecipientList(success=True, recipients=found, total=len(found))


@delete("/recipients/{channel:str}", status_code=200, operation_id="delete_recipient", responses=TROUBLES)
async def remove_recipient(request: Http, channel: FromPath[str], recipient: FromQuery[str]) -> Done:
    """Deja de avisar a alguien; lo que ya está en camino se envía."""
    done = Done(success=True, message=text(language_of(request), "Destinatario eliminado."))
    return await Write(request, lambda _: done).run(recipients.remove, channel, recipient)


HANDLERS = [set_recipient, list_recipients, remove_recipient]
