"""Customer links: making, listing, opening and revoking them; the scope of whoever comes with one.

Source: contract.md §6, rule 11; ADR 0035.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from guiado import clock
from guiado.app.access import key_format
from guiado.app.access.audit import act
from guiado.app.access.models import CustomerLinkBody
from guiado.app.access.permissions import SESSIONS_READ, SESSIONS_WRITE
from guiado.app.context import Scope, UnitOfWork
from guiado.errors import LinkNotFound, SessionNotFound
from guiado.store import customer_links, sessions
from guiado.store.customer_links import CustomerLink
from guiado.store.sessions import uuid_or_none

PATH = "/ayuda"
"""Path of the customer's pages; a link's token follows it."""
_WITHIN_SESSION = frozenset((SESSIONS_READ, SESSIONS_WRITE))


async def create(work: UnitOfWork, session_id: object, base_url: str, days: int) -> CustomerLinkBody:
    """Make a link to a session, and show its address.

    Args:
        base_url: where customers reach the service.
        days: for how long the link is good.

    Returns:
        The link with its address, which can not be read again.

    Raises:
        SessionNotFound: no session has this id.
    """
    token, key = key_format.new_link_token(), uuid_or_none(session_id)
    lasts_s = timedelta(days=days).total_seconds()
    if key is None:
        raise SessionNotFound(session_id)
    link_id = clock.new_id()
    async with act(work, "create", "link", str(link_id), session_id=str(key)):
        stored = await customer_links.add(work.connection, work.tenant, link_id, key, key_format.digest(token), lasts_s)
        if stored is None:
            raise SessionNotFound(session_id)
    return _view(stored, token, f"{base_url.rstrip('/')}{PATH}/{token}")


async def every(work: UnitOfWork, session_id: object) -> list[CustomerLinkBody]:
    """All links to a session, the newest first, without their addresses.

    Raises:
        SessionNotFound: no session has this id.
    """
    key = uuid_or_none(session_id)
    if key is None or await sessions.load(work.connection, work.tenant, key) is None:
        raise SessionNotFound(session_id)
    return [_view(one) for one in await customer_links.listed(work.connection, work.tenant, key)]


async def revoke(work: UnitOfWork, session_id: object, link_id: object) -> CustomerLinkBody:
    """End a link: within a second no process takes it any more.

    Raises:
        LinkNotFound: the session has no such link.
    """
    session, link = uuid_or_none(session_id), uuid_or_none(link_id)
    if session is None or link is None:
        raise LinkNotFound(link_id)
    async with act(work, "revoke", "link", str(link), session_id=str(session)):
        stored = await customer_links.revoke(work.connection, work.tenant, session, link)
        if stored is None:
            raise LinkNotFound(link_id)
    return _view(stored)


async def mark_opened(work: UnitOfWork, link: CustomerLink) -> None:
    """Note that a link was opened."""
    await customer_links.mark_opened(work.connection, work.tenant, link.link_id)


def scope_of_link(link: CustomerLink, asked: Scope) -> Scope:
    """The scope of a request that came with a link: a customer, within the link's session and nowhere else.

    Args:
        asked: the request's own, with its id and language.
    """
    return replace(
        asked,
        tenant=link.tenant_id,
        actor="customer",
        scopes=_WITHIN_SESSION,
        caller=f"link:{link.link_id}",
        session_id=str(link.session_id),
    )


def _view(stored: CustomerLink, token: str | None = None, url: str | None = None) -> CustomerLinkBody:
    return CustomerLinkBody(
        link_id=str(stored.link_id),
        session_id=str(stored.session_id),
        status=_status(stored),
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        opened_at=stored.opened_at,
        revoked_at=stored.revoked_at,
        url=url,
        token=token,
    )


def _status(stored: CustomerLink) -> str:
    if stored.revoked_at is not None:
        return "revoked"
    return "expired" if stored.expires_at <= clock.now() else "live"
