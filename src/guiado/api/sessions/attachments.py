"""Pictures of a session: add, list, read."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath

from guiado.api.sessions.models import AttachedOut, AttachmentList
from guiado.api.troubles import TROUBLES
from guiado.app.sessions import attachments, pictures
from guiado.app.sessions.models import AttachmentOut
from guiado.http.request import Http, Write, language_of, run_read
from guiado.http.uploads import FORM_BYTES, read_upload, require_upload, upload_slot
from guiado.i18n import text

PATH_END = "/attachments"
"""End of the path that takes uploads."""
_PICTURE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
}
"""A picture runs nothing, is shown in no frame, and stays in no cache."""


@post(
    "/{session_id:str}/attachments",
    status_code=200,
    operation_id="attach",
    responses=TROUBLES,
    request_max_body_size=pictures.MAX_UPLOAD_BYTES + FORM_BYTES,
)
async def attach(request: Http, session_id: FromPath[str]) -> AttachedOut:
    """Agrega una imagen a la sesión: sola o en el campo `file` de un formulario. Se guarda hecha de nuevo, sin metadatos."""
    require_upload(request)
    if "idempotency-key" not in request.headers:  # a second request with a key gets its answer whether there is room or not
        await run_read(request, attachments.require_room, session_id)
    with upload_slot(session_id):
        content = await read_upload(request, pictures.MAX_UPLOAD_BYTES)
        picture = await pictures.prepare(content)
    message = text(language_of(request), "Imagen guardada.")

    def shape(added: AttachmentOut) -> AttachedOut:
        return AttachedOut(success=True, attachment=added, message=message)

    return await Write(request, shape, content=content).run(attachments.add, session_id, picture)


@get("/{session_id:str}/attachments", operation_id="list_attachments", responses=TROUBLES)
async def list_attachments(request: Http, session_id: FromPath[str]) -> AttachmentList:
    """Las imágenes de una sesión, de la primera a la última, sin su contenido."""
    found = await run_read(request, attachments.list_of, session_id)
    return AttachmentList(success=True, attachments=found, total=len(found))


@get(
    "/{session_id:str}/attachments/{attachment_id:str}",
    operation_id="read_attachment",
    responses={**TROUBLES, 200: ResponseSpec(bytes, description="La imagen.", generate_examples=False, media_type="image/png")},
)
async def read_attachment(request: Http, session_id: FromPath[str], attachment_id: FromPath[str]) -> Response[bytes]:
    """Una imagen de una sesión."""
    about, content = await run_read(request, attachments.read_one, session_id, attachment_id)
    named = {"Content-Disposition": f'inline; filename="{attachments.file_name(about)}"'}
    return Response(content, media_type=about.media_type, headers={**_PICTURE_HEADERS, **named})


HANDLERS = [attach, list_attachments, read_attachment]
