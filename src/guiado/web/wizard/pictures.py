"""Pictures on the customer's pages: one is added to the session, and shown again."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.params import FromPath

from guiado.app.access.customer_links import PATH
from guiado.app.sessions import attachments, pictures
from guiado.errors import AttachmentsFull, AttachmentsOff, InvalidInput, Message, NotFound, TooManyAttachments
from guiado.http.request import Http, Refused, runtime_of
from guiado.http.uploads import FORM_BYTES, read_upload, require_upload, upload_slot
from guiado.web.wizard.door import CaseDoor, Page, door_of, scope_at, see, unknown

PLACE = "imagen"
"""Last part of the address that a picture is sent to."""
TROUBLE_FIELD = "imagen"
_TOO_LARGE = 413
TROUBLES: Mapping[str, Message] = {
    "tipo": Message("Ese archivo no es una imagen que podamos leer. Elige una captura en PNG o JPG."),
    "grande": Message("La imagen es demasiado grande. Elige una de menos de 10 MB."),
    "muchas": Message("Ya hay cinco imágenes, y no caben más. Cuéntalo con palabras."),
    "luego": Message("No pudimos guardar la imagen. Espera un momento y vuelve a intentarlo."),
}
"""Name of a trouble with a picture -> what it says."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
}


@post(
    PATH + "/{token:str}/" + PLACE,
    include_in_schema=False,
    status_code=200,
    request_max_body_size=pictures.MAX_UPLOAD_BYTES + FORM_BYTES,
)
async def add_picture(request: Http, token: FromPath[str]) -> Page:
    """Add a picture to the session, and lead to where it stands."""
    door = await door_of(request, token)
    if door is None:
        return unknown(request)
    try:
        trouble = await _add(request, door)
    except NotFound:
        return unknown(request)
    address = door.to("caso")
    return see(request, f"{address}{'&' if '?' in address else '?'}{TROUBLE_FIELD}={trouble or 'si'}")


async def _add(request: Http, door: CaseDoor) -> str | None:
    """Store the picture of a request; the name of the trouble with it, or None."""
    scope, parts = scope_at(request, door), runtime_of(request).parts
    session_id = scope.session_id or ""
    try:
        require_upload(request)
        await parts.run_read(scope, attachments.require_room, session_id)
        with upload_slot(session_id):
            picture = await pictures.prepare(await read_upload(request, pictures.MAX_UPLOAD_BYTES))
        await parts.run_write(scope, attachments.add, session_id, picture)
    except (TooManyAttachments, AttachmentsFull, AttachmentsOff):
        return "muchas"
    except InvalidInput as error:
        return "grande" if any(each.code == "too_many_pixels" for each in error.problems) else "tipo"
    except Refused as error:
        return "grande" if error.status_code == _TOO_LARGE else "luego"
    return None


@get(PATH + "/{token:str}/" + PLACE + "/{picture_id:str}", include_in_schema=False)
async def show_picture(request: Http, token: FromPath[str], picture_id: FromPath[str]) -> Response[bytes]:
    """A picture of the session."""
    door = await door_of(request, token)
    if door is None:
        return unknown(request)
    scope = scope_at(request, door)
    try:
        about, content = await runtime_of(request).parts.run_read(scope, attachments.read_one, scope.session_id, picture_id)
    except NotFound:
        return unknown(request)
    named = {"Content-Disposition": f'inline; filename="{attachments.file_name(about)}"'}
    return Response(content, media_type=about.media_type, headers={**_HEADERS, **named})


HANDLERS = [add_picture, show_picture]
