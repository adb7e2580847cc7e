"""`guiado kb`: check, read, extend and copy the knowledge base, without a database; versions in use, with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli import exports, imports, kb_check, kb_history, media, new_problem, publications
from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.guide_view import show_guide, show_row
from guiado.cli.help import Manual, ManualGroup
from guiado.errors import FieldProblem, KnowledgeBaseInvalid, Message, NotFound, printable

if TYPE_CHECKING:
    from guiado.domain.guide import Guide

app = typer.Typer(
    cls=ManualGroup, help="Base de conocimiento: revisar, ver, agregar, copiar y volver atrás.", no_args_is_help=True
)
new_problem.add_to(app)
publications.add_to(app)
imports.add_to(app)
exports.add_to(app)
kb_history.add_to(app)
kb_check.add_to(app)
media.add_to(app)
_SEVERAL = 3
"""From so many places on, one message is printed once, with its paths."""
_MOST_PATHS = 6
_MOST_QUOTED = 4
_STRUCTURE = "structure"
"""Kind of what the file's form is about, in `--json`."""


@app.command(
    cls=Manual,
    help="Revisa un archivo de base de conocimiento y dice qué corregir y dónde.\nTermina con código 1 si hay errores.",
)
def lint(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="ARCHIVO", help="Archivo JSON; por defecto, el que está en uso.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Termina con código 1 también si hay avisos.")] = False,
    as_json: Json = False,
) -> None:
    """Check a knowledge-base file."""
    from guiado.app.knowledge.sources.json_file import read_file

    screen, path = screen_of(context), file or path_in_use()
    try:
        entries = read_file(path, variables_in_use())
    except KnowledgeBaseInvalid as error:
        _refuse(screen, path, error, as_json=as_json)
        raise typer.Exit(1) from None
    warnings = [*entries.findings.warnings, *doubts_about(entries.guides)]
    if as_json:
        screen.print_json(_as_json(screen, path, len(entries.guides), [], warnings))
    else:
        _show_doubts(screen, path, entries.guides, warnings)
    if strict and warnings:
        raise typer.Exit(1)


def _show_doubts(screen: Screen, path: Path, guides: Mapping[str, Guide], warnings: list[FieldProblem]) -> None:
    from guiado.app.knowledge.lint import MOST_TRIED, can_try

    _show_findings(screen, [], warnings)
    if not can_try(guides):
        screen.say(
            "Hay más de {limit} frases: no se compararon entre sí. Mídelas con: guiado detect eval", style="dim", limit=MOST_TRIED
        )
    count, doubts, name = len(guides), len(warnings), printable(path.name)
    screen.say(
        "✓ {file} se puede usar. Guías: {count}. Avisos: {doubts}.", style="bold green", file=name, count=count, doubts=doubts
    )


def _refuse(screen: Screen, path: Path, error: KnowledgeBaseInvalid, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(_as_json(screen, path, 0, error.problems, error.warnings))
        return
    _show_findings(screen, error.problems, error.warnings)
    count = len(error.problems)
    screen.say("✗ {file} no se puede usar. Errores: {count}.", style="bold red", file=printable(path.name), count=count)


def _as_json(
    screen: Screen, path: Path, guides: int, errors: list[FieldProblem], warnings: list[FieldProblem]
) -> dict[str, object]:
    def told(found: list[FieldProblem]) -> list[dict[str, str | None]]:
        return [
            {
                "guide": _guide_of(f),
                "path": f.field,
                "kind": _STRUCTURE if f.code == "invalid" else f.code,
                "message": screen.explain(f.message),
            }
            for f in found
        ]

    return {
        "file": str(path),
        "usable": not errors,
        "guides": guides,
        "errors": told(errors),
        "warnings": told(warnings),
    }


@app.command(cls=Manual, help="Muestra las guías, o una entera.")
def show(
    context: typer.Context,
    problem_id: Annotated[str | None, typer.Argument(metavar="GUÍA", help="Identificador de la guía.")] = None,
    as_json: Json = False,
) -> None:
    """Show all guides in short, or one in full."""
    from guiado.app.knowledge.sources.json_file import read_file

    screen, guides = screen_of(context), read_file(path_in_use(), variables_in_use()).guides
    if problem_id is not None and problem_id not in guides:
        raise NotFound("No hay ninguna guía {problem_id}. Mira la lista con: guiado kb show", problem_id=printable(problem_id))
    if as_json:
        found = {name: _guide_json(guide) for name, guide in guides.items()}
        screen.print_json(found if problem_id is None else found[problem_id])
    elif problem_id is None:
        for guide in guides.values():
            show_row(screen, guide.in_language(screen.language))
    else:
        show_guide(screen, guides[problem_id].in_language(screen.language))


def _guide_json(guide: Guide) -> dict[str, object]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(guide).items() if not name.startswith("_")}


def path_in_use() -> Path:
    """The knowledge-base file that this configuration uses."""
    from guiado.settings import read_settings
    from guiado.wiring import knowledge_path

    return knowledge_path(read_settings())


def variables_in_use() -> Mapping[str, Mapping[str, str]]:
    """The variables that this configuration gives to guides."""
    from guiado.app.knowledge.settings_variables import settings_variables
    from guiado.settings import read_settings

    return settings_variables(read_settings())


def doubts_about(guides: Mapping[str, Guide]) -> list[FieldProblem]:
    """Warnings about guides as texts, by the detection that this configuration uses."""
    from guiado.app.knowledge.lint import lint as look_at
    from guiado.cli.detection_setup import quick_index_of, thresholds
    from guiado.settings import read_settings

    return look_at(guides, *thresholds(read_settings()), quick_index_of).warnings


def _show_findings(screen: Screen, errors: list[FieldProblem], warnings: list[FieldProblem]) -> None:
    """Print errors and warnings grouped by guide."""
    from rich.text import Text

    shared, own = _said_alike(warnings)
    for members in shared:
        paths, told = [each.field for each in members], screen.explain(_told_once(members))
        screen.verbatim(Text.assemble(("! ", "yellow"), screen.tr("En {count} lugares", count=len(paths)), f": {told}"))
        more = screen.tr("y {count} más", count=len(paths) - _MOST_PATHS) if len(paths) > _MOST_PATHS else ""
        screen.verbatim("  " + ", ".join(filter(None, (*paths[:_MOST_PATHS], more))), style="dim")
        screen.show()
    found = [("✗", "red", each) for each in errors] + [("!", "yellow", each) for each in own]
    groups: dict[str | None, list[tuple[str, str, FieldProblem]]] = {}
    for each in found:
        groups.setdefault(_guide_of(each[2]), []).append(each)
    for guide, members in sorted(groups.items(), key=lambda group: group[0] or ""):
        if len(groups) > 1:
            screen.verbatim(guide or screen.tr("Todo el archivo"), style="bold cyan")
        for mark, style, problem in members:
            screen.verbatim(Text.assemble((f"{mark} ", style), (problem.field, "bold"), f": {screen.explain(problem.message)}"))
        if len(groups) > 1:
            screen.show()


def _said_alike(warnings: list[FieldProblem]) -> tuple[list[list[FieldProblem]], list[FieldProblem]]:
    """The warnings whose message stands at several places, together; and the others."""
    places: dict[str, list[FieldProblem]] = {}
    for each in warnings:
        places.setdefault(_kind(each), []).append(each)
    shared = [members for members in places.values() if len(members) >= _SEVERAL]
    return shared, [each for each in warnings if len(places[_kind(each)]) < _SEVERAL]


def _kind(warning: FieldProblem) -> str:
    """Kind of a warning: its message, whatever it quotes of the text."""
    return str(replace(warning.message, params={**warning.message.params, "found": ""}))


def _told_once(members: Sequence[FieldProblem]) -> Message:
    """The message of warnings of one kind, with the first things that they quote."""
    message = members[0].message
    quoted = list(dict.fromkeys(str(each.message.params["found"]) for each in members if "found" in each.message.params))
    if not quoted:
        return message
    shown = [*quoted[:_MOST_QUOTED], *(["…"] if len(quoted) > _MOST_QUOTED else [])]
    return replace(message, params={**message.params, "found": "», «".join(shown)})


def _guide_of(problem: FieldProblem) -> str | None:
    """The guide that a JSON path belongs to."""
    head, _, rest = problem.field.partition("$.")
    return None if head or not rest else rest.split(".")[0].split("[")[0]
