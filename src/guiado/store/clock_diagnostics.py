"""Checks of clocks for `guiado doctor`: this machine's, the database's and those of the workers."""

from __future__ import annotations

from guiado import clock
from guiado.store.check_result import Finding, doubtful, good
from guiado.store.connection import DriverConnection
from guiado.store.queries import sql

_SKEW_S = 5.0
_LATE_S = 900.0


async def look_at_clock(connection: DriverConnection) -> list[Finding]:
    """Check that this machine's clock and the database's agree."""
    begun = clock.now()
    theirs = await connection.fetchval("SELECT clock_timestamp()")
    ended = clock.now()
    skew_s = (theirs - (begun + (ended - begun) / 2)).total_seconds()
    if abs(skew_s) > _SKEW_S:
        return [
            doubtful(
                "clock",
                "Los relojes de este equipo y de la base de datos difieren en {seconds} s.\n"
                "Ponlos en hora en los dos equipos, por ejemplo con chrony o systemd-timesyncd.",
                seconds=round(skew_s),
            )
        ]
    return [good("clock", "El reloj de este equipo coincide con el de la base de datos.")]


async def look_at_future(connection: DriverConnection) -> list[Finding]:
    """Check that no session starts in the future."""
    latest = await connection.fetchval(sql("checkup", "latest"))
    if latest is not None and (latest - clock.now()).total_seconds() > _LATE_S:
        return [
            doubtful(
                "future",
                "Hay sesiones con fecha futura ({at}): el reloj estaba adelantado, o ahora está atrasado.\nPon en hora el reloj.",
                at=latest.isoformat(timespec="seconds"),
            )
        ]
    return []


async def look_at_clocks(connection: DriverConnection) -> list[Finding]:
    """Check that every worker's clock agrees with the database's."""
    return [
        doubtful(
            "clock",
            "El reloj del proceso en segundo plano {worker} difiere en {seconds} s del de la base de datos: no ejecuta "
            "tareas periódicas.\n"
            "Pon en hora ese equipo, por ejemplo con chrony o systemd-timesyncd; después sigue solo.",
            worker=row["worker"],
            seconds=row["seconds"],
        )
        for row in await connection.fetch(sql("checkup", "clocks"))
    ]
