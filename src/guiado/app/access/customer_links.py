"""Customer links: making, listing, opening, revoking and renewing them; the scope of whoever comes with one.

Source: contract.md §6, rule 11; ADR 0035.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from guiado import clock
from guiado.app.access import key_format
from guiado.app.access.audit import act, note
from guiado.app.access.models import CustomerLinkBody
from guiado.app.access.permissions import SESSIONS_READ, SESSIONS_WRITE
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.delivery.channels import normal_form
from guiado.delivery.templates import NEW_LINK
from guiado.errors import LinkNotFound, SessionNotFound
from guiado.store import customer_links, notifications, schedule, sessions
from guiado.store.customer_links import CustomerLink
from guiado.store.notifications import NewNotification
from guiado.store.sessions import uuid_or_none

PATH = "/ayuda"
"""Path of the customer's pages; a link's token follows it."""
_ONE_MAIL_S = 600.0
"""Seconds within which a session gets one new link by mail."""
_CHANNEL = "email"
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


async def send_new_link(app: AppContext, asked: Scope, token: str, base_url: str, days: int) -> None:
    """Queue a mail with a new link for whoever comes with an expired one; it goes to the address that the session has.

    Nothing is sent for a link that was revoked or never was, nor where the session has no address or there is no mail account;
    and each session gets one mail in ten minutes. The caller learns nothing of all that. The new link is made when the mail is
    written, so that its token is stored nowhere.

    Args:
        asked: the request's own scope.
        token: of the expired link.
        base_url: where customers reach the service.
        days: for how long the new link is good.
    """
    link = await _expired(app, token) if key_format.is_link_token(token) else None
    if link is not None:
        await app.run_write(scope_of_link(link, asked), _queue_new_link, link, base_url, days)


async def _expired(app: AppContext, token: str) -> CustomerLink | None:
    async with app.db.transaction() as connection:
        await schedule.as_owner(connection)
        return await customer_links.expired_by_hash(connection, key_format.digest(token))


async def _queue_new_link(work: UnitOfWork, link: CustomerLink, base_url: str, days: int) -> None:
    loaded = await sessions.load(work.connection, work.tenant, link.session_id)
    email = loaded.session.customer_email if loaded else None
    if email is None or not work.app.has_account(_CHANNEL):
        return
    message = NewNotification(
        notification_type=NEW_LINK,
        channel=_CHANNEL,
        recipient=normal_form(_CHANNEL, email),
        priority="normal",
        subject=None,
        message=None,
        session_id=str(link.session_id),
        metadata={"base_url": base_url, "days": days},
        dedup_key=hashlib.sha256(f"{NEW_LINK}\n{work.tenant}\n{link.session_id}".encode()).hexdigest(),
    )
    async with work.connection.transaction():
        stored, is_repeated = await notifications.put(work.connection, work.tenant, message, _ONE_MAIL_S, clock.now())
        if not is_repeated:
            await note(work, "send", "notification", stored.id)


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
