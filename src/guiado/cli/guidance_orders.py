"""`guiado guidance show`, `set` and `simulate`: the order of a guide, the rules about it, and a trial of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual
from guiado.cli.operator import OPERATOR
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, os_reason, printable

if TYPE_CHECKING:
    from guiado.app.guidance.models import GuidanceOut
    from guiado.app.guidance.rules import GuideRules
    from guiado.sync import Door

GuideId = Annotated[str, typer.Argument(metavar="GUÍA", help="Identificador de la guía; mira guiado kb list.")]
Variant = Annotated[str, typer.Option("--variant", metavar="VARIANTE", help="Solo para los clientes que usan esta variante.")]
_OPTIONS = {"order": "--order", "pinned": "--pin", "kept": "--keep", "floor": "--floor", "explores": "--explore"}
_INSTALLATION = "auto"
T = TypeVar("T")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(
        cls=Manual,
        help="Muestra el orden de una guía: cuánto se sabe de cada paso, cuándo se ofrece, qué cambió respecto del orden\n"
        "del autor y cuántos minutos ahorra.",
    )(show)
    app.command(
        "set",
        cls=Manual,
        help="Fija reglas sobre el orden de una guía y muestra cuánto cuesta cada una. Lo que no nombres queda como estaba.\n"
        "Sin opciones, muestra las que hay.",
    )(set_)
    app.command(
        cls=Manual,
        help="Ensaya el orden de una guía con clientes inventados, que a veces se equivocan al contar qué pasó:\n"
        "los mismos siguen el orden del autor y el del plan. No cambia nada.",
    )(simulate)


def show(
    context: typer.Context,
    guide: GuideId,
    variant: Variant = "",
    plot: Annotated[Path | None, typer.Option("--plot", metavar="ARCHIVO", help="Guarda el gráfico en este archivo SVG.")] = None,
    as_json: Json = False,
) -> None:
    """Show the order of a guide."""
    from guiado.app.guidance.reporting import report

    screen = screen_of(context)
    found = _door(screen).read(report, guide, variant)
    if plot is not None:
        _save(screen, found, plot)
    if as_json:
        screen.print_json(found)
        return
    from guiado.cli.guidance_report import show_report

    show_report(screen, found)


def set_(
    context: typer.Context,
    guide: GuideId,
    order: Annotated[
        str | None,
        typer.Option(
            metavar="ORDEN",
            help="author: el del autor. learned: el aprendido. shadow: el del autor, y el aprendido solo se compara. "
            "auto: lo que diga la instalación.",
        ),
    ] = None,
    pin: Annotated[list[str] | None, typer.Option(metavar="PASO", help="Va primero. Varios, en este orden.")] = None,
    keep: Annotated[list[str] | None, typer.Option(metavar="A:B", help="El paso A va antes que el B. Se puede repetir.")] = None,
    unpin: Annotated[list[str] | None, typer.Option(metavar="PASO", help="Ya no va primero. Se puede repetir.")] = None,
    unkeep: Annotated[
        list[str] | None, typer.Option(metavar="A:B", help="A y B pueden cambiar de orden otra vez. Se puede repetir.")
    ] = None,
    floor: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=500, help="Al menos N pasos antes de llamar a una persona.")
    ] = None,
    explore: Annotated[
        bool | None, typer.Option("--explore/--no-explore", help="Si un paso puede ofrecerse para aprender de él.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Quita antes todas las reglas de la guía.")] = False,
    as_json: Json = False,
) -> None:
    """Change the rules of a guide, and show what they cost."""
    from guiado.app.guidance.reporting import report
    from guiado.app.guidance.rules import GuideRules, get_rules, set_rules

    screen = screen_of(context)
    door = _door(screen)
    given = {"order": order, "pinned": pin, "kept": _pairs(keep, "--keep"), "floor": floor, "explores": explore}
    given = {name: value for name, value in given.items() if value is not None}
    loose = _pairs(unkeep, "--unkeep")
    changes = bool(given or clear or unpin or loose)
    if changes:
        before = GuideRules() if clear else door.read(get_rules, guide)
        before = _without(before, unpin or [], loose or [])
        _named(lambda: door.write(set_rules, guide, _changed(before, given)))
    found = door.read(report, guide)
    if as_json:
        screen.print_json(found)
    else:
        _tell(screen, found, changed=changes)


def simulate(
    context: typer.Context,
    guide: GuideId,
    sessions: Annotated[int, typer.Option(metavar="N", min=10, max=20_000, help="Cuántos clientes (500).")] = 500,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**31 - 1, help="Otro número da otros clientes; el mismo, los mismos (1).")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Play the author's order and the plan's on the same invented customers."""
    from guiado.app.guidance.reporting import ordered
    from guiado.guidance.simulation.comparison import compare

    screen = screen_of(context)
    found = _door(screen).read(ordered, guide)
    # A plan of no session at all is the author's numbers, whoever asked for it.
    learned = found.stored is not None and found.stored.sessions > 0
    result = compare(found.plan, sessions, seed, learned=learned)
    if as_json:
        screen.print_json({"problem_id": guide, "learned": learned, "comparison": result})
        return
    from guiado.cli.guidance_report import show_comparison

    show_comparison(screen, result, learned=learned)


def _door(screen: Screen) -> Door:
    """The operator's `Door`, with the guides as their file is now."""
    from guiado.cli.kb_history import guides_in_use

    running, _ = guides_in_use()
    return running.door(*OPERATOR, language=screen.language)


def _pairs(given: list[str] | None, option: str) -> list[tuple[str, str]] | None:
    """Split pairs of steps.

    Raises:
        InvalidInput: one is no pair.
    """
    if given is None:
        return None
    found = [each.partition(":") for each in given]
    wrong = [each for each, (first, colon, second) in zip(given, found, strict=True) if not (first and colon and second)]
    if wrong:
        why = Message("{given} no es un par de pasos. Escribe A:B, con el step_id de cada uno.", {"given": printable(wrong[0])})
        raise InvalidInput([FieldProblem(option, why)])
    return [(first, second) for first, _, second in found]


def _without(rules: GuideRules, pinned: list[str], kept: list[tuple[str, str]]) -> GuideRules:
    """Rules without some pinned steps and kept pairs.

    Raises:
        InvalidInput: the rules have no such step or pair.
    """
    import msgspec

    pairs = [(first, second) for first, second in rules.kept]
    strange = [FieldProblem("--unpin", _not_there(each)) for each in pinned if each not in rules.pinned]
    strange += [FieldProblem("--unkeep", _not_there(":".join(each))) for each in kept if each not in pairs]
    if strange:
        raise InvalidInput(strange)
    return msgspec.structs.replace(
        rules,
        pinned=[each for each in rules.pinned if each not in pinned],
        kept=[each for each in rules.kept if (each[0], each[1]) not in kept],
    )


def _not_there(given: str) -> Message:
    return Message(
        "Las reglas no tienen {given}. Mira las que hay con guiado guidance set y la guía.", {"given": printable(given)}
    )


def _changed(before: GuideRules, given: dict[str, Any]) -> GuideRules:
    import msgspec

    from guiado.app.guidance.rules import GuideRules
    from guiado.app.validation import check

    wanted = {**msgspec.to_builtins(before), **given}
    if wanted.get("order") == _INSTALLATION:
        del wanted["order"]
    return _named(lambda: check(GuideRules, {name: value for name, value in wanted.items() if value is not None}))


def _named(run: Callable[[], T]) -> T:
    """Run something; a fault of a field is told by the option that gives it."""
    try:
        return run()
    except InvalidInput as error:
        faults = [FieldProblem(_OPTIONS.get(each.field.partition("[")[0], each.field), each.message) for each in error.problems]
        raise InvalidInput(faults) from None


def _tell(screen: Screen, found: GuidanceOut, *, changed: bool) -> None:
    from guiado.cli.guidance_report import rule_words, show_rules

    if changed:
        screen.say("✓ Reglas guardadas. Rigen en pocos segundos, también en las sesiones en curso.", style="green")
    screen.show(rule_words(screen, found.rules))
    show_rules(screen, found)
    screen.say("Para ver el orden entero: {command}", style="dim", command=screen.command("guidance", "show", found.problem_id))


def _save(screen: Screen, found: GuidanceOut, path: Path) -> None:
    """Save the plot of a report.

    Raises:
        GuiadoError: it cannot be written.
    """
    from guiado.cli.guidance_plot import draw

    shown = printable(path)
    try:
        path.write_text(draw(screen, found), "utf-8")
    except (OSError, ValueError) as error:
        problem = os_reason(error) if isinstance(error, OSError) else shown
        raise GuiadoError("No se puede escribir {file} ({problem}). Elige otra ruta.", file=shown, problem=problem) from None
    screen.errors.print(screen.tr("✓ Guardado: {file}", file=shown), style="green", soft_wrap=True)
