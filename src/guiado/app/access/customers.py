"""Export and erasure of one customer's personal data.

A customer is an address, as it is stored: trimmed and in lower case. Another address of the same mailbox is another customer.

Source: GDPR, articles 15, 17 and 20; ADR 0033.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from guiado import clock
from guiado.app.access.audit import actor_of
from guiado.app.context import AppContext, Scope, UnitOfWork
from guiado.app.models import Model
from guiado.app.sessions.start import pseudonym
from guiado.store import customers
from guiado.store.customers import SECTIONS, CustomerKey
from guiado.store.log_rows import Audit

_BATCH = 1_000
"""Sessions that one transaction erases at most."""
_PAGE = 500
_LARGE = {"attachments": 4}
"""Rows that are read at once of sections with large ones."""
_SESSIONS = "support_troubleshooting_sessions"


class ErasedCustomer(Model):
    """Result of an erasure: number of rows that were deleted, and of others' in which the address was hidden, by table."""

    customer_id: str
    deleted: dict[str, int]
    hidden: dict[str, int]


class CustomerExport(Model):
    """Everything that is stored about one customer."""

    customer_email: str
    customer_id: str
    exported_at: str
    sessions: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    feedback: list[dict[str, Any]]
    lessons: list[dict[str, Any]]
    examples: list[dict[str, Any]]
    tickets: list[dict[str, Any]]
    events: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    delivery_attempts: list[dict[str, Any]]
    notifications: list[dict[str, Any]]
    recipients: list[dict[str, Any]]
    links: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    stored_answers: list[dict[str, Any]]


async def erase(work: UnitOfWork, email: str) -> ErasedCustomer:
    """Erase everything that is stored about a customer, but for the audit log, which holds ids only.

    Up to 1,000 sessions go in one transaction, more in one for each thousand; what was interrupted is finished by the next call.

    Args:
        email: as it is stored.
    """
    customer = _customer(work.tenant, email)
    deleted, hidden = await _erase_batch(work, customer, hides=True)
    batch = deleted
    while batch[_SESSIONS] >= _BATCH:
        batch, _ = await _erase_batch(work, customer, hides=False)
        deleted = deleted + batch
    return ErasedCustomer(customer_id=customer.customer_id, deleted=dict(+deleted), hidden=dict(+hidden))


async def _erase_batch(work: UnitOfWork, customer: CustomerKey, *, hides: bool) -> tuple[Counter[str], Counter[str]]:
    """Erase a batch; with the first one, which looks through all that others wrote, hide the address there."""
    async with work.connection.transaction():
        deleted = await customers.erase_mentions(work.connection, work.tenant, customer, _BATCH)
        deleted += await customers.erase_batch(work.connection, work.tenant, customer, _BATCH)
        hidden = await customers.hide_address(work.connection, work.tenant, customer) if hides else Counter[str]()
        detail = {"deleted": dict(+deleted), "hidden": dict(+hidden)}
        audit = Audit(actor_of(work.scope), "customer_erased", work.scope.request_id, detail)
        await customers.note(work.connection, work.tenant, customer.customer_id, audit, clock.now())
    return deleted, hidden


async def note_export(work: UnitOfWork, email: str) -> None:
    """Write into the audit log that a customer's data is exported."""
    customer = _customer(work.tenant, email)
    audit = Audit(actor_of(work.scope), "customer_exported", work.scope.request_id, {})
    await customers.note(work.connection, work.tenant, customer.customer_id, audit, clock.now())


async def export(app: AppContext, scope: Scope, email: str) -> AsyncIterator[bytes]:
    """Yield a customer's `CustomerExport` as JSON, piece by piece; no connection is held between two pieces.

    Args:
        email: as it is stored.
    """
    customer = _customer(scope.tenant, email)
    head = {"customer_email": email, "customer_id": customer.customer_id, "exported_at": clock.now()}
    yield msgspec.json.encode(head)[:-1]
    for section in SECTIONS:
        yield b',"%s":[' % section.encode()
        async for piece in _rows(app, scope, section, customer):
            yield piece
        yield b"]"
    yield b"}"


async def _rows(app: AppContext, scope: Scope, section: str, customer: CustomerKey) -> AsyncIterator[bytes]:
    after, comma, most = "", b"", _LARGE.get(section, _PAGE)
    while True:
        async with app.db.connection(scope.tenant) as connection:
            rows = await customers.page(connection, scope.tenant, section, customer, after, most)
        if rows:
            yield comma + b",".join(msgspec.json.encode(row.item) for row in rows)
            after, comma = rows[-1].key, b","
        if len(rows) < most:
            return


def _customer(tenant: str, email: str) -> CustomerKey:
    return CustomerKey(email, pseudonym(tenant, email))
