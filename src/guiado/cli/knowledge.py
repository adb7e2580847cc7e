"""`guiado kb`: check, read and copy the knowledge base. Works without a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.manual import Manual, ManualGroup
from guiado.cli.screen import Screen, bullets, screen_of
from guiado.errors import FieldProblem, GuiadoError, KnowledgeBaseInvalid, NotFound, os_reason, printable

if TYPE_CHECKING:
    from guiado.domain.guide import Guide, Step

app = typer.Typer(cls=ManualGroup, help="Base de conocimiento: revisar, ver y copiar.", no_args_is_help=True)
_NAME = "support_troubleshooting_kb.json"


@app.command(
    cls=Manual,
    help="Revisa un archivo de base de conocimiento y dice qué corregir y dónde.\nTermina con código 1 si hay errores.",
)
def lint(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="ARCHIVO", help="Archivo JSON; por defecto, el que está en uso.")] = None,
) -> None:
    """Check a knowledge-base file."""
    from guiado.app.knowledge import read_file
    from guiado.app.lint import MOST_TRIED, can_try

    screen, path = screen_of(context), file or _path_in_use()
    try:
        entries = read_file(path)
    except KnowledgeBaseInvalid as error:
        _show_findings(screen, error.problems, "✗", "red")
        _show_findings(screen, error.warnings, "!", "yellow")
        name, count = printable(path.name), len(error.problems)
        screen.say("✗ {file} no se puede usar. Errores: {count}.", style="bold red", file=name, count=count)
        raise typer.Exit(1) from None
    warnings = [*entries.findings.warnings, *_doubts(entries.guides)]
    _show_findings(screen, warnings, "!", "yellow")
    if not can_try(entries.guides):
        screen.say(
            "Hay más de {limit} frases: no se probó cada una. Mídelas con: guiado detect eval", style="dim", limit=MOST_TRIED
        )
    count, doubts = len(entries.guides), len(warnings)
    screen.say(
        "✓ {file} se puede usar. Guías: {count}. Avisos: {doubts}.",
        style="bold green",
        file=printable(path.name),
        count=count,
        doubts=doubts,
    )


@app.command(cls=Manual, help="Muestra las guías, o una entera.")
def show(
    context: typer.Context,
    problem_id: Annotated[str | None, typer.Argument(metavar="GUÍA", help="Identificador de la guía.")] = None,
) -> None:
    """Show all guides in short, or one in full."""
    from guiado.app.knowledge import read_file

    screen, guides = screen_of(context), read_file(_path_in_use()).guides
    if problem_id is None:
        for guide in guides.values():
            _show_row(screen, guide.in_language(screen.language))
    elif problem_id in guides:
        _show_guide(screen, guides[problem_id].in_language(screen.language))
    else:
        raise NotFound("No hay ninguna guía {problem_id}. Mira la lista con: guiado kb show", problem_id=printable(problem_id))


@app.command(cls=Manual, help="Copia la base de conocimiento original a un archivo que puedes editar.")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="ARCHIVO", help="Dónde; por defecto, aquí y con su nombre.")] = Path(_NAME),
    force: Annotated[bool, typer.Option("--force", help="Sustituye el archivo si ya existe.")] = False,
) -> None:
    """Write the knowledge base that ships to a file."""
    from guiado.resources import data_path

    shown = printable(file)
    try:
        if file.exists() and not force:
            raise GuiadoError("{file} ya existe. Usa --force para sustituirlo o elige otro nombre.", file=shown)
        file.write_bytes(data_path("integrations", _NAME).read_bytes())
    except OSError as error:
        raise GuiadoError(
            "No se puede escribir {file} ({problem}). Elige otra ruta.", file=shown, problem=os_reason(error)
        ) from None
    screen = screen_of(context)
    screen.say("✓ Listo: {file}. Edítalo, revísalo con guiado kb lint y ponlo en uso con:", style="green", file=file)
    screen.verbatim(f"GUIADO_KB_PATH={file.resolve()}", style="bold")


def _path_in_use() -> Path:
    from guiado.settings import read_settings
    from guiado.wiring import knowledge_path

    return knowledge_path(read_settings())


def _doubts(guides: Mapping[str, Guide]) -> list[FieldProblem]:
    from guiado.app.lint import lint as look_at
    from guiado.cli.workbench import quick_index_of, thresholds
    from guiado.settings import read_settings

    return look_at(guides, *thresholds(read_settings()), quick_index_of).warnings


def _show_findings(screen: Screen, findings: list[FieldProblem], mark: str, style: str) -> None:
    from rich.text import Text

    for found in findings:
        screen.verbatim(Text.assemble((f"{mark} ", style), (found.field, "bold"), f": {screen.explain(found.message)}"))


def _show_row(screen: Screen, guide: Guide) -> None:
    from rich.text import Text

    steps = screen.tr("Pasos: {count}", count=len(guide.steps))
    screen.show(Text(guide.problem_id, style="bold cyan"))
    screen.show(f"  {guide.problem_title}")
    screen.show(Text("  " + " · ".join(filter(None, (str(guide.category), steps, guide.estimated_time))), style="dim"))


def _show_guide(screen: Screen, guide: Guide) -> None:
    _show_row(screen, guide)
    if guide.problem_description:
        screen.show(guide.problem_description)
    for title, lines in (
        (screen.tr("Ten a mano"), guide.prerequisites),
        (screen.tr("Cómo lo dicen los clientes"), guide.common_issues),
    ):
        _show_block(screen, title, lines)
    for step in guide.steps:
        _show_step(screen, step, len(guide.steps))
    _show_block(screen, screen.tr("Cuándo pasar a una persona"), guide.escalation_criteria)


def _show_step(screen: Screen, step: Step, total: int) -> None:
    screen.show()
    words = screen.tr("Paso {number} de {total}", number=step.step_number, total=total)
    screen.show(f"{words}: {step.title}", style="bold")
    if step.description:
        screen.show(step.description)
    for lines, mark, style in ((step.warnings, "!", "yellow"), (step.instructions, "1", "")):
        if lines:
            screen.show(bullets(screen, lines, mark, style))
    if step.expected_result:
        screen.show(bullets(screen, [step.expected_result], "→"))
    for resource in step.resources:
        screen.verbatim(f"{resource.get('title', '')}: {resource.get('url', '')}", style="dim")


def _show_block(screen: Screen, title: str, lines: tuple[str, ...]) -> None:
    if lines:
        screen.show()
        screen.show(title, style="bold")
        screen.show(bullets(screen, lines))
