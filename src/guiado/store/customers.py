"""Data of one customer: pages of an export, and the erasure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from guiado.store.connection import Connection, Row
from guiado.store.log_rows import Audit, audit_row
from guiado.store.queries import sql
from guiado.text.json_shapes import JsonObject

SECTIONS = (
    "sessions",
    "attempts",
    "decisions",
    "feedback",
    "lessons",
    "examples",
    "tickets",
    "events",
    "deliveries",
    "delivery_attempts",
    "notifications",
    "recipients",
    "links",
    "attachments",
    "stored_answers",
)
"""Sections of an export, each a query of the same name."""
_TIMEOUT_S = 1_500.0


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A customer, by address and pseudonym.

    Args:
        email: as it is stored: lower case, without blanks around it.
        customer_id: the pseudonym.
    """

    email: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """A row of an export.

    Args:
        key: its place in the order of its section.
    """

    key: str
    item: JsonObject


async def page(
    connection: Connection, tenant: str, section: str, customer: CustomerKey, after: str, most: int
) -> list[ExportedRow]:
    """The next rows of a section of the customer's export.

    Args:
        section: one of `SECTIONS`.
        after: key of the last row before; "" for the first page.
        most: rows at most.
    """
    values = (tenant, customer.email, customer.customer_id, after, most)
    rows = await connection.fetch(sql("customers", section), *values, timeout=_TIMEOUT_S)
    return [ExportedRow(row["key"], row["item"]) for row in rows]


async def erase_mentions(connection: Connection, tenant: str, customer: CustomerKey, most: int) -> Counter[str]:
    """Erase what does not hang on one of the customer's sessions.

    Args:
        most: number of sessions that the next `erase_batch` takes; they are locked.

    Returns:
        Number of deleted rows by table.
    """
    values = (tenant, customer.email, most)
    return _counts(await connection.fetch(sql("customers", "erase_mentions"), *values, timeout=_TIMEOUT_S))


async def hide_address(connection: Connection, tenant: str, customer: CustomerKey) -> Counter[str]:
    """Hide the customer's address in what others wrote.

    Returns:
        Number of changed rows by table.
    """
    return _counts(await connection.fetch(sql("customers", "hide_address"), tenant, customer.email, timeout=_TIMEOUT_S))


async def erase_batch(connection: Connection, tenant: str, customer: CustomerKey, most: int) -> Counter[str]:
    """Erase a batch of the customer's sessions with all that hangs on them; daily analytics stay.

    Args:
        most: sessions at most.

    Returns:
        Number of deleted rows by table.
    """
    values = (tenant, customer.email, customer.customer_id, most)
    return _counts(await connection.fetch(sql("customers", "erase_batch"), *values, timeout=_TIMEOUT_S))


async def note(connection: Connection, tenant: str, customer_id: str, audit: Audit, now: datetime) -> None:
    """Write an access to a customer's data into the audit log.

    Args:
        customer_id: the pseudonym.
    """
    await connection.execute(sql("customers", "note"), tenant, [audit_row(tenant, customer_id, audit, now, "customer")])


def _counts(rows: Iterable[Row]) -> Counter[str]:
    deleted = Counter[str]()
    for row in rows:
        deleted[row["table_name"]] += row["deleted"]
    return deleted
