"""`guiado doctor`: checks of this installation, with the remedy for each fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Screen, screen_of
from guiado.cli.help import Manual
from guiado.store.check_result import CheckState

if TYPE_CHECKING:
    from guiado.checkup import ShownFinding

_MARKS: dict[str, tuple[str, str]] = {
    CheckState.GOOD: ("✓", "green"),
    CheckState.DOUBTFUL: ("!", "yellow"),
    CheckState.BAD: ("✗", "bold red"),
}


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        cls=Manual,
        help="Revisa la instalación y dice qué falla y cómo arreglarlo. Termina con código 1 si algo falla.\n"
        "Si la base de datos integrada está detenida, la arranca para revisarla y la vuelve a detener.",
    )(doctor)


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Muestra JSON, para programas.")] = False,
) -> None:
    """Run all checks and show the findings."""
    from guiado.checkup import look_at_everything, report_of

    screen = screen_of(context)
    report = report_of(look_at_everything(), screen.explain)
    if as_json:
        screen.verbatim(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for check in report["checks"]:
            _show(screen, check)
        _conclude(screen, report["checks"])
    raise typer.Exit(0 if report["ok"] else 1)


def _show(screen: Screen, check: ShownFinding) -> None:
    from rich.text import Text

    mark, style = _MARKS[check["state"]]
    screen.verbatim(Text.assemble((f"{mark} ", style), check["what"]))
    if check["remedy"]:
        screen.verbatim(f"  → {check['remedy']}", style="dim" if check["state"] == CheckState.GOOD else "")


def _conclude(screen: Screen, checks: list[ShownFinding]) -> None:
    bad_ones = sum(check["state"] == CheckState.BAD for check in checks)
    doubts = sum(check["state"] == CheckState.DOUBTFUL for check in checks)
    if bad_ones:
        screen.say("Fallos: {count}. Avisos: {doubts}.", style="bold red", count=bad_ones, doubts=doubts)
    else:
        screen.say("Todo en orden. Avisos: {doubts}.", style="bold green", doubts=doubts)
