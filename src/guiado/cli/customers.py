"""`guiado customers`: export and erasure of one customer's personal data."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.choices import is_sure
from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import operator
from guiado.errors import GuiadoError, os_reason, printable

if TYPE_CHECKING:
    from typing import BinaryIO

    from guiado.app.context import AppContext

app = typer.Typer(cls=ManualGroup, help="Datos de un cliente: entregárselos o borrarlos, si lo pide.", no_args_is_help=True)
EmailArgument = Annotated[str, typer.Argument(metavar="CORREO", help="Su dirección, con la que empezó sus sesiones.")]
_PRIVATE = 0o600


@app.command(cls=Manual, help="Escribe en un documento JSON todo lo que se guarda de un cliente.")
def export(
    context: typer.Context,
    email: EmailArgument,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="ARCHIVO", help="Dónde guardarlo; si no, se muestra aquí.")
    ] = None,
) -> None:
    """Write a customer's export to a file or to standard output."""
    known, screen = _address(email), screen_of(context)
    if output is None:
        _write(known, sys.stdout.buffer)
        return
    shown = printable(output)
    try:
        with _private(output) as file:
            _write(known, file)
    except OSError as error:
        raise GuiadoError(
            "No se puede escribir {file} ({problem}). Elige otra ruta.", file=shown, problem=os_reason(error)
        ) from None
    screen.say("✓ Guardado en {file}. Contiene datos personales: solo tú puedes leerlo.", style="green", file=shown)


@app.command(cls=Manual, help="Borra para siempre todo lo que se guarda de un cliente. Las cifras por día no cambian.")
def erase(
    context: typer.Context,
    email: EmailArgument,
    yes: Annotated[bool, typer.Option("--yes", help="No pregunta antes.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a customer's data."""
    from guiado.app.access import customers

    known, screen = _address(email), screen_of(context)
    if not yes and not _confirmed(screen, known):
        return
    erased = operator().read(customers.erase, known)
    if as_json:
        screen.print_json(erased)
    elif erased.deleted or erased.hidden:
        screen.say("✓ Borrado. Filas eliminadas:", style="green")
        _show(screen, erased.deleted)
        if erased.hidden:
            screen.say("Filas de otras personas en las que se ocultó su dirección:")
            _show(screen, erased.hidden)
        screen.say("Las copias de seguridad anteriores todavía tienen estos datos: bórralas cuando venzan.", style="yellow")
    else:
        screen.say("No hay nada guardado de ese cliente.")


def _show(screen: Screen, counts: Mapping[str, int]) -> None:
    for table, count in sorted(counts.items()):
        screen.verbatim(f"  {table}  {count}")


def _confirmed(screen: Screen, email: str) -> bool:
    if not screen.is_interactive:
        raise GuiadoError("Esto borra datos para siempre. Si es lo que quieres, agrega --yes.")
    shown = printable(email)
    return is_sure(screen, screen.tr("Se borrará para siempre todo lo que se guarda de {email}. ¿Seguro? [s/n]", email=shown))


def _address(email: str) -> str:
    from guiado.app import commands
    from guiado.app.validation import check

    return check(commands.Customer, {"customer_email": email}).customer_email


def _private(path: Path) -> BinaryIO:
    """Open a new file, or one that is emptied first, for its owner only."""
    made = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "wb")
    if stat.S_ISREG(os.fstat(made.fileno()).st_mode):  # a terminal or another device is everybody's
        os.fchmod(made.fileno(), _PRIVATE)
    return made


def _write(email: str, file: BinaryIO) -> None:
    from guiado.app.access import customers

    door = operator()
    door.read(customers.note_export, email)

    async def write(parts: AppContext) -> None:
        async for piece in customers.export(parts, door.scope, email):
            file.write(piece)

    door.engine.run(write)
    file.write(b"\n")
    file.flush()
