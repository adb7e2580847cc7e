"""`guiado tenants`: create tenants, and list those that there are."""

from __future__ import annotations

from typing import Annotated

import typer

from guiado.cli.console import Json, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup

app = typer.Typer(
    cls=ManualGroup,
    help="Organizaciones (tenants) que comparten esta instalación sin ver lo de las demás.",
    no_args_is_help=True,
)


@app.command(
    cls=Manual,
    help="Crea una organización (tenant) y publica las guías también para ella.\n"
    "Desde entonces la atiende cualquier proceso de guiado.",
)
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NOMBRE", help="Su nombre: de 1 a 64 caracteres. Es lo que va en GUIADO_TENANT.")
    ],
    as_json: Json = False,
) -> None:
    """Create a tenant, and publish the guides of the file for it."""
    from guiado.app import tenants
    from guiado.sync import engine

    running, screen = engine(), screen_of(context)
    made = running.run(lambda parts: tenants.create(parts, name))
    problems = len(running.portal.call(running.runtime.knowledge_in, name).snapshot.guides)
    if as_json:
        screen.print_json({"tenant": made.name, "created_at": made.created_at, "problems": problems})
        return
    screen.say("✓ Organización {name} creada, con {count} problemas.", style="green", name=name, count=problems)


@app.command("list", cls=Manual, help="Muestra las organizaciones (tenants) que hay.")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show the tenants that were created, that have data, or that this process works for."""
    from guiado.app import tenants
    from guiado.sync import engine

    screen, found = screen_of(context), engine().run(tenants.every)
    if as_json:
        screen.print_json([{"tenant": one.name, "created_at": one.created_at, "is_own": one.is_own} for one in found])
        return
    for one in found:
        screen.verbatim(one.name, style="bold")
        since = (
            screen.tr("desde {moment}", moment=shown_time(one.created_at))
            if one.created_at
            else screen.tr("solo la atienden los procesos con su nombre en GUIADO_TENANT")
        )
        own = screen.tr("la de este proceso (GUIADO_TENANT)")
        screen.show(f"  {own if one.is_own else since}", style="dim")
