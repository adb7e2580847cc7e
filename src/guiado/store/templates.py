"""Templates of guides and of messages, written by operators."""

from __future__ import annotations

from collections.abc import Mapping

from guiado.store.connection import Connection
from guiado.store.queries import sql
from guiado.text.json_shapes import JsonObject


async def put(connection: Connection, tenant: str, kind: str, template_id: str, content: Mapping[str, object]) -> None:
    """Store a template; the same id again replaces it.

    Args:
        kind: guide, or message.
    """
    await connection.execute(sql("templates", "put"), tenant, kind, template_id, content)


async def listed(connection: Connection, tenant: str, kind: str) -> dict[str, JsonObject]:
    """All stored templates of a kind, by id."""
    rows = await connection.fetch(sql("templates", "listed"), tenant, kind)
    return {row["template_id"]: row["content"] for row in rows}
