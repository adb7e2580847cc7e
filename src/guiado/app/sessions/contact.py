"""Contact of a session: the address at which its customer can be written to, which may come after the start.

Source: contract.md §6, rule 11; ADR 0035.
"""

from __future__ import annotations

from dataclasses import replace

from guiado import clock
from guiado.app import commands
from guiado.app.access.audit import is_operator
from guiado.app.context import UnitOfWork
from guiado.app.sessions.answer import load, telling_state
from guiado.app.sessions.start import pseudonym
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.errors import ContactKnown, StaleSession
from guiado.store import sessions
from guiado.store.sessions import Change

_TRIES = 20


async def set_contact(work: UnitOfWork, session_id: object, command: commands.Contact) -> tuple[Session, Guide | None]:
    """Note the address of a session's customer, and their name where one is given.

    A customer may do so while the session has no address; an operator may change the one that it has. The same address again
    changes nothing.

    Raises:
        SessionNotFound: no session has this id.
        ContactKnown: a customer gives another address than the session has; with the session's present state.
        StaleSession: others kept changing the session.
    """
    async with telling_state(work, session_id):
        for _ in range(_TRIES):
            loaded, guide = await load(work, session_id)
            after = _with_contact(loaded.session, command, may_change=is_operator(work.scope))
            if after is loaded.session or await _commit(work, loaded.session, after):
                return after, guide
        raise StaleSession


def _with_contact(session: Session, command: commands.Contact, *, may_change: bool) -> Session:
    """The session with the address and name; the session itself where that changes nothing."""
    if session.customer_email not in {None, command.customer_email} and not may_change:
        raise ContactKnown
    is_name_open = may_change or session.customer_name is None
    name = command.customer_name if command.customer_name and is_name_open else session.customer_name
    if (session.customer_email, session.customer_name) == (command.customer_email, name):
        return session
    return replace(
        session,
        customer_email=command.customer_email,
        customer_name=name,
        version=session.version + 1,
        updated_at=max(clock.now(), session.updated_at),
    )


async def _commit(work: UnitOfWork, before: Session, after: Session) -> bool:
    had_address = before.customer_email is not None
    audit = work.scope.audit("contact", changed=had_address and before.customer_email != after.customer_email)
    customer_id = pseudonym(work.tenant, after.customer_email or "")
    change = Change(after, before.version, after.updated_at, audit, contact=customer_id)
    return await sessions.commit(work.connection, work.tenant, change)
