"""Check of the pictures of guides for `guiado doctor`: those that guides in use name and that are not stored."""

from __future__ import annotations

from guiado.store import media, schedule
from guiado.store.check_result import Finding, doubtful, good
from guiado.store.connection import DriverConnection

_MOST_NAMED = 3


async def look_at_media(connection: DriverConnection) -> list[Finding]:
    """A finding on the pictures that are missing, over all tenants."""
    found = [row for tenant in await schedule.tenants(connection) for row in await media.missing(connection, tenant)]
    if not found:
        return [good("media", "Están todas las imágenes que nombran las guías.")]
    named = ", ".join(f"{address} ({guide_id})" for guide_id, address in found[:_MOST_NAMED])
    return [
        doubtful(
            "media",
            "Faltan imágenes que las guías nombran: {count}. Las páginas las omiten: {named}\n"
            "Guárdalas con guiado kb media add ARCHIVO y escribe en la guía la dirección que te dé.",
            count=len(found),
            named=named,
        )
    ]
