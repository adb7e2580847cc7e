"""`guiado sessions attachments`: the pictures of a session as files; and how many there are, for `guiado sessions show`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual
from guiado.cli.operator import SessionId, operator
from guiado.errors import GuiadoError, os_reason, printable

if TYPE_CHECKING:
    from guiado.app.sessions.models import AttachmentOut

_KB = 1_024


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(cls=Manual, help="Guarda en archivos las imágenes que el cliente agregó a una sesión.")(attachments)


def attachments(
    context: typer.Context,
    session_id: SessionId,
    output: Annotated[
        Path, typer.Option("--output", metavar="CARPETA", help="Dónde guardarlas; si no, en esta carpeta.")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Write the pictures of a session into a folder."""
    from guiado.app.sessions.attachments import file_name, list_of
    from guiado.app.sessions.search import on_session

    screen, found = screen_of(context), operator().read(on_session, session_id, list_of)
    files = [output / file_name(each, number) for number, each in enumerate(found, 1)]
    for each, path in zip(found, files, strict=True):
        _write(each, path)
    if as_json:
        screen.print_json({"files": [str(path) for path in files], "attachments": found})
        return
    if not found:
        screen.say("Esta sesión no tiene imágenes.")
        return
    for each, path in zip(found, files, strict=True):
        screen.verbatim(f"{printable(path)}  {each.width}×{each.height} · {_size(each)}")
    screen.say("✓ Imágenes guardadas: {count}. Son datos personales: solo tú puedes leerlas.", style="green", count=len(files))


def show_pictures(screen: Screen, session: str, pictures: list[AttachmentOut]) -> None:
    """Print how many pictures a session has, and how to see them.

    Args:
        session: its short name.
    """
    if pictures:
        screen.show()
        command = screen.command("sessions", "attachments", session)
        screen.say("Imágenes del cliente: {count}. Para guardarlas: {command}", count=len(pictures), command=command)


def _write(attachment: AttachmentOut, path: Path) -> None:
    """Write a picture for its owner only. A link of that name is replaced, not followed."""
    from guiado.app.sessions.attachments import read_one

    _, content = operator().read(read_one, attachment.session_id, attachment.attachment_id)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".guiado-", delete=False) as file:
            file.write(content)
        os.replace(file.name, path)  # noqa: PTH105 the other form takes the name of a path that is none yet
    except OSError as error:
        raise GuiadoError(
            "No se puede escribir {file} ({problem}). Elige otra ruta.", file=printable(path), problem=os_reason(error)
        ) from None


def _size(attachment: AttachmentOut) -> str:
    return f"{max(1, round(attachment.size_bytes / _KB))} KB"
