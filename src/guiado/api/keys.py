"""API keys: create, list, rotate, revoke.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.access import keys
from guiado.app.access.models import KeyBody
from guiado.app.models import Model
from guiado.http.request import Checked, Http, Write, language_of, run_read
from guiado.i18n import text


class KeyOut(Model):
    """Answer with one key."""

    success: bool
    key: KeyBody
    message: str


class KeyList(Model):
    """Answer with all keys."""

    success: bool
    keys: list[KeyBody]
    total: int


def _without_secret(told: KeyOut) -> KeyOut:
    """Remove the secret from the answer that is stored: a repeated request does not show it again."""
    return msgspec.structs.replace(told, key=msgspec.structs.replace(told.key, key=None))


@post("/keys", dto=Checked[commands.CreateKey], return_dto=None, status_code=200, operation_id="create_key", responses=TROUBLES)
async def create(request: Http, data: JSONBody[commands.CreateKey]) -> KeyOut:
    """Crea una clave de API y la muestra esta única vez. La primera cierra la API: desde entonces pide una clave de API."""
    message = text(language_of(request), "Clave de API creada. Guárdala: no se volverá a mostrar.")

    def shape(made: KeyBody) -> KeyOut:
        return KeyOut(success=True, key=made, message=message)

    return await Write(request, shape, keep=_without_secret).run(keys.create, data)


@get("/keys", operation_id="list_keys", responses=TROUBLES)
async def list_keys(request: Http) -> KeyList:
    """Todas las claves de API, sin sus secretos: las vivas, las caducadas y las revocadas."""
    found = await run_read(request, keys.every)
    return KeyList(success=True, keys=found, total=len(found))


@post(
    "/keys/{key_id:str}/rotate",
    dto=Checked[commands.RotateKey],
    return_dto=None,
    status_code=200,
    operation_id="rotate_key",
    responses=TROUBLES,
)
async def rotate(request: Http, key_id: FromPath[str], data: JSONBody[commands.RotateKey | None] = None) -> KeyOut:
    """Cambia el secreto de una clave de API y muestra el nuevo esta única vez; durante unas horas sirve también el anterior."""
    message = text(language_of(request), "Secreto cambiado. Guárdalo: no se volverá a mostrar.")

    def shape(changed: KeyBody) -> KeyOut:
        return KeyOut(success=True, key=changed, message=message)

    return await Write(request, shape, keep=_without_secret).run(keys.rotate, key_id, data or commands.RotateKey())


@delete("/keys/{key_id:str}", status_code=200, operation_id="revoke_key", responses=TROUBLES)
async def revoke(request: Http, key_id: FromPath[str]) -> KeyOut:
    """Revoca una clave de API: en un segundo ningún proceso la acepta."""
    message = text(language_of(request), "Clave de API revocada.")

    def shape(ended: KeyBody) -> KeyOut:
        return KeyOut(success=True, key=ended, message=message)

    return await Write(request, shape).run(keys.revoke, key_id)


HANDLERS = [create, list_keys, rotate, revoke]
