"""Check of the API keys for `guiado doctor`: whether the service is open to the network without any. Changes nothing."""

from __future__ import annotations

from guiado.store.check_result import Finding, bad, good
from guiado.store.connection import DriverConnection
from guiado.store.queries import sql


async def look_at_keys(connection: DriverConnection, opened: str) -> list[Finding]:
    """A finding about who gets in, over all tenants.

    Args:
        connection: of the tables' owner.
        opened: address beyond this machine that the service is bound to; empty where there is none.
    """
    if await connection.fetchval(sql("api_keys", "exists")):
        return [good("keys", "La API pide una clave de API.")]
    if not opened:
        return [good("keys", "Todavía no hay claves de API: el servicio solo responde a este equipo.")]
    return [
        bad(
            "keys",
            "GUIADO_HOST={host} abre el servicio a la red, y sin claves de API cualquiera podría entrar.\n"
            "Crea una clave de API con guiado keys create --name servidor, o usa GUIADO_HOST=127.0.0.1.",
            host=opened,
        )
    ]
