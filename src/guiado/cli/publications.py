"""`guiado kb versions` and `guiado kb revert`: show the versions of a guide, and put another one into use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of, shown_time
from guiado.cli.help import Manual
from guiado.cli.operator import OPERATOR

if TYPE_CHECKING:
    from guiado.app.knowledge.publications import View


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(
        cls=Manual,
        help="Muestra qué versión de cada guía está en uso, quién la puso y desde cuándo, y qué borradores y conflictos hay.\n"
        "De una guía, todas sus versiones.",
    )(versions)
    app.command(
        cls=Manual,
        help="Vuelve a usar una versión anterior de una guía, o la que elijas de guiado kb versions.\n"
        "Se aplica enseguida y en todos los procesos, hasta que alguien edite esa guía en el archivo.\n"
        "Si había un conflicto, queda resuelto.",
    )(revert)


def versions(
    context: typer.Context,
    problem_id: Annotated[str | None, typer.Argument(metavar="GUÍA", help="Identificador de la guía.")] = None,
    as_json: Json = False,
) -> None:
    """Show the versions in use, drafts and conflicts."""
    from guiado.app.knowledge import publications
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    running.portal.call(running.runtime.knowledge_of, None)  # with the latest edit of the file
    found = running.door(*OPERATOR).read(publications.versions, "", problem_id)
    if as_json:
        screen.print_json(found)
        return
    for row in found:
        _show(screen, row)
    conflicts = sorted({row["guide"] for row in found if row["conflict"]})
    if conflicts:
        screen.say(
            "El archivo se editó sin conocer esos borradores. Elige qué versión se usa con: guiado kb revert {guide} VERSIÓN",
            style="yellow",
            guide=conflicts[0],
        )


def revert(
    context: typer.Context,
    problem_id: Annotated[str, typer.Argument(metavar="GUÍA", help="Identificador de la guía.")],
    version: Annotated[
        int | None, typer.Argument(metavar="VERSIÓN", min=1, help="Su número; por defecto, la que se usaba antes.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put another version of a guide into use."""
    from guiado.app.knowledge import publications
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    running.portal.call(running.runtime.knowledge_of, None)  # with the latest edit of the file
    number = running.door(*OPERATOR).write(publications.revert, "", problem_id, OPERATOR[0], version).version
    if as_json:
        screen.print_json({"guide": problem_id, "version": number, "state": "in_use"})
        return
    screen.say("✓ La guía {guide} usa la versión {version}.", style="green", guide=problem_id, version=number)


def _show(screen: Screen, row: View) -> None:
    from rich.text import Text

    states = {
        "in_use": screen.tr("en uso"),
        "draft": screen.tr("borrador"),
        "approved": screen.tr("borrador aprobado"),
        "former": screen.tr("anterior"),
        "discarded": screen.tr("descartado"),
    }
    by = screen.tr("archivo") if row["by"] == "file" else row["by"]
    told = [screen.tr("versión {version}", version=row["version"]), states[row["state"]], by, shown_time(row["since"])]
    line = Text.assemble((row["guide"], "bold cyan"), "  ", " · ".join(told))
    if row["conflict"]:
        line.append("  " + screen.tr("en conflicto"), "bold yellow")
    screen.show(line)
