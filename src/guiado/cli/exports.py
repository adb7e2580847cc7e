"""`guiado kb export`: the knowledge base that ships, or the guides in use, in a file that can be edited and imported."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Screen, screen_of
from guiado.cli.help import Manual
from guiado.cli.kb_history import guides_in_use
from guiado.errors import GuiadoError, os_reason, printable

if TYPE_CHECKING:
    from guiado.domain.guide import Guide

_NAME = "support_troubleshooting_kb.json"
_STEM = "guias"
"""Name of an export of the guides in use, before its ending."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        cls=Manual,
        help="Copia la base de conocimiento original a un archivo que puedes editar.\n"
        "Con --in-use, las guías que están en uso, con lo que se editó e importó. Con --format, en otro formato:\n"
        "json y yaml lo guardan todo; csv, excel y markdown, el texto en español.",
    )(export)


def export(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="ARCHIVO", help=("Dónde guardarla; por defecto, en esta carpeta y con su nombre."))
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="FORMATO", help="json, yaml, csv, excel o markdown (una carpeta).")
    ] = None,
    in_use: Annotated[bool, typer.Option("--in-use", help="Las guías en uso, y no las originales.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Sustituye el archivo si ya existe.")] = False,
) -> None:
    """Write the knowledge base that ships, or the guides in use, to a file."""
    screen = screen_of(context)
    if format_name is None and not in_use:
        _copy_shipped(screen, file or Path(_NAME), force=force)
        return
    from guiado.app.knowledge.exporting import exporter_of, write_guides

    exporter = exporter_of(format_name, file)
    target = file or Path(f"{_STEM}{exporter.endings[0]}")
    _check_free(target, force=force)
    guides = guides_in_use()[1] if in_use else _shipped()
    try:
        left_out = write_guides(guides, exporter, target)
    except OSError as error:
        raise _cannot_write(target, error) from None
    screen.say("✓ Listo: {file}. Guías: {count}.", style="green", file=printable(target), count=len(guides))
    if left_out:
        fields = ", ".join(left_out)
        screen.say("Este formato no guarda: {fields}. Para guardarlo todo, usa json o yaml.", style="yellow", fields=fields)
    screen.say("Para usarlas en otra instalación:", style="green")
    screen.verbatim(screen.command("kb", "import", shlex.quote(str(target))), style="bold")


def _shipped() -> Mapping[str, Guide]:
    from guiado.app.knowledge.sources.json_file import read_file
    from guiado.resources import data_path

    return read_file(data_path("integrations", _NAME)).guides


def _copy_shipped(screen: Screen, file: Path, *, force: bool) -> None:
    from guiado.app.knowledge.exporting import in_place_of
    from guiado.resources import data_path

    _check_free(file, force=force)
    try:
        with in_place_of(file) as made:
            made.write_bytes(data_path("integrations", _NAME).read_bytes())
    except OSError as error:
        raise _cannot_write(file, error) from None
    screen.say("✓ Listo: {file}. Edítalo y revísalo con:", style="green", file=printable(file))
    screen.verbatim(screen.command("kb", "lint", shlex.quote(str(file))), style="bold")
    screen.say("Para usarla, agrega esta línea al archivo .env y reinicia:", style="green")
    screen.verbatim(f"GUIADO_KB_PATH={file.resolve()}", style="bold")


def _check_free(file: Path, *, force: bool) -> None:
    try:
        is_there, others = file.exists() or file.is_symlink(), _others(file)
    except OSError as error:
        raise _cannot_write(file, error) from None
    if is_there and not force:
        raise GuiadoError("{file} ya existe. Usa --force para sustituirlo o elige otro nombre.", file=printable(file))
    if others:
        why = "{file} es una carpeta con otras cosas, como {other}. Elige otra ruta."
        raise GuiadoError(why, file=printable(file), other=printable(others[0]))


def _others(folder: Path) -> list[str]:
    """Names in a folder that no export wrote."""
    return sorted(each.name for each in folder.iterdir() if each.suffix != ".md") if folder.is_dir() else []


def _cannot_write(file: Path, error: OSError) -> GuiadoError:
    problem = os_reason(error)
    return GuiadoError("No se puede escribir {file} ({problem}). Elige otra ruta.", file=printable(file), problem=problem)
