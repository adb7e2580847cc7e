"""Checks of a database, embedded or not, for `guiado doctor`. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import asyncpg

from guiado import clock
from guiado.errors import GuiadoError, SchemaMismatch
from guiado.logs import get_logger
from guiado.store import driver_errors
from guiado.store.audit_diagnostics import look_at_audit
from guiado.store.channel_diagnostics import look_at_channels
from guiado.store.check_result import CheckState, Finding, bad, doubtful, good
from guiado.store.clock_diagnostics import look_at_clock, look_at_clocks, look_at_future
from guiado.store.connection import DriverConnection, Row, single
from guiado.store.database import LOAD_LIBRARIES, require_writable
from guiado.store.embedded.programs import replaced_error
from guiado.store.key_diagnostics import look_at_keys
from guiado.store.media_diagnostics import look_at_media
from guiado.store.migrate import APP_ROLE, connect, due_files, unprotected_tables
from guiado.store.pooler import Presence, look_at_pooler
from guiado.store.queries import sql

_SLOW_MS = 50.0
_LATE_S = 900.0
_ENDLESS_S = 1_800.0
_TIMEOUT_S = 10.0
_NAMED_GUIDES = 5
log = get_logger()
Look = Callable[[DriverConnection], Awaitable[list[Finding]]]


async def look_at(
    dsn: str,
    pool_size: int,
    presence: Presence = "auto",
    addressed: Collection[str] = (),
    seal_key: bytes | None = None,
    opened: str = "",
) -> list[Finding]:
    """All findings about the database at this address.

    Args:
        dsn: address of the database.
        pool_size: connections that one process of guiado may take.
        presence: whether there is a pooler, by the settings.
        addressed: channels whose recipients each have an address of their own.
        seal_key: key of the audit log's chain, where it is known.
        opened: address beyond this machine that the service is bound to; empty where there is none.
    """
    try:
        connection = await connect(dsn, command_timeout_s=_TIMEOUT_S)
    except GuiadoError as error:
        return [bad("database", error)]

    async def room(connection: DriverConnection) -> list[Finding]:
        return await _connections(connection, pool_size)

    async def channels(connection: DriverConnection) -> list[Finding]:
        return await look_at_channels(connection, addressed)

    async def audit(connection: DriverConnection) -> list[Finding]:
        return await look_at_audit(connection, seal_key)

    async def keys(connection: DriverConnection) -> list[Finding]:
        return await look_at_keys(connection, opened)

    async def pooler(connection: DriverConnection) -> list[Finding]:
        return await look_at_pooler(connection, presence)

    try:
        found = await _attempt(pooler, connection)
        if any(finding.state is CheckState.BAD for finding in found):  # nothing else would work through it
            return found
        return found + [
            finding for look in (*_LOOKS, channels, keys, audit, room) for finding in await _attempt(look, connection)
        ]
    finally:
        connection.terminate()


async def _attempt(look: Look, connection: DriverConnection) -> list[Finding]:
    """Run one check; its failure is a finding too and does not stop the others."""
    name = look.__name__.removeprefix("_").removeprefix("look_at_")
    try:
        return await look(connection)
    except GuiadoError as error:
        return [bad(name, error)]
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return [
            bad(
                name,
                "No se pudo comprobar {name} en la base de datos: {reason}.\n"
                "Prueba guiado db migrate; si sigue igual, revisa los permisos del usuario de DATABASE_URL.",
                name=name,
                reason=driver_errors.reason(error),
            )
        ]


async def _libraries(connection: DriverConnection) -> list[Finding]:
    """Check that a connection loads its libraries: after an update of PostgreSQL only a restart helps."""
    try:
        await connection.execute(LOAD_LIBRARIES)
    except asyncpg.PostgresError as error:
        if not driver_errors.is_programs_fault(error):
            raise
        return [bad("libraries", replaced_error())]
    return [good("libraries", "Las conexiones nuevas funcionan.")]


async def _writable(connection: DriverConnection) -> list[Finding]:
    try:
        await require_writable(connection)
    except asyncpg.ReadOnlySQLTransactionError:
        return [
            bad(
                "writable",
                "Este PostgreSQL solo admite lecturas: es una réplica, o lo configuraron así.\n"
                "Pon en DATABASE_URL el servidor principal, o todos, con ?target_session_attrs=read-write.",
            )
        ]
    return [good("writable", "La base de datos admite escrituras.")]


async def _latency(connection: DriverConnection) -> list[Finding]:
    took_s: list[float] = []
    for _ in range(5):
        begun = clock.monotonic_s()
        await connection.fetchval("SELECT 1")
        took_s.append(clock.monotonic_s() - begun)
        await asyncio.sleep(0)
    ms = round(sorted(took_s)[2] * 1000, 1)
    if ms > _SLOW_MS:
        return [
            doubtful(
                "latency",
                (
                    "La base de datos tarda {ms} ms en responder a la consulta más sencilla.\n"
                    "Ponla más cerca del servicio o revisa su carga."
                ),
                ms=ms,
            )
        ]
    return [good("latency", "La base de datos contesta en {ms} ms.", ms=ms)]


async def _server(connection: DriverConnection) -> list[Finding]:
    row = await single(connection, sql("checkup", "server"))
    found = [good("version", "PostgreSQL {version}.", version=row["version"])]  # an older one was refused before
    if row["encoding"] != "UTF8":
        found.append(
            bad(
                "encoding",
                "La base de datos guarda el texto en {encoding}, y guiado necesita UTF8.\n"
                "Crea otra y ponla en DATABASE_URL: CREATE DATABASE guiado ENCODING 'UTF8' TEMPLATE template0;",
                encoding=row["encoding"],
            )
        )
    if row["zone"] not in {"UTC", "Etc/UTC", "GMT"}:
        found.append(
            doubtful(
                "timezone",
                "La zona horaria de la base de datos es {zone}, y guiado cuenta los días en UTC.\n"
                "Cámbiala con ALTER DATABASE {database} SET timezone TO 'UTC'.",
                zone=row["zone"],
                database=row["database"],
            )
        )
    return found


async def _durability(connection: DriverConnection) -> list[Finding]:
    off = [row["name"] for row in await connection.fetch(sql("checkup", "dangerous"))]
    if off:
        return [
            bad(
                "durability",
                "PostgreSQL puede perder respuestas ya aceptadas: tiene desactivado {names}.\n"
                "Actívalo en postgresql.conf, o con ALTER SYSTEM SET … = on y SELECT pg_reload_conf().",
                names=", ".join(off),
            )
        ]
    return [good("durability", "PostgreSQL escribe en el disco todo lo que confirma.")]


async def _rights(connection: DriverConnection) -> list[Finding]:
    row = await single(connection, sql("checkup", "rights"), APP_ROLE)
    found: list[Finding] = []
    if not row["may_create"]:
        found.append(
            bad(
                "rights",
                "El usuario {name} no puede crear tablas en su esquema.\n"
                "Dale permiso como administrador con GRANT CREATE, USAGE ON SCHEMA public TO {name}.",
                name=row["name"],
            )
        )
    if not row["may_work_as"]:
        found.append(
            doubtful(
                "role",
                "No se puede trabajar con el rol {role}: falta la segunda barrera que separa los datos de cada organización.\n"
                "Como administrador: CREATE ROLE {role} NOLOGIN; GRANT {role} TO {name}; y después guiado db migrate.",
                role=APP_ROLE,
                name=row["name"],
            )
        )
    return found or [good("rights", "El usuario {name} tiene los permisos que hacen falta.", name=row["name"])]


async def _schema(connection: DriverConnection) -> list[Finding]:
    try:
        due = await due_files(connection)
    except SchemaMismatch as error:
        return [bad("schema", error)]
    if due:
        return [
            doubtful(
                "schema",
                "A la base de datos le faltan cambios de esta versión: {names}.\nAplícalos con guiado db migrate.",
                names=", ".join(file.name for file in due),
            )
        ]
    return [good("schema", "La base de datos está al día.")]


async def _row_security(connection: DriverConnection) -> list[Finding]:
    tables = await unprotected_tables(connection)
    if tables:
        return [
            bad(
                "row_security",
                "Falta la barrera que separa los datos de cada organización en {tables}.\n"
                "Ponla con guiado db migrate, como el usuario que creó las tablas, y reinicia guiado.",
                tables=", ".join(tables),
            )
        ]
    return [good("row_security", "La barrera que separa los datos de cada organización está activa.")]


async def _connections(connection: DriverConnection, pool_size: int) -> list[Finding]:
    row = await single(connection, sql("checkup", "connections"))
    free = row["most"] - row["taken"]
    if pool_size > row["most"]:
        return [
            bad(
                "connections",
                "GUIADO_POOL_SIZE es {pool} y PostgreSQL admite {most}.\nBaja GUIADO_POOL_SIZE o sube max_connections.",
                pool=pool_size,
                most=row["most"],
            )
        ]
    if free < pool_size:
        return [
            doubtful(
                "connections",
                "Quedan {free} conexiones libres de PostgreSQL, y cada proceso de guiado puede tomar {pool}.\n"
                "Sube max_connections o baja GUIADO_POOL_SIZE.",
                free=free,
                pool=pool_size,
            )
        ]
    return [good("connections", "Quedan {free} conexiones libres de {most}.", free=free, most=row["most"])]


async def _outbox(connection: DriverConnection) -> list[Finding]:
    row = await single(connection, sql("checkup", "outbox"))
    found: list[Finding] = []
    if row["waiting"] and row["age_s"] > _LATE_S:
        found.append(
            doubtful(
                "outbox",
                "{count} envíos esperan desde hace {minutes} minutos.\n"
                "Comprueba que haya un proceso en segundo plano (guiado serve o guiado worker) y que los destinos "
                "contesten.",
                count=row["waiting"],
                minutes=round(row["age_s"] / 60),
            )
        )
    if row["failed"]:
        found.append(
            doubtful(
                "outbox",
                "{count} envíos a {destinations} se dieron por perdidos en las últimas 24 horas.\n"
                "Mira por qué con guiado webhooks attempts {first}. Cuando el destino conteste, repítelos con "
                "guiado events replay --from {since}.",
                count=row["failed"],
                destinations=", ".join(row["destinations"]),
                first=row["destinations"][0],
                since=row["since"],
            )
        )
    return found or [good("outbox", "Ningún envío espera demasiado ni se dio por perdido en las últimas 24 horas.")]


async def _jobs(connection: DriverConnection) -> list[Finding]:
    rows = await connection.fetch(sql("checkup", "jobs"))
    found = [_failed(row) for row in rows if row["last_error"]] + [_endless(row) for row in rows if row["running_s"] > _ENDLESS_S]
    late = [row["job"] for row in rows if row["late_s"] > _LATE_S]
    if late:
        found.append(
            doubtful(
                "jobs",
                "Estas tareas periódicas llevan demasiado tiempo sin ejecutarse: {jobs}.\nArranca guiado serve o guiado worker.",
                jobs=", ".join(late),
            )
        )
    return found or [good("jobs", "Las tareas periódicas se ejecutan a su hora.")]


def _failed(row: Row) -> Finding:
    return doubtful(
        "jobs",
        "La tarea periódica {job} falló la última vez: {problem}.\nSi se repite, mira el registro del servicio.",
        job=row["job"],
        problem=" ".join(row["last_error"].split())[:200],
    )


def _endless(row: Row) -> Finding:
    return doubtful(
        "jobs",
        "La tarea periódica {job} lleva {minutes} minutos en marcha.\n"
        "Mira en pg_stat_activity a qué espera; si reinicias el proceso en segundo plano (worker), se interrumpe y "
        "empieza de nuevo.",
        job=row["job"],
        minutes=round(row["running_s"] / 60),
    )


async def _untold(connection: DriverConnection) -> list[Finding]:
    count = await connection.fetchval(sql("checkup", "untold"))
    if not count:
        return []
    return [
        doubtful(
            "untold",
            "{count} sesiones esperan a una persona y nadie recibe avisos.\n"
            "Míralas con guiado sessions list --status needs_escalation. Para recibir avisos, pon SLACK_WEBHOOK_URL en .env, "
            "registra un webhook para session_escalated (guiado webhooks add) o un destinatario con correo (POST /recipients).",
            count=count,
        )
    ]


async def _conflicts(connection: DriverConnection) -> list[Finding]:
    guides = [row["guide_id"] for row in await connection.fetch(sql("checkup", "conflicts"))]
    if not guides:
        return []
    return [
        doubtful(
            "conflicts",
            "Guías editadas en el archivo mientras otra persona escribía en ellas: {guides}.\n"
            "Se usa lo del archivo; lo otro quedó como borrador. Míralo con guiado kb versions {first} y elige con "
            "guiado kb revert {first} VERSIÓN.",
            guides=", ".join(guides[:_NAMED_GUIDES]),
            first=guides[0],
        )
    ]


async def _sessions(connection: DriverConnection) -> list[Finding]:
    wrong = [str(row["session_id"]) for row in await connection.fetch(sql("checkup", "inconsistent"))]
    if wrong:
        return [
            bad(
                "sessions",
                "{count} sesiones no concuerdan con sus intentos; por ejemplo {session_id}.\n"
                "Mírala con guiado sessions show {session_id}; si nadie cambió la base de datos a mano, avisa de este "
                "fallo.",
                count=len(wrong),
                session_id=wrong[0],
            )
        ]
    return [good("sessions", "Las últimas sesiones concuerdan con sus intentos.")]


_LOOKS: tuple[Look, ...] = (
    _libraries, _writable, _latency, _server, _durability, _rights, _schema, _row_security, look_at_clock, look_at_clocks,
    look_at_future, _outbox, _jobs, _untold, _conflicts, look_at_media, _sessions,
)  # fmt: skip
