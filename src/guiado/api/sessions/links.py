"""Customer links to a session: make, list, revoke.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath

from guiado.api.troubles import TROUBLES
from guiado.app.access import customer_links
from guiado.app.access.models import CustomerLinkBody
from guiado.app.models import Model
from guiado.http.request import Http, Write, base_of, language_of, run_read, runtime_of
from guiado.i18n import text


class LinkOut(Model):
    """Answer with one customer link."""

    success: bool
    link: CustomerLinkBody
    message: str


class LinkList(Model):
    """Answer with all customer links of a session."""

    success: bool
    links: list[CustomerLinkBody]
    total: int


def _without_token(told: LinkOut) -> LinkOut:
    """Remove the address from the answer that is stored: a repeated request does not show it again."""
    return msgspec.structs.replace(told, link=msgspec.structs.replace(told.link, url=None, token=None))


@post("/{session_id:str}/links", status_code=200, operation_id="create_link", responses=TROUBLES)
async def create(request: Http, session_id: FromPath[str]) -> LinkOut:
    """Crea un enlace con el que el cliente entra en esta sesión, y en ninguna otra. Se muestra esta única vez."""
    message = text(language_of(request), "Enlace creado. Envíaselo al cliente: no se volverá a mostrar.")

    def shape(made: CustomerLinkBody) -> LinkOut:
        return LinkOut(success=True, link=made, message=message)

    days = runtime_of(request).settings.link_days
    return await Write(request, shape, keep=_without_token).run(customer_links.create, session_id, base_of(request).url, days)


@get("/{session_id:str}/links", operation_id="list_links", responses=TROUBLES)
async def list_links(request: Http, session_id: FromPath[str]) -> LinkList:
    """Los enlaces de una sesión, sin su parte secreta."""
    found = await run_read(request, customer_links.every, session_id)
    return LinkList(success=True, links=found, total=len(found))


@delete("/{session_id:str}/links/{link_id:str}", status_code=200, operation_id="revoke_link", responses=TROUBLES)
async def revoke(request: Http, session_id: FromPath[str], link_id: FromPath[str]) -> LinkOut:
    """Revoca un enlace: en un segundo deja de abrir la sesión."""
    message = text(language_of(request), "Enlace revocado.")

    def shape(ended: CustomerLinkBody) -> LinkOut:
        return LinkOut(success=True, link=ended, message=message)

    return await Write(request, shape).run(customer_links.revoke, session_id, link_id)


HANDLERS = [create, list_links, revoke]
