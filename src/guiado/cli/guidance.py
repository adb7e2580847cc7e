"""`guiado guidance`: what the order of steps is learned from, and whether it is what the sessions say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual, ManualGroup

if TYPE_CHECKING:
    from guiado.app.learning.evidence import EvidenceCheck

app = typer.Typer(cls=ManualGroup, help="El orden de los pasos: de qué se aprende.", no_args_is_help=True)
_MOST_SHOWN = 10


@app.command(
    cls=Manual,
    help="Comprueba que lo guardado para aprender el orden de los pasos es lo que dicen las sesiones, día por día.\n"
    "Con --repair cuenta otra vez los días que no coinciden.",
)
def verify(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Cuenta otra vez los días que no coinciden.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the stored patterns with the sessions; exit code 1 where they differ."""
    from guiado.app.learning import evidence
    from guiado.sync import engine

    screen, found = screen_of(context), engine().run(evidence.repair if repair else evidence.verify)
    if as_json:
        screen.print_json(found)
    else:
        _tell(screen, found)
    raise typer.Exit(0 if found.valid else 1)


def _tell(screen: Screen, found: EvidenceCheck) -> None:
    if found.repaired:
        screen.say("✓ Contado otra vez lo que no coincidía.", style="green")
    if found.valid:
        screen.say(
            "✓ Lo guardado coincide con las sesiones. Días: {days}. Sesiones: {sessions}, de {problems} guías.",
            style="green", days=found.days, sessions=found.sessions, problems=found.problems,
        )  # fmt: skip
        return
    wrong = [*(day.isoformat() for day in found.differing), *found.miscounted]
    shown = ", ".join(wrong[:_MOST_SHOWN]) + (" …" if len(wrong) > _MOST_SHOWN else "")
    screen.complain(
        screen.tr("No coincide con las sesiones: {shown}\nPara contarlo otra vez: guiado guidance verify --repair", shown=shown)
    )
