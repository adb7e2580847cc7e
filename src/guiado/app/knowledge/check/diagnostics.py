"""Check of the guides that changed lately, for `guiado doctor`: an edit counts at once, and is looked at afterwards."""

from __future__ import annotations

from guiado.app.knowledge.check.recent import LATELY, recent, refused_of
from guiado.store.check_result import Finding, doubtful, good
from guiado.store.database import Database

_NAMED = 3


async def look_at_changes(dsn: str, tenant: str) -> list[Finding]:
    """Finding on the guides in use that a check would have refused.

    Raises:
        DatabaseUnavailable: it cannot be read.
    """

    async def find() -> str:
        return dsn

    db = Database(find, pool_size=1, tenant=tenant)
    try:
        async with db.connection(tenant) as connection:
            found = await recent(connection, tenant)
    finally:
        await db.close()
    refused = refused_of(found)
    if not refused:
        return [good("guides", "Ninguna guía empeoró en los últimos {days} días.", days=LATELY.days)]
    return [
        doubtful(
            "guides",
            "Hay guías en uso que kb check rechaza: {count} ({named}). {why}\n"
            "Mira por qué con guiado kb check. Corrígelas, o vuelve atrás con guiado kb revert {first}.",
            count=len(refused),
            named=", ".join(list(refused)[:_NAMED]),
            why=next(iter(refused.values())).refusals[0].message,
            first=next(iter(refused)),
        )
    ]
