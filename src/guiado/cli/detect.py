"""`guiado detect`: rank known problems for a text, and measure detection. Works without a database too."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import TEXT, Manual, ManualOfText

if TYPE_CHECKING:
    from guiado.app.learning.labelled_texts import Trial
    from guiado.cli.detection_setup import Workbench
    from guiado.errors import FieldProblem

app = typer.Typer(
    cls=ManualOfText,
    help="Dice qué problemas conocidos podrían ser y por qué. No guarda nada.\n"
    "Con - en lugar del texto, lo lee de la entrada. Termina con código 0 aunque no sea ninguno: mira verdict con --json.",
    no_args_is_help=True,
)
_MOST_SHOWN = 10
_MISUSED = 2


@app.command(TEXT, cls=Manual, hidden=True, help="Dice qué problemas conocidos podrían ser y por qué. No guarda nada.")
def rank(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXTO", help="Las palabras del cliente, entre comillas.")],
    explain: Annotated[bool, typer.Option("--explain", help="Explica cómo se llegó al resultado.")] = False,
    as_json: Json = False,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Usa solo el archivo, sin la base de datos ni lo aprendido.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=20, help="Cuántos como máximo, de 1 a 20.")] = 3,
) -> None:
    """Rank the known problems for a text."""
    from guiado.app import commands
    from guiado.app.sessions.detect import detect, view
    from guiado.app.validation import check
    from guiado.cli import detection_report
    from guiado.errors import InvalidInput

    screen = screen_of(context)
    try:
        given = check(commands.Detect, {"problem_description": sys.stdin.read() if text == "-" else text, "limit": limit})
    except InvalidInput as error:
        raise InvalidInput([replace(problem, field="TEXTO") for problem in error.problems]) from None
    bench = _open(screen, file_only=file_only)
    detected = detect(bench.index, bench.guides, given.problem_description, bench.none_below, bench.accept_from, given.limit)
    rows = view(detected, bench.guides, screen.language)
    found = detection_report.Found(given.problem_description, detected, rows, bench)
    if as_json:
        screen.print_json(detection_report.as_json(found, screen.language))
    elif explain:
        detection_report.explain(screen, found)
    else:
        detection_report.tell(screen, found)


def _open(screen: Screen, *, file_only: bool) -> Workbench:
    from guiado.cli.detection_setup import open_detector, open_workbench
    from guiado.errors import KnowledgeBaseInvalid

    if file_only:
        return open_workbench()
    bench, trouble = open_detector()
    if isinstance(trouble, KnowledgeBaseInvalid):
        screen.complain(screen.tr("El archivo tiene errores: se usa la última versión buena. Míralos con: guiado kb lint"))
    elif trouble is not None:
        screen.complain(screen.tr("La base de datos no responde, así que se usa solo el archivo, sin lo aprendido."))
        screen.complain(screen.explain(trouble))
    return bench


@app.command(
    "eval",
    cls=Manual,
    help="Mide la detección con frases cuyo problema se conoce.\n"
    'Las filas llevan text y problem_id (vacío o null: ninguno); en JSON también se admite {{"test": [[texto, '
    "problema], …]}}.",
)
def evaluate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="ARCHIVO", help="JSON Lines, CSV o JSON.")],
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="IMAGEN", help="Guarda el diagrama de fiabilidad como PNG.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="TABLA", help="Guarda la tabla de confusiones entera como CSV.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure detection on labelled texts."""
    from guiado.app.learning import evaluate as trials
    from guiado.cli import evaluation_report
    from guiado.cli.detection_setup import open_workbench

    screen, bench = screen_of(context), open_workbench()
    trial = _read(screen, file, bench)
    bench = bench.for_trial(trial)
    with screen.out.status(screen.tr("Frases: {count}", count=len(trial.rows))):
        report = trials.evaluate(bench.index, bench.guides, trial.rows, bench.none_below, bench.accept_from)
    if as_json:
        screen.verbatim(json.dumps(evaluation_report.as_json(report, bench), ensure_ascii=False, indent=2))
    else:
        evaluation_report.show(screen, report, bench)
    if output:
        evaluation_report.save_confusions(screen, report, output)
    if plot:
        evaluation_report.save_plot(screen, report, plot, file.name)


def _read(screen: Screen, file: Path, bench: Workbench) -> Trial:
    from guiado.app.learning.labelled_texts import read_trial
    from guiado.errors import InvalidInput, printable

    try:
        return read_trial(file, bench.guides)
    except InvalidInput as error:
        if len(error.problems) == 1:
            raise
        _complain(screen, error.problems, printable(file.name))
        raise typer.Exit(_MISUSED) from None


def _complain(screen: Screen, problems: list[FieldProblem], name: str) -> None:
    for problem in problems[:_MOST_SHOWN]:
        screen.complain(f"✗ {screen.explain(problem)}")
    screen.complain(screen.tr("✗ {file} no se puede usar. Errores: {count}.", file=name, count=len(problems)))
