"""`guiado db backup`, `restore` and `upgrade`: copies and upgrades of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Screen, screen_of
from guiado.cli.help import Manual
from guiado.errors import GuiadoError, Message

if TYPE_CHECKING:
    from guiado.settings import Settings
    from guiado.store.backup.archive import Manifest
    from guiado.store.backup.pg_programs import Report
    from guiado.store.backup.restore import Restored
    from guiado.store.embedded import EmbeddedPostgres


def add_to(app: typer.Typer) -> None:
    """Add these commands to `guiado db`."""
    app.command(
        cls=Manual,
        help="Copia la base de datos a un archivo, también mientras guiado está en marcha. Cada copia se vuelve a leer "
        "al terminar.\n"
        "Con --verify, además se restaura aparte y se compara tabla por tabla.",
    )(backup)
    app.command(
        cls=Manual,
        help="Restaura una copia en lugar de la base de datos actual. Antes hay que detener guiado.\n"
        "La base de datos actual no se borra: queda aparte, con otro nombre. Si algo falla, no cambia nada.",
    )(restore)
    app.command(
        cls=Manual,
        help="Pasa la base de datos integrada a una versión más nueva de PostgreSQL.\n"
        "Los datos anteriores quedan en su carpeta, con otro nombre. Si algo falla, no cambia nada.",
    )(upgrade)


def backup(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="ARCHIVO", help="Archivo o carpeta; por defecto, aquí y con la fecha (UTC) en el nombre."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Sustituye el archivo si ya existe.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Restaura la copia aparte y la compara.")] = False,
) -> None:
    """Back up the database to a file."""
    from guiado.settings import read_settings
    from guiado.store.backup.archive import choose_target
    from guiado.store.backup.dump import back_up, require_direct
    from guiado.wiring import DatabaseLocation

    screen, settings = screen_of(context), read_settings()
    target = choose_target(file, force=force)
    site = DatabaseLocation(settings)
    dsn = site.join()
    try:
        own = None if settings.database_url else _embedded(settings).status().binaries
        asyncio.run(require_direct(dsn, settings.pooler))
        with _progress(screen) as report:
            work = back_up(dsn, target, report, own=own, pg_bin=settings.pg_bin, force=force, verify=verify)
            manifest = asyncio.run(work)
    finally:
        site.leave()
    _show_copy(screen, target, manifest)
    if verify:
        screen.say("✓ Restaurada aparte y comparada: coincide en todas las tablas.", style="green")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="ARCHIVO", help="Copia hecha con guiado db backup.")],
    force: Annotated[bool, typer.Option("--force", help="Restaura aunque la base de datos ya tenga sesiones.")] = False,
) -> None:
    """Replace the database by a backup."""
    from guiado.settings import read_settings

    screen, settings = screen_of(context), read_settings()
    path = file.expanduser().resolve()
    with _progress(screen) as report:
        if settings.database_url:
            done = _restore(settings.database_url, path, report, settings, None, force=force)
        else:
            server = _embedded(settings)
            with server.alone() as sole:
                done = _restore(sole.start(), path, report, settings, server, force=force)
    _show_restored(screen, done)


def upgrade(
    context: typer.Context,
    from_bin: Annotated[
        Path | None,
        typer.Option("--from-bin", metavar="CARPETA", help="Carpeta bin del PostgreSQL con el que se crearon los datos."),
    ] = None,
) -> None:
    """Move the embedded database to a newer PostgreSQL."""
    from guiado.settings import read_settings
    from guiado.store.backup import upgrade as steps

    screen, settings = screen_of(context), read_settings()
    if settings.database_url:
        raise GuiadoError(
            "La base de datos es la de DATABASE_URL: guiado no cambia la versión de su PostgreSQL. Hazlo en su servidor."
        )
    with _embedded(settings).alone() as sole:
        plan = steps.plan(sole, pg_bin=settings.pg_bin, from_bin=from_bin)
        screen.say("De PostgreSQL {old} a {new}", old=plan.old.version, new=plan.new.version)
        with _progress(screen) as report:
            done = asyncio.run(steps.upgrade(plan, report))
    screen.say(
        "✓ PostgreSQL {version}. Filas copiadas y contadas: {rows}.", style="green", version=plan.new.version, rows=done.rows
    )
    if done.lost_settings:
        names = ", ".join(done.lost_settings)
        screen.say("Ajustes que la versión nueva no conoce y que no se copiaron: {names}", style="yellow", names=names)
    screen.say("Los datos anteriores siguen en su carpeta. Cuando ya no los necesites:")
    screen.verbatim(f"rm -r '{done.kept}'", style="bold")


def _restore(
    dsn: str, path: Path, report: Report, settings: Settings, server: EmbeddedPostgres | None, *, force: bool
) -> Restored:
    from guiado.store.backup import restore as steps
    from guiado.store.backup.dump import require_direct, server_major
    from guiado.store.backup.pg_programs import choose_clients

    asyncio.run(require_direct(dsn, settings.pooler))
    state = server.status() if server else None
    major = asyncio.run(server_major(dsn))
    manifest = steps.check(path, major, state.data if state else None)
    clients = choose_clients(state.binaries if state else None, settings.pg_bin, major, exact=True)
    return asyncio.run(steps.restore(dsn, path, manifest, clients, report, force=force))


def _embedded(settings: Settings) -> EmbeddedPostgres:
    from guiado.store.embedded import EmbeddedPostgres, default_home

    return EmbeddedPostgres(settings.home or default_home(), pg_bin=settings.pg_bin)


def _show_copy(screen: Screen, target: Path, manifest: Manifest) -> None:
    from rich.filesize import decimal

    size = decimal(target.stat().st_size)
    screen.say("✓ Copia completa. Sesiones: {count}. Tamaño: {size}.", style="green", count=manifest.sessions, size=size)
    screen.verbatim(str(target), style="bold")


def _show_restored(screen: Screen, done: Restored) -> None:
    screen.say("✓ Base de datos restaurada. Sesiones: {count}.", style="green", count=done.sessions)
    for role in done.missing_roles:
        screen.say("El usuario {role} de la copia no existe aquí: sus permisos se dejaron fuera.", style="yellow", role=role)
    screen.say("La base de datos anterior queda como {name}. Cuando ya no la necesites:", name=done.previous)
    screen.verbatim(f"guiado db psql -c 'DROP DATABASE \"{done.previous}\"'", style="bold")


@contextmanager
def _progress(screen: Screen) -> Generator[Report]:
    """Show progress: a bar on a terminal, else a line for each quarter of each stage."""
    if not screen.is_interactive:
        yield _Lines(screen).report
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen.out, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda stage, share: bar.update(task, description=screen.explain(stage), completed=share)


class _Lines:
    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._last = ("", -1)

    def report(self, stage: Message, share: float) -> None:
        now = (self._screen.explain(stage), int(share * 4))
        if now > self._last or now[0] != self._last[0]:
            self._last = now
            self._screen.show(f"{now[0]}… {now[1] * 25} %")
