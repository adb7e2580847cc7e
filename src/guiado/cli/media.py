"""`guiado kb media`: the pictures of the guides: add, list, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import operator
from guiado.errors import GuiadoError, InvalidInput, os_reason, printable

if TYPE_CHECKING:
    from guiado.app.knowledge.media import MediumOut

app = typer.Typer(cls=ManualGroup, help="Imágenes de las guías: guardar, ver, borrar.", no_args_is_help=True)
_KB = 1_024


def add_to(group: typer.Typer) -> None:
    """Add these commands."""
    group.add_typer(app, name="media")


@app.command(
    cls=Manual,
    help="Guarda imágenes para las guías y da la dirección de cada una.\n"
    "Escríbela en el campo media de un paso. Se quitan los datos ocultos, como el lugar.",
)
def add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="ARCHIVO", help="PNG, JPEG, WebP o GIF, de hasta 10 MB.")],
    as_json: Json = False,
) -> None:
    """Store pictures."""
    screen = screen_of(context)
    added: list[MediumOut | None] = []
    refused: dict[str, str] = {}
    for file in files:
        try:
            added.append(_add(file))
        except GuiadoError as error:
            added.append(None)
            refused[str(file)] = _why(screen, error)
    if as_json:
        found = [{"file": str(file), "medium": medium} for file, medium in zip(files, added, strict=True) if medium]
        screen.print_json({"added": found, "errors": [{"file": file, "message": why} for file, why in refused.items()]})
    else:
        for file, medium in zip(files, added, strict=True):
            if medium:
                _show(screen, medium, printable(file.name))
        for file, why in refused.items():
            screen.say("✗ {file}: {why}", style="red", file=printable(file), why=why)
    if refused:
        raise typer.Exit(1)


def _add(file: Path) -> MediumOut:
    from guiado.app.knowledge import media
    from guiado.app.sessions.pictures import MAX_UPLOAD_BYTES

    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_UPLOAD_BYTES + 1)
    except OSError as error:
        raise GuiadoError("No se puede leer ({why}). Revisa la ruta y los permisos.", why=os_reason(error)) from None
    return operator().write(media.add, file.name, media.prepared(content))


def _why(screen: Screen, error: GuiadoError) -> str:
    if isinstance(error, InvalidInput):
        return " ".join(screen.explain(each.message) for each in error.problems)
    return screen.explain(error)


@app.command("list", cls=Manual, help="Muestra las imágenes guardadas y su dirección.")
def list_media(context: typer.Context, as_json: Json = False) -> None:
    """Show all pictures."""
    from guiado.app.knowledge import media

    screen, found = screen_of(context), operator().read(media.list_all)
    if as_json:
        screen.print_json(found)
        return
    if not found:
        screen.say("Todavía no hay imágenes. Guarda una con: guiado kb media add ARCHIVO")
    for each in found:
        _show(screen, each, each.name)


@app.command(cls=Manual, help="Borra una imagen. Si una guía en uso la muestra, solo con --force.")
def remove(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="DIRECCIÓN", help="La que da guiado kb media list, o su comienzo.")],
    force: Annotated[bool, typer.Option("--force", help="Bórrala aunque una guía la muestre.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a picture."""
    from guiado.app.knowledge import media

    screen, gone = screen_of(context), operator().write(media.remove, address, is_forced=force)
    if as_json:
        screen.print_json(gone)
        return
    screen.say("✓ Imagen borrada: {name}.", style="green", name=gone.name)


def _show(screen: Screen, medium: MediumOut, name: str) -> None:
    screen.verbatim(medium.address, style="bold cyan")
    screen.show(f"  {name} · {medium.width}×{medium.height} · {max(1, medium.size_bytes // _KB)} KB", style="dim")
