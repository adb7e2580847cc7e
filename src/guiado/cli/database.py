"""`guiado db`: the database that guiado uses, its own or the one of DATABASE_URL."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli import backup
from guiado.cli.console import Screen, screen_of
from guiado.cli.help import Manual, ManualGroup
from guiado.errors import GuiadoError

if TYPE_CHECKING:
    from guiado.settings import Settings
    from guiado.store.embedded import EmbeddedPostgres

app = typer.Typer(cls=ManualGroup, help="Base de datos: dirección, consola y estado.", no_args_is_help=True)
backup.add_to(app)
_PASS_ON = {"ignore_unknown_options": True, "help_option_names": ["--help"], "allow_interspersed_args": False}


@app.command(
    cls=Manual,
    help='Muestra solo la dirección de la base de datos; por ejemplo, para: psql "$(guiado db url)"\n'
    "Si la base de datos integrada está detenida, la arranca y la deja en marcha hasta que la detengas con guiado "
    "db stop.",
)
def url(context: typer.Context) -> None:
    """Print only the address; the server keeps running after this process has ended."""
    settings = _settings()
    if settings.database_url:
        screen_of(context).verbatim(_for_programs(settings.database_url))
        return
    server = _embedded(settings)
    dsn = server.join()
    server.detach()
    screen_of(context).verbatim(dsn)


@app.command(
    cls=Manual, context_settings=_PASS_ON, help=("Abre psql con la base de datos; los argumentos que agregues pasan a psql.")
)
def psql(
    words: Annotated[list[str] | None, typer.Argument(metavar="ARGUMENTOS", help="Argumentos de psql.")] = None,
) -> None:
    """Run psql; the embedded server is kept running meanwhile."""
    settings = _settings()
    if settings.database_url:
        raise typer.Exit(_run_psql(_psql_program(settings, None), _for_programs(settings.database_url), words or []))
    server = _embedded(settings)
    dsn = server.join()
    try:
        code = _run_psql(_psql_program(settings, server.status().binaries), dsn, words or [])
    finally:
        server.leave()
    raise typer.Exit(code)


@app.command(cls=Manual, help="Prepara la base de datos para esta versión; se puede repetir sin daño.")
def migrate(context: typer.Context) -> None:
    """Apply the schema files that the database does not have."""
    from guiado.store.migrate import migrate as apply
    from guiado.wiring import DatabaseLocation

    screen, site = screen_of(context), DatabaseLocation(_settings())
    dsn = site.join()
    try:
        done = asyncio.run(apply(dsn))
    finally:
        site.leave()
    for name in done:
        screen.show(f"✓ {name}", style="green")
    screen.say("La base de datos está al día.")


@app.command(cls=Manual, help="Muestra qué base de datos se usa, si está en marcha y qué le falta. No arranca nada.")
def status(context: typer.Context) -> None:
    """Show which database is used and its state."""
    screen, settings = screen_of(context), _settings()
    if settings.database_url:
        from guiado.store.address import mask

        screen.say("PostgreSQL de DATABASE_URL: {url}", url=mask(settings.database_url))
        _show_schema(screen, settings.database_url)
        return
    server = _embedded(settings)
    found = server.status()
    screen.say("PostgreSQL integrado, versión {version}", version=found.version or screen.tr("desconocida"))
    screen.say("Datos: {folder}", folder=found.data)
    dsn = server.dsn() if found.running else None
    if dsn is None:
        screen.say("Detenido.", style="yellow")
        return
    screen.say("En marcha (proceso {pid}).", style="green", pid=found.pid)
    if found.replaced:
        from guiado.store.embedded.programs import replaced_error

        raise replaced_error()
    _show_schema(screen, dsn)


@app.command(cls=Manual, help="Detiene la base de datos integrada, si nadie la usa.")
def stop(context: typer.Context) -> None:
    """Stop the embedded server."""
    settings = _settings()
    if settings.database_url:
        raise GuiadoError("La base de datos es la de DATABASE_URL y guiado no puede detenerla. Detenla en su servidor.")
    if not _embedded(settings).stop():
        raise GuiadoError("La base de datos está en uso. Cierra antes los demás procesos de guiado.")
    screen_of(context).say("Detenido.")


def _settings() -> Settings:
    from guiado.settings import read_settings

    return read_settings()


def _embedded(settings: Settings) -> EmbeddedPostgres:
    from guiado.store.embedded import EmbeddedPostgres, default_home

    return EmbeddedPostgres(settings.home or default_home(), pg_bin=settings.pg_bin)


def _psql_program(settings: Settings, folder: Path | None) -> str:
    """Find psql: next to the server in use, else on the system, else any that guiado knows."""
    import shutil

    from guiado.store.embedded.binaries import choose_binaries

    beside = shutil.which(str(folder / "psql")) if folder else None
    found = beside or shutil.which("psql") or shutil.which(str(choose_binaries(settings.pg_bin, None).program("psql")))
    if found is None:
        raise GuiadoError("No encuentro psql. Instala el cliente de PostgreSQL.")
    return found


def _run_psql(program: str, dsn: str, words: list[str]) -> int:
    import os
    import signal
    import subprocess

    from guiado.store.backup.pg_programs import split_password

    address, password = split_password(dsn)  # other users can read the arguments of a program
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    # Ctrl-C is for psql: it cancels a query there. A handler, unlike "ignore", is not passed on to the child.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        return subprocess.run([program, address, *words], check=False, env=environment).returncode  # noqa: S603 found by us, no shell
    finally:
        signal.signal(signal.SIGINT, before)


def _show_schema(screen: Screen, dsn: str) -> None:
    from guiado.store.migrate import schema_files

    version, have = asyncio.run(_read_schema(dsn))
    screen.say("Servidor: PostgreSQL {version}", version=version)
    for file in schema_files():
        if have.get(file.name) == file.checksum:
            screen.show(f"✓ {file.name}", style="green")
        else:
            screen.say("✗ {file}: pendiente; lo aplica guiado db migrate", style="yellow", file=file.name)


async def _read_schema(dsn: str) -> tuple[str, dict[str, str]]:
    from guiado.store.migrate import applied, connect

    connection = await connect(dsn)
    try:
        version = str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close(timeout=5)
    return version, await applied(dsn)


def _for_programs(dsn: str) -> str:
    """The address without parameters that psql and pg_dump do not know."""
    from guiado.store.address import read_address

    address = read_address(dsn)
    return dsn if address.is_for_libpq else address.for_libpq
