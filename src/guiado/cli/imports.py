"""`guiado kb import`: show what guides of another format would change, and put them into use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.choices import is_sure
from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual
from guiado.cli.operator import OPERATOR
from guiado.cli.progress import progress_bar
from guiado.errors import FieldProblem

if TYPE_CHECKING:
    from guiado.app.knowledge.importers.imported import Importer
    from guiado.app.knowledge.importers.spool import Spool
    from guiado.app.knowledge.importing import ImportPlan
    from guiado.domain.guide import Guide
    from guiado.sync import Engine

_MOST_NAMED = 10
_MOST_PLACES = 3
_MOST_KINDS = 20
"""Most kinds of errors, and of warnings, that are shown; --json has more."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        "import",
        cls=Manual,
        help="Trae guías de otro formato: JSON, YAML, CSV, Excel, Markdown y artículos de un centro de ayuda.\n"
        "Primero muestra qué agregaría, cambiaría y dejaría igual; nada cambia hasta que lo confirmes, o con --yes.\n"
        "Lo que no se entiende, y lo que rechaza kb check, se dice con su archivo y su línea, y no se importa.\n"
        "Termina con código 1 si algo quedó fuera.",
    )(import_guides)


def import_guides(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="ORIGEN", help="Archivo o carpeta.")],
    name: Annotated[
        str | None, typer.Option("--format", metavar="NOMBRE", help="Formato; por defecto se reconoce por el archivo.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Importa sin preguntar.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Deja de usar las guías que el origen no tiene; por defecto se quedan.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Importa también las guías que rechaza kb check.")] = False,
    as_json: Json = False,
) -> None:
    """Plan an import, show the plan, and carry it out."""
    from guiado.app.knowledge.importers.registry import importer_of
    from guiado.app.knowledge.importers.spool import Spool
    from guiado.sync import engine

    screen, importer = screen_of(context), importer_of(source, name)
    with Spool() as spool:
        running = engine()
        plan = _plan(screen, running, source, importer, spool, is_whole=replace, is_forced=force)
        if not as_json:
            _show_plan(screen, plan, asked_to_drop=replace)
        changed = None
        if plan.changes and (yes or (not as_json and screen.is_interactive and _is_sure(screen, plan))):
            changed = _publish(screen, running, plan, spool)
    if as_json:
        screen.print_json(_as_json(screen, plan, importer.NAME, changed))
    else:
        _show_end(screen, plan, changed)
    if plan.error_count:
        raise typer.Exit(1)


def _plan(
    screen: Screen, running: Engine, source: Path, importer: Importer, spool: Spool, *, is_whole: bool, is_forced: bool
) -> ImportPlan:
    from guiado.app.knowledge.importing import plan_import, with_check, with_lint

    base = running.portal.call(running.runtime.knowledge_of, None)  # with the latest edit of the file
    parts = running.runtime.parts

    async def read() -> ImportPlan:
        with progress_bar(screen, screen.tr("Leyendo")) as bar:
            found = await plan_import(parts, "", source, importer, spool, is_whole=is_whole, told=bar)
        found = await with_check(found, spool, base.snapshot.every, is_forced=is_forced)
        return await with_lint(found, spool, base.snapshot.guides, _doubts)

    return running.portal.call(read)


def _publish(screen: Screen, running: Engine, plan: ImportPlan, spool: Spool) -> int:
    from guiado.app.knowledge.importing import publish_import

    parts, scope = running.runtime.parts, running.door(*OPERATOR).scope
    with progress_bar(screen, screen.tr("Importando"), len(plan.added) + len(plan.changed)) as bar:
        return running.insist(lambda: publish_import(parts, scope, plan, spool, bar))  # repeating it is harmless


def _doubts(guides: Mapping[str, Guide]) -> list[FieldProblem]:
    from guiado.app.knowledge.lint import lint
    from guiado.cli.detection_setup import quick_index_of, thresholds
    from guiado.settings import read_settings

    return lint(guides, *thresholds(read_settings()), quick_index_of).warnings


def _is_sure(screen: Screen, plan: ImportPlan) -> bool:
    return is_sure(
        screen, screen.tr("¿Importar {source}? Guías que cambian: {count}. s/n", source=plan.source, count=plan.changes)
    )


def _show_plan(screen: Screen, plan: ImportPlan, *, asked_to_drop: bool) -> None:
    _show_problems(screen, plan.warnings, "!", "yellow")
    _show_problems(screen, plan.errors, "✗", "red")
    for title, ids in (
        (screen.tr("Se agregan"), plan.added),
        (screen.tr("Cambian"), plan.changed),
        (screen.tr("Dejan de usarse"), plan.dropped),
    ):
        if ids:
            more = screen.tr("y {count} más", count=len(ids) - _MOST_NAMED) if len(ids) > _MOST_NAMED else ""
            screen.show(f"{title} ({len(ids)}): {', '.join(filter(None, (*ids[:_MOST_NAMED], more)))}", style="bold")
    screen.say("Siguen igual: {count}. No se entendieron: {errors}.", count=len(plan.unchanged), errors=plan.error_count)
    if plan.refused:
        _show_refused(screen, plan)
    if asked_to_drop and plan.error_count:
        screen.say("Con errores no se deja de usar ninguna guía. Corrígelos y vuelve a importar.", style="yellow")
    if not plan.is_linted and plan.added + plan.changed:
        screen.say("Son demasiadas guías para compararlas entre sí. Se revisó cada una por separado.", style="dim")


def _show_refused(screen: Screen, plan: ImportPlan) -> None:
    if {*plan.refused} <= {*plan.added, *plan.changed}:
        screen.say("Se importan aunque kb check las rechaza: {count}.", style="yellow", count=len(plan.refused))
    else:
        screen.say(
            "No se importan, porque kb check las rechaza: {count}. Corrígelas, o agrega --force.",
            style="yellow",
            count=len(plan.refused),
        )


def _show_problems(screen: Screen, problems: Sequence[FieldProblem], mark: str, style: str) -> None:
    """Print problems, those of one kind together with their first places."""
    from rich.text import Text

    kinds: dict[str, list[FieldProblem]] = {}
    for each in problems:
        kinds.setdefault(each.message.template, []).append(each)
    for members in [*kinds.values()][:_MOST_KINDS]:
        for each in members[:_MOST_PLACES]:
            screen.verbatim(Text.assemble((f"{mark} ", style), (each.field, "bold"), f": {screen.explain(each.message)}"))
        if len(members) > _MOST_PLACES:
            screen.show(
                "  " + screen.tr("y {count} como estas; todas con --json", count=len(members) - _MOST_PLACES), style="dim"
            )


def _show_end(screen: Screen, plan: ImportPlan, changed: int | None) -> None:
    if changed is not None:
        screen.say("✓ Importado: {source}. Guías que cambiaron: {count}.", style="green", source=plan.source, count=changed)
        screen.say("Un servicio en marcha las usa en unos segundos. Para volver atrás: guiado kb revert", style="dim")
    elif not plan.changes:
        screen.say("No hay nada que cambiar.", style="green")
    else:
        screen.say("No cambió nada. Para importar sin preguntar, agrega --yes.", style="yellow")


def _as_json(screen: Screen, plan: ImportPlan, name: str, changed: int | None) -> dict[str, object]:
    def told(found: Sequence[FieldProblem]) -> list[dict[str, str]]:
        return [{"place": each.field, "message": screen.explain(each.message)} for each in found]

    return {
        "source": plan.source,
        "format": name,
        "added": plan.added,
        "changed": plan.changed,
        "unchanged": plan.unchanged,
        "dropped": plan.dropped,
        "refused": plan.refused,
        "errors": told(plan.errors),
        "error_count": plan.error_count,
        "warnings": told(plan.warnings),
        "imported": changed is not None,
        "guides_changed": changed or 0,
    }
