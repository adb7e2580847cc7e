"""`guiado audit`: who did what, and whether anybody changed the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, read_time, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import operator
from guiado.errors import Message

if TYPE_CHECKING:
    from guiado.app.access.audit_log import Verification
    from guiado.store.audit import AuditEntry

app = typer.Typer(cls=ManualGroup, help="Auditoría: quién hizo qué, y si alguien cambió el registro.", no_args_is_help=True)


@app.command("list", cls=Manual, help="Muestra quién hizo qué, de lo más nuevo a lo más antiguo.")
def list_(
    context: typer.Context,
    actor: Annotated[str | None, typer.Option(metavar="QUIÉN", help="Solo lo que hizo: operator, key:…, customer…")] = None,
    action: Annotated[str | None, typer.Option(metavar="ACCIÓN", help="Solo esta acción: read, register, remove…")] = None,
    since: Annotated[str | None, typer.Option(metavar="FECHA", help="Desde esa fecha, por ejemplo 2026-11-22T10:00.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Cuántas filas, como máximo (50).")] = 50,
    as_json: Json = False,
) -> None:
    """Show the newest rows of the audit log."""
    from guiado.app.access import audit_log
    from guiado.store.audit import AuditFilter

    screen, wanted = screen_of(context), AuditFilter(actor, action, read_time("--since", since))
    found = operator().read(audit_log.entries, wanted, limit)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("No hay nada anotado que cumpla esas condiciones.")
    for each in [] if as_json else found:
        _show(screen, each)


@app.command(
    cls=Manual,
    help="Comprueba que nadie cambió, borró ni agregó filas en el registro, y dice hasta dónde está sellado.\n"
    "Guarda en otro sitio el final de la cadena que muestra: con --head se comprueba que sigue en ella.",
)
def verify(
    context: typer.Context,
    head: Annotated[
        str | None, typer.Option("--head", metavar="NÚMERO:HUELLA", help="Un final de la cadena que guardaste antes.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the chain of the audit log; exit code 1 where it is broken."""
    from guiado.app.access import audit_log

    screen, found = screen_of(context), operator().read(audit_log.verify, head)
    if as_json:
        screen.print_json(found)
    else:
        _tell(screen, found)
    raise typer.Exit(0 if found.valid else 1)


def _tell(screen: Screen, found: Verification) -> None:
    if found.fault:
        said = _FAULTS[found.fault]
        screen.complain(screen.explain(Message(said.template, {"seq": found.fault_seq, "id": found.fault_id})))
    elif found.kept is False:
        screen.complain(screen.tr("El final que guardaste no está en la cadena: alguien la cambió, o la retención ya lo borró."))
    else:
        screen.say("✓ El registro está íntegro. Filas comprobadas: {count}.", style="green", count=found.rows)
    if found.deleted:
        screen.say("Filas que borró la retención: {count}.", count=found.deleted)
    if found.head:
        screen.say("Sellado hasta el {time}. Final de la cadena:", time=shown_time(found.sealed_at))
        screen.verbatim(found.head)
    if found.unsealed:
        screen.say("Filas sin sellar todavía: {count}.", count=found.unsealed)


_FAULTS = {
    "changed": Message("La fila {seq} ({id}) no es la que se selló, o el secreto de la instalación es otro."),
    "missing": Message("Falta la fila {seq} de la cadena: alguien la borró o la quitó de su lugar."),
    "inserted": Message("La fila {seq} no debería estar en la cadena: alguien la agregó."),
    "cut": Message("Falta el final de la cadena, desde la fila {seq}: alguien lo borró."),
    "checkpoint": Message("El comienzo de la cadena, en la fila {seq}, no es el que dejó la retención."),
    "unsealed_checkpoint": Message(
        "El comienzo de la cadena, en la fila {seq}, no está sellado. Si acabas de borrar datos con psql, espera unos segundos "
        "con guiado serve en marcha y repite; si sigue igual, alguien lo cambió."
    ),
    "head": Message("El final de la cadena, en la fila {seq}, no es el que se selló, o el secreto de la instalación es otro."),
}
"""Kind of fault -> what is said of it."""


def _show(screen: Screen, entry: AuditEntry) -> None:
    from rich.text import Text

    what = " ".join(filter(None, (entry.object_type, entry.object_id)))
    told = f"  {shown_time(entry.at)}  "
    screen.show(Text.assemble((entry.action, "bold cyan"), told, (entry.actor, "bold"), f"  {what}"))
