"""Print and save the figures of an evaluation."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from guiado.app.learning.evaluate import Report
from guiado.cli.console import Screen
from guiado.cli.detection_report import percent
from guiado.cli.detection_setup import Workbench
from guiado.detection.verdict import Verdict
from guiado.errors import GuiadoError, os_reason, printable

if TYPE_CHECKING:
    from rich.table import Table

_MOST_PAIRS = 10
_SAMPLE_CHARS = 60


def as_json(report: Report, bench: Workbench) -> dict[str, object]:
    """All figures as plain values; shares are 0..1, null where there is nothing to measure."""
    return {
        "detector": bench.index.version,
        "threshold": bench.none_below,
        "accept_from": bench.accept_from,
        **asdict(report.figures),
        "verdicts": {
            "known": {verdict.value: report.verdicts_inside[verdict] for verdict in Verdict},
            "none": {verdict.value: report.verdicts_outside[verdict] for verdict in Verdict},
        },
        "confusions": [
            {"problem_id": pair[0], "found": pair[1], "count": count, "example": report.samples[pair]}
            for pair, count in report.worst(len(report.pairs))
        ],
        "p50_ms": report.p50_ms,
        "p99_ms": report.p99_ms,
    }


def show(screen: Screen, report: Report, bench: Workbench) -> None:
    """Print the figures, the verdicts and the most frequent confusions."""
    screen.show(_grid(list(_figures(screen, report))))
    screen.show()
    screen.show(_verdicts(screen, report, bench))
    _show_confusions(screen, report)


def _figures(screen: Screen, report: Report) -> Iterator[tuple[str, str, str]]:
    figures = report.figures
    total = screen.tr(
        "{known} de un problema conocido, {none} de ningún problema conocido", known=figures.in_scope, none=figures.out_of_scope
    )
    yield screen.tr("Frases"), str(figures.in_scope + figures.out_of_scope), total
    for label, share, meaning in (
        (screen.tr("Aciertos"), figures.accuracy, screen.tr("el primer candidato es el correcto")),
        (screen.tr("Entre los tres primeros"), figures.top3, screen.tr("el correcto está entre ellos")),
        (
            screen.tr("Aciertos propuestos"),
            figures.accepted_right,
            screen.tr("el primer candidato es el correcto y supera el umbral"),
        ),
        (
            screen.tr("Rechazos"),
            figures.refused,
            screen.tr("frases de ningún problema conocido para las que no se propone nada"),
        ),
        (
            "AUROC",
            figures.auroc,
            screen.tr("cómo separa la confianza las frases de un problema conocido de las demás; 50 % es azar"),
        ),
        ("ECE", figures.ece, screen.tr("diferencia entre la confianza y los aciertos reales; cuanto menor, mejor")),
        ("ECE20", figures.ece20, screen.tr("lo mismo, con un 20 % de frases de ningún problema conocido")),
    ):
        yield label, percent(screen, share, 1), meaning
    times = f"{report.p50_ms:.1f} / {report.p99_ms:.1f} ms"
    yield screen.tr("Tiempo"), times if screen.language == "en" else times.replace(".", ","), "p50 / p99"


def _grid(rows: list[tuple[str, str, str]]) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(style="bold", justify="right", no_wrap=True)
    grid.add_column(style="dim", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def _verdicts(screen: Screen, report: Report, bench: Workbench) -> Table:
    from rich.table import Table

    low, high = percent(screen, bench.none_below), percent(screen, bench.accept_from)
    names = (
        screen.tr("se reconoce (≥ {high})", high=high),
        screen.tr("se pregunta"),
        screen.tr("ninguno (< {low})", low=low),
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for label, counts in (
        (screen.tr("de un problema conocido"), report.verdicts_inside),
        (screen.tr("de ningún problema conocido"), report.verdicts_outside),
    ):
        if total := counts.total():
            table.add_row(label, *(percent(screen, counts[verdict] / total, 1) for verdict in Verdict))
    return table


def _show_confusions(screen: Screen, report: Report) -> None:
    from rich.table import Table

    worst = report.worst(_MOST_PAIRS)
    screen.show()
    if not worst:
        screen.say("No hubo confusiones.", style="green")
        return
    screen.say("Confusiones más frecuentes", style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(screen.tr("veces"), justify="right")
    table.add_column(screen.tr("problema real"), overflow="fold")
    table.add_column(screen.tr("se reconoció como"), overflow="fold")
    table.add_column(screen.tr("por ejemplo"), overflow="fold", ratio=1)
    nothing = screen.tr("ninguno")
    for (right, taken), count in worst:
        table.add_row(str(count), right or nothing, taken or nothing, f"«{_short(report.samples[right, taken])}»")
    screen.show(table)


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SAMPLE_CHARS else f"{line[:_SAMPLE_CHARS].rstrip()}…"


def save_confusions(screen: Screen, report: Report, path: Path) -> None:
    """Write the count of each pair of right and found problem, right ones too, as CSV; an empty cell is no known problem.

    Raises:
        GuiadoError: it cannot be written.
    """
    rows = sorted(report.pairs.items(), key=lambda item: (str(item[0][0] or ""), -item[1], str(item[0][1] or "")))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("problem_id", "found", "count"))
    writer.writerows((right or "", taken or "", count) for (right, taken), count in rows)
    _write(screen, path, text.getvalue().encode("utf-8"))


def save_plot(screen: Screen, report: Report, path: Path, name: str) -> None:
    """Save the reliability diagram as PNG.

    Args:
        name: of what was tried, for the title.

    Raises:
        GuiadoError: it cannot be written.
    """
    from guiado.cli.reliability_plot import draw

    _write(screen, path, draw(screen, report.figures, printable(name)))


def _write(screen: Screen, path: Path, content: bytes) -> None:
    shown = printable(path)
    try:
        path.write_bytes(content)
    except (OSError, ValueError) as error:
        problem = os_reason(error) if isinstance(error, OSError) else shown
        raise GuiadoError("No se puede escribir {file} ({problem}). Elige otra ruta.", file=shown, problem=problem) from None
    # Beside the figures, which may be JSON for a program.
    screen.errors.print(screen.tr("✓ Guardado: {file}", file=shown), style="green", soft_wrap=True)
