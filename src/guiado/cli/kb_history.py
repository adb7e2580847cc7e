"""`guiado kb diff`, `guiado kb history` and `guiado kb stats`: what changed in the guides, who changed it, and what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of, shown_time
from guiado.cli.help import Manual
from guiado.cli.operator import OPERATOR
from guiado.errors import printable

if TYPE_CHECKING:
    from guiado.app.knowledge.differences import Difference, FileDifferences, VersionDifferences
    from guiado.app.knowledge.publications import View
    from guiado.app.knowledge.statistics import BaseFigures, GuideFigures
    from guiado.domain.guide import Guide
    from guiado.sync import Engine

_MOST_NAMED = 10
_STYLES = {"-": "red", "+": "green", " ": "dim"}


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(
        cls=Manual,
        help="Muestra qué cambió entre dos versiones de una guía: por defecto, entre la que está en uso y la anterior.\n"
        "Con un archivo, qué cambiaría en las guías que están en uso. No cambia nada.",
    )(diff)
    app.command(
        cls=Manual, help="Muestra quién puso en uso, retiró, guardó o aprobó cada versión, y cuándo. Lo último va primero."
    )(history)
    app.command(
        cls=Manual,
        help="Cuenta qué hay en la base de conocimiento: guías por tema, clase e idioma, pasos, frases, borradores,\n"
        "y cómo les fue a los clientes con cada guía.",
    )(stats)


def diff(
    context: typer.Context,
    guide: Annotated[str, typer.Argument(metavar="GUÍA|ARCHIVO", help="Identificador de la guía, o un archivo o carpeta.")],
    before: Annotated[int | None, typer.Argument(metavar="VERSIÓN", min=1, help="La anterior; mira guiado kb versions.")] = None,
    after: Annotated[int | None, typer.Argument(metavar="VERSIÓN", min=1, help="La posterior; por defecto, la de ahora.")] = None,
    as_json: Json = False,
) -> None:
    """Show differences between versions, or those that a file would make."""
    screen, (running, used) = screen_of(context), guides_in_use()
    if guide not in used and _is_path(guide):
        _of_file(screen, Path(guide), used, as_json=as_json)
        return
    from guiado.app.knowledge.differences import between_versions

    found = running.door(*OPERATOR).read(between_versions, "", guide, before, after)
    if as_json:
        screen.print_json(found)
        return
    _show_versions(screen, found)


def guides_in_use() -> tuple[Engine, Mapping[str, Guide]]:
    """The engine of this process and the guides in use, with the latest edit of the file."""
    from guiado.sync import engine

    running = engine()
    return running, running.portal.call(running.runtime.knowledge_of, None).snapshot.guides


def _is_path(given: str) -> bool:
    return "/" in given or "\\" in given or Path(given).exists() or bool(Path(given).suffix)


def _of_file(screen: Screen, path: Path, used: Mapping[str, Guide], *, as_json: bool) -> None:
    from dataclasses import asdict

    from guiado.app.knowledge.differences import of_file, read_source

    given, problems = read_source(path)
    found = of_file(given, used)
    if as_json:
        told = [{"path": each.field, "message": screen.explain(each.message)} for each in problems]
        screen.print_json({"file": str(path), **asdict(found), "not_understood": told})
        return
    for each in problems:
        screen.verbatim(f"! {each.field}: {screen.explain(each.message)}", style="yellow")
    _show_file(screen, path, found)


def _show_versions(screen: Screen, found: VersionDifferences) -> None:
    shown = {"guide": found.guide, "before": found.before, "after": found.after}
    screen.say("{guide}: de la versión {before} a la {after}", style="bold cyan", **shown)
    if not found.differences:
        screen.say("Sus textos son iguales.")
    _show_differences(screen, found.differences)


def _show_file(screen: Screen, path: Path, found: FileDifferences) -> None:
    for guide, changes in found.changed.items():
        screen.show(guide, style="bold cyan")
        _show_differences(screen, changes)
    if found.added:
        screen.say("Nuevas: {guides}", guides=_named(found.added))
    if found.missing:
        screen.say("En uso, y no están en el archivo: {guides}", guides=_named(found.missing))
    name, changed = printable(path.name), len(found.changed)
    screen.say("{file}: {changed} cambian y {same} quedan igual.", file=name, changed=changed, same=found.unchanged)


def _show_differences(screen: Screen, found: Sequence[Difference]) -> None:
    from guiado.app.knowledge.differences import marked

    for each in found:
        screen.show(f"  {each.field}", style="bold")
        for mark, line in marked(each):
            screen.verbatim(f"    {mark} {line}", style=_STYLES[mark])


def history(
    context: typer.Context,
    guide: Annotated[str | None, typer.Argument(metavar="GUÍA", help="Identificador de la guía; por defecto, todas.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Cuántos, como máximo (50).")] = 50,
    as_json: Json = False,
) -> None:
    """Show the log of publications."""
    from guiado.app.knowledge import publications

    screen, (running, _) = screen_of(context), guides_in_use()
    found = running.door(*OPERATOR).read(publications.history, "", guide, limit)
    if as_json:
        screen.print_json(found)
        return
    for row in found:
        _show_entry(screen, row)


def _show_entry(screen: Screen, row: View) -> None:
    from rich.text import Text

    actions = {
        "publish": screen.tr("puesta en uso"),
        "withdraw": screen.tr("retirada"),
        "draft": screen.tr("borrador"),
        "approve": screen.tr("borrador aprobado"),
        "discard": screen.tr("descartado"),
        "conflict": screen.tr("en conflicto"),
    }
    by = screen.tr("archivo") if row["by"] == "file" else row["by"]
    version = screen.tr("versión {version}", version=row["version"])
    told = " · ".join((version, actions[row["action"]], by))
    screen.show(Text.assemble((shown_time(row["at"]), "dim"), "  ", (row["guide"], "bold cyan"), "  ", told))


def stats(
    context: typer.Context,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=3650, help="Sesiones de cuántos días (30).")] = 30,
    as_json: Json = False,
) -> None:
    """Show figures of the knowledge base."""
    from guiado.app.knowledge.statistics import statistics

    screen, (running, used) = screen_of(context), guides_in_use()
    found = running.door(*OPERATOR).read(statistics, "", used, days)
    if as_json:
        screen.print_json(found)
        return
    _show_figures(screen, found)
    for each in found.each:
        _show_guide(screen, each, found.days)


def _show_figures(screen: Screen, found: BaseFigures) -> None:
    rows = [
        (screen.tr("Guías"), str(found.guides)),
        (screen.tr("Por tema"), _counts(found.by_category)),
        (screen.tr("Por clase"), _counts({_kind(screen, kind): count for kind, count in found.by_kind.items()})),
        (screen.tr("Por idioma"), _counts(found.by_language)),
        *((screen.tr("Sin {language}", language=code), _named(ids)) for code, ids in found.without_translation.items() if ids),
        (screen.tr("Pasos"), str(found.steps)),
        (screen.tr("Frases de clientes"), str(found.phrases)),
        (screen.tr("Versiones"), str(found.versions)),
        (screen.tr("Borradores"), str(found.drafts)),
        (screen.tr("En conflicto"), str(found.conflicts)),
        (screen.tr("Último cambio"), shown_time(found.changed_at)),
    ]
    for label, value in rows:
        screen.show(f"{label}: {value}")
    screen.show()


def _kind(screen: Screen, kind: str) -> str:
    names = {
        "guide": screen.tr("con pasos"),
        "answer": screen.tr("respuesta"),
        "person": screen.tr("a una persona"),
        "none": screen.tr("ningún problema"),
    }
    return names.get(kind, kind)


def _counts(counts: Mapping[str, int]) -> str:
    return " · ".join(f"{name} {count}" for name, count in counts.items())


def _named(ids: Sequence[str]) -> str:
    return f"{len(ids)} ({', '.join([*ids[:_MOST_NAMED], *(['…'] if len(ids) > _MOST_NAMED else [])])})"


def _show_guide(screen: Screen, each: GuideFigures, days: int) -> None:
    from rich.text import Text

    told = [
        each.category,
        screen.tr("Pasos: {count}", count=each.steps),
        screen.tr("Frases: {count}", count=each.phrases),
        "/".join(each.languages),
        screen.tr("Sesiones en {days} días: {count}", days=days, count=each.sessions),
    ]
    if each.resolved_share is not None:
        told.append(screen.tr("resueltas: {share} %", share=round(100 * each.resolved_share)))
    screen.show(Text.assemble((each.guide, "bold cyan"), "  ", " · ".join(told)))
