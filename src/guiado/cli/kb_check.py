"""`guiado kb check`: whether a changed knowledge base may be published, for people and for continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual
from guiado.errors import FieldProblem, GuiadoError, KnowledgeBaseInvalid, os_reason, printable

if TYPE_CHECKING:
    from guiado.app.knowledge.check.base import BaseVerdict, GivenBase
    from guiado.app.knowledge.check.verdicts import GuideVerdict
    from guiado.domain.guide import Guide
    from guiado.guidance.patterns import PatternCount
    from guiado.guidance.replay import ReplayResult

_FEWEST, _MOST = 500, 10_000
_STRUCTURE = "structure"
"""Kind of what the file's form is about, in `--json`, as `kb lint` names it."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        cls=Manual,
        help="Dice si se puede publicar una base de conocimiento. La revisa como kb lint; busca callejones sin salida, vueltas,\n"
        "pasos que no se ofrecen nunca y variables sin valor; y juega cada guía que cambió, antes y ahora.\n"
        "La compara con la que está en uso, o con --against. Termina con código 1 si algo lo impide. No cambia nada.",
    )(check)


def check(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="ARCHIVO", help="Archivo o carpeta; por defecto, las guías que están en uso.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="ARCHIVO", help="Con qué se compara; así no hace falta base de datos.")
    ] = None,
    sessions: Annotated[
        int, typer.Option("--sessions", metavar="N", min=_FEWEST, max=_MOST, help="Sesiones por guía (500).")
    ] = _FEWEST,
    strict: Annotated[bool, typer.Option("--strict", help="Termina con código 1 también si hay avisos.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="ARCHIVO", help="Escribe además el resultado en XML de JUnit.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a knowledge base."""
    screen = screen_of(context)
    found = _check(file, against, sessions)
    if junit is not None:
        _write_junit(screen, found, junit, is_strict=strict)
    if as_json:
        screen.print_json(_as_json(screen, found, against, is_strict=strict))
    else:
        _show(screen, found)
    if found.is_refused or (strict and found.warning_count):
        raise typer.Exit(1)


def _check(file: Path | None, against: Path | None, sessions: int) -> BaseVerdict:
    from guiado.app.knowledge.check.base import GivenBase, check_base, read_base
    from guiado.app.knowledge.check.verdicts import CheckTerms
    from guiado.app.knowledge.importers.imported import SourceUnreadable
    from guiado.cli.knowledge import doubts_about, variables_in_use

    if file is None:
        given = _of_use(_in_use()[0])
    else:
        try:
            given = read_base(file, variables_in_use())
        except (KnowledgeBaseInvalid, SourceUnreadable) as error:  # programs for integration read this too
            return check_base(GivenBase(file.name, {}, errors=tuple(error.problems)), {})
    before = _before(file) if against is None else read_base(against, variables_in_use()).guides
    changed = [key for key, guide in given.guides.items() if key in before and before[key] != guide]
    recorded = _recorded(changed) if against is None and changed else None
    return check_base(given, before, CheckTerms(sessions, recorded=recorded), doubts_about)


def _recorded(changed: Sequence[str]) -> Mapping[str, Sequence[PatternCount]]:
    """The sessions of these guides that happened, by id."""
    from guiado.app.guidance.recorded import recorded_sessions
    from guiado.cli.kb_history import guides_in_use

    running, _ = guides_in_use()
    used = running.runtime.knowledge.snapshot.version_ids
    wanted = {key: used[key] for key in changed if key in used}
    return running.portal.call(recorded_sessions, running.runtime.parts, wanted)


def _before(file: Path | None) -> Mapping[str, Guide]:
    """The guides in use; what was taken into use by being edited is compared with what it took over from."""
    used, former = _in_use()
    return {**used, **former} if file is None or _is_used(file) else used


def _in_use() -> tuple[Mapping[str, Guide], Mapping[str, Guide]]:
    """The guides in use, and of those that were replaced lately the version before."""
    from guiado.app.knowledge.check.recent import recent_of
    from guiado.cli.kb_history import guides_in_use

    running, _ = guides_in_use()
    parts, snapshot = running.runtime.parts, running.runtime.knowledge.snapshot
    replaced = running.portal.call(recent_of, parts)
    return snapshot.every, {key: each.before for key, each in replaced.items()}


def _of_use(used: Mapping[str, Guide]) -> GivenBase:
    from guiado.app.knowledge.check.base import GivenBase

    return GivenBase("", used, tuple(used))


def _is_used(file: Path) -> bool:
    """Whether it is the file that is taken into use by being edited."""
    from guiado.cli.knowledge import path_in_use

    try:
        return file.samefile(path_in_use())
    except OSError:
        return False


def _write_junit(screen: Screen, found: BaseVerdict, target: Path, *, is_strict: bool) -> None:
    from guiado.app.knowledge.check.junit import junit_of
    from guiado.app.knowledge.exporting import in_place_of

    whole = screen.tr("Todo el archivo")
    try:
        with in_place_of(target) as made:
            made.write_bytes(junit_of(found, screen.explain, is_strict=is_strict, whole=whole))
    except OSError as error:
        problem = os_reason(error)
        told = "No se puede escribir {file} ({problem}). Elige otra ruta."
        raise GuiadoError(told, file=printable(target), problem=problem) from None


# ---------------------------------------------------------------------------------------------------------------- for people


def _show(screen: Screen, found: BaseVerdict) -> None:
    _show_group(screen, found, screen.tr("Todo el archivo"), found.errors, found.warnings.get("", ()))
    for key, verdict in found.verdicts.items():
        _show_group(screen, found, key, verdict.refusals, found.warnings.get(key, ()))
    if any(verdict.replayed for verdict in found.verdicts.values()):
        _show_costs(screen, found)
    if found.removed:
        screen.say("Ya no están: {guides}", guides=", ".join(map(printable, found.removed)), style="yellow")
    _conclude(screen, found)


def _show_group(
    screen: Screen, found: BaseVerdict, name: str, refusals: Sequence[FieldProblem], warnings: Sequence[FieldProblem]
) -> None:
    from rich.text import Text

    if not refusals and not warnings:
        return
    screen.verbatim(printable(name), style="bold cyan")
    for mark, style, problems in (("✗", "red", refusals), ("!", "yellow", warnings)):
        for each in problems:
            line = found.line_of(each)
            place = each.field if line is None else f"{printable(found.given.name)}:{line} {each.field}"
            screen.verbatim(Text.assemble((f"{mark} ", style), (place, "bold"), f": {screen.explain(each.message)}"))
    screen.show()


def _show_costs(screen: Screen, found: BaseVerdict) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title=screen.tr("Minutos por sesión, con los mismos clientes"), title_justify="left")
    table.add_column(screen.tr("Guía"))
    for name in (screen.tr("Antes"), screen.tr("Ahora"), screen.tr("Diferencia"), "95 %", screen.tr("Sesiones")):
        table.add_column(name, justify="right")
    for key, verdict in found.verdicts.items():
        if verdict.replayed is not None:
            table.add_row(printable(key), *_figures(screen, verdict.replayed), style="red" if verdict.replayed.is_worse else "")
    screen.show(table)
    screen.show()


def _figures(screen: Screen, cost: ReplayResult) -> tuple[str, ...]:
    sessions = (
        str(cost.sessions)
        if not cost.recorded
        else screen.tr("{count} ({recorded} reales)", count=cost.sessions, recorded=cost.recorded)
    )
    between = f"{cost.low:+.1f} … {cost.high:+.1f}"
    return (f"{cost.old_minutes:.1f}", f"{cost.new_minutes:.1f}", f"{cost.share * 100:+.1f} %", between, sessions)


def _conclude(screen: Screen, found: BaseVerdict) -> None:
    from guiado.app.knowledge.check.verdicts import GuideChange

    added, changed, same = (sum(each.change is change for each in found.verdicts.values()) for change in GuideChange)
    screen.say("Nuevas: {added}. Cambian: {changed}. Siguen igual: {same}.", added=added, changed=changed, same=same)
    refused = sum(each.is_refused for each in found.verdicts.values())
    name = printable(found.given.name) or screen.tr("Lo que está en uso")
    if found.is_refused:
        screen.say(
            "✗ {file}: no se debe publicar así. Guías con fallos: {count}. Avisos: {doubts}.",
            style="bold red",
            file=name,
            count=refused,
            doubts=found.warning_count,
        )
    else:
        screen.say("✓ {file}: se puede publicar. Avisos: {doubts}.", style="bold green", file=name, doubts=found.warning_count)


# -------------------------------------------------------------------------------------------------------------- for programs


def _as_json(screen: Screen, found: BaseVerdict, against: Path | None, *, is_strict: bool) -> dict[str, object]:
    def told(problems: Sequence[FieldProblem]) -> list[dict[str, object]]:
        return [
            {
                "path": each.field,
                "line": found.line_of(each),
                "kind": _STRUCTURE if each.code == "invalid" else each.code,
                "message": screen.explain(each.message),
            }
            for each in problems
        ]

    def of_guide(key: str, verdict: GuideVerdict) -> dict[str, object]:
        return {
            "guide": key,
            "change": verdict.change.value,
            "ok": not verdict.is_refused,
            "refusals": told(verdict.refusals),
            "warnings": told(found.warnings.get(key, ())),
            "replay": _costs_as_json(verdict.replayed),
        }

    return {
        "file": found.given.name or None,
        "against": str(against) if against is not None else None,
        "ok": not found.is_refused and not (is_strict and found.warning_count),
        "errors": told(found.errors),
        "warnings": told(found.warnings.get("", ())),
        "guides": [of_guide(key, verdict) for key, verdict in found.verdicts.items()],
        "removed": list(found.removed),
    }


def _costs_as_json(cost: ReplayResult | None) -> dict[str, object] | None:
    if cost is None:
        return None
    return {
        "old_minutes": round(cost.old_minutes, 3),
        "new_minutes": round(cost.new_minutes, 3),
        "difference": round(cost.difference, 3),
        "low": round(cost.low, 3),
        "high": round(cost.high, 3),
        "old_dead_ends": cost.old_dead_ends,
        "new_dead_ends": cost.new_dead_ends,
        "sessions": cost.sessions,
        "recorded": cost.recorded,
        "is_worse": cost.is_worse,
    }
