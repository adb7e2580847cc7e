"""Views of `guiado guidance`: the order of a guide with what is known of its steps, and two orders side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from guiado.cli.console import Screen, shown_time
from guiado.cli.detection_report import percent

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from guiado.app.guidance.models import GuidanceOut, GuidanceStepOut, OrderRulesOut, RuleCostOut
    from guiado.guidance.simulation.comparison import OrderComparison, OrderResult

_BAR_COLUMNS = 20
_WIDE = 100
_TITLE_COLUMNS = 34


def show_report(screen: Screen, report: GuidanceOut) -> None:
    """Print the order of a guide: its steps, what it saves, and what each rule costs."""
    _show_head(screen, report)
    screen.show()
    if screen.out.width >= _WIDE or not screen.out.is_terminal:
        screen.show(_table(screen, report))
    else:
        _show_cards(screen, report)
    if any(step.too_few for step in report.steps):
        screen.say("? Con pocas sesiones todavía para decir algo de este paso.", style="dim")
    screen.show()
    _show_order(screen, report)
    _show_saved(screen, report)
    _show_measured(screen, report)
    show_rules(screen, report)


def _show_head(screen: Screen, report: GuidanceOut) -> None:
    screen.show(report.problem_id, style="bold cyan")
    screen.show(f"  {report.title}")
    told = [order_words(screen, report.order_in_use), screen.tr("Sesiones: {count}", count=report.sessions)]
    told += [screen.tr("Aprendido: {at}", at=shown_time(report.learned_at))] if report.learned_at else []
    told += [screen.tr("Variante: {variant}", variant=report.variant)] if report.variant else []
    screen.show("  " + " · ".join(told), style="dim")


def order_words(screen: Screen, order: str | None) -> str:
    """The order in use, in the screen's language."""
    words = {
        "author": screen.tr("En uso: el orden del autor"),
        "learned": screen.tr("En uso: el orden aprendido"),
        "shadow": screen.tr("En uso: el orden del autor; el aprendido solo se compara"),
    }
    return words.get(order or "", screen.tr("Todavía no se aprendió nada: solo cuentan los números del autor"))


def _table(screen: Screen, report: GuidanceOut) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(screen.tr("Paso"), overflow="fold", max_width=_TITLE_COLUMNS)
    if screen.out.is_terminal:
        table.add_column("", no_wrap=True)
    for heading in (
        screen.tr("Lo resuelve"),
        screen.tr("Minutos"),
        screen.tr("Sesiones"),
        screen.tr("Orden"),
        screen.tr("Cambio"),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for step in report.steps:
        cells = [str(step.author_place), Text(step.title), *([_bar(step)] if screen.out.is_terminal else [])]
        cells += [_chance(screen, step), minutes_words(screen, step.minutes), str(step.sessions), _place(screen, step)]
        table.add_row(*cells, Text(_moved(step), style=_moved_style(step)), style="dim" if step.place is None else "")
    return table


def _show_cards(screen: Screen, report: GuidanceOut) -> None:
    from rich.text import Text

    for step in report.steps:
        screen.show(Text(f"{step.author_place}. {step.title}", style="bold"))
        if screen.out.width >= 2 * _BAR_COLUMNS:
            screen.show(Text.assemble("  ", _bar(step), " ", _chance(screen, step)))
        else:
            screen.show(f"  {_chance(screen, step)}")
        facts = (
            screen.tr("{minutes} min", minutes=minutes_words(screen, step.minutes)),
            screen.tr("Sesiones: {count}", count=step.sessions),
            screen.tr("Orden: {place}", place=_place(screen, step)),
            _moved(step),
        )
        screen.show("  " + " · ".join(filter(None, facts)), style="dim")


def _bar(step: GuidanceStepOut) -> Text:
    """The chance of a step as a dot on a line of its interval, from 0 to 100 %."""
    from rich.text import Text

    low, high, at = (min(int(share * _BAR_COLUMNS), _BAR_COLUMNS - 1) for share in (step.low, step.high, step.chance))
    style = "yellow" if step.too_few else "green"
    bar = Text()
    for column in range(_BAR_COLUMNS):
        if column == at:
            bar.append("●", style)
        else:
            bar.append("━" if low <= column <= high else "·", style if low <= column <= high else "dim")
    return bar


def _chance(screen: Screen, step: GuidanceStepOut) -> str:
    low, high = (f"{100 * share:.0f}" for share in (step.low, step.high))
    mark = " ?" if step.too_few else ""
    return f"{percent(screen, step.chance)} ({low}-{high}){mark}"


def _place(screen: Screen, step: GuidanceStepOut) -> str:
    return screen.tr("persona antes") if step.place is None else str(step.place)


def _moved(step: GuidanceStepOut) -> str:
    if not step.moved:
        return ""
    return f"↑ {step.moved}" if step.moved > 0 else f"↓ {-step.moved}"


def _moved_style(step: GuidanceStepOut) -> str:
    return "green" if (step.moved or 0) > 0 else "yellow"


def _show_order(screen: Screen, report: GuidanceOut) -> None:
    titles = {step.step_id: step.title for step in report.steps}
    names = [*(titles.get(each, each) for each in report.order), screen.tr("una persona")]
    screen.show(screen.tr("Si nada ayuda: {order}", order=" → ".join(names)))
    if report.questions:
        screen.show(screen.tr("Pregunta mientras tanto: {questions}", questions=", ".join(report.questions)))


def _show_saved(screen: Screen, report: GuidanceOut) -> None:
    before, after = (minutes_words(screen, each) for each in (report.author_minutes, report.learned_minutes))
    screen.say("Minutos por sesión: {before} en el orden del autor, {after} en este.", before=before, after=after)
    saved = report.saved
    said = {"minutes": minutes_words(screen, saved.minutes), "low": minutes_words(screen, saved.low)}
    said["high"] = minutes_words(screen, saved.high)
    if saved.low == saved.high == 0:
        screen.say("Es el orden del autor: no cambia nada.", style="dim")
    elif report.learned_at is None:
        screen.say("Por los números del autor ahorraría {minutes} minutos por sesión (95 %: de {low} a {high}).", **said)
    else:
        style = "green" if saved.low > 0 else "yellow"
        screen.say("Ahorra {minutes} minutos por sesión (95 %: de {low} a {high}).", style=style, **said)
        if saved.low <= 0:
            screen.say("Todavía no se puede decir que ahorre.", style="yellow")


def _show_measured(screen: Screen, report: GuidanceOut) -> None:
    if (measured := report.measured) is None:
        return
    saved = measured.saved
    minutes, low, high = (minutes_words(screen, each) for each in (saved.minutes, saved.low, saved.high))
    screen.say(
        "Corregido con las sesiones que fueron por ese camino ({count}): ahorra {minutes} (95 %: de {low} a {high}).",
        count=round(measured.effective_sessions), minutes=minutes, low=low, high=high,
    )  # fmt: skip
    screen.say("Probabilidad de que el orden aprendido no sea peor: {share}.", share=percent(screen, measured.not_worse))


def show_rules(screen: Screen, report: GuidanceOut) -> None:
    """Print what each rule of the author costs."""
    if not report.rule_costs:
        return
    titles = {step.step_id: step.title for step in report.steps}
    screen.show()
    screen.say("Lo que cuesta cada regla, en minutos por sesión", style="bold")
    for rule in report.rule_costs:
        style = "yellow" if rule.cost >= 0.05 else "dim"  # noqa: PLR2004 less is shown as nothing
        screen.show(f"  {signed(screen, rule.cost)}  {_rule_words(screen, rule, titles)}", style=style)


def _rule_words(screen: Screen, rule: RuleCostOut, titles: dict[str, str]) -> str:
    names = [titles.get(each, each) for each in rule.steps]
    if not rule.known:
        return screen.tr("No tiene efecto: la guía ya no tiene {steps}", steps=", ".join(names))
    match rule.kind:
        case "pin":
            return screen.tr("Primero «{step}»", step=names[0])
        case "keep":
            return screen.tr("«{first}» antes que «{second}»", first=names[0], second=names[1])
        case _:
            return screen.tr("Al menos {count} pasos antes de una persona", count=rule.floor)


def rule_words(screen: Screen, rules: OrderRulesOut) -> str:
    """The rules of a guide that are no wishes about single steps, in the screen's language."""
    words = {
        "author": screen.tr("Orden: el del autor."),
        "learned": screen.tr("Orden: el aprendido."),
        "shadow": screen.tr("Orden: el del autor; el aprendido solo se compara."),
    }
    order = words.get(rules.order or "", screen.tr("Orden: el que diga la instalación."))
    return order if rules.explores else f"{order} {screen.tr('Ningún paso se ofrece solo para aprender.')}"


def minutes_words(screen: Screen, minutes: float) -> str:
    """Minutes with one digit, in the screen's language."""
    number = f"{minutes:.1f}"
    number = "0.0" if number == "-0.0" else number
    return number if screen.language == "en" else number.replace(".", ",")


def signed(screen: Screen, minutes: float) -> str:
    """Minutes with a sign, in the screen's language."""
    words = minutes_words(screen, minutes)
    return words if words.startswith("-") or words in {"0,0", "0.0"} else f"+{words}"


# -------------------------------------------------------------------------------------------------------------- simulation


def show_comparison(screen: Screen, found: OrderComparison, *, learned: bool) -> None:
    """Print two orders side by side."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    if learned:
        screen.say("Clientes inventados: {count}, como los que muestran las sesiones.", count=found.sessions)
    else:
        screen.say("Clientes inventados: {count}, como dicen los números del autor.", count=found.sessions)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column(screen.tr("Orden del autor"), justify="right")
    table.add_column(screen.tr("Orden del plan"), justify="right")
    for label, first, second in _rows(screen, found.author, found.plan):
        table.add_row(label, first, second)
    screen.show(table)
    _show_difference(screen, found)
    screen.say("Es un ensayo con lo que se cree de la guía: lo que pase de verdad lo dicen las sesiones.", style="dim")


def _show_difference(screen: Screen, found: OrderComparison) -> None:
    is_less = found.saved >= 0
    ends = (found.saved, found.low, found.high) if is_less else (-found.saved, -found.high, -found.low)
    minutes, low, high = (minutes_words(screen, each) for each in ends)
    said = {"minutes": minutes, "low": low, "high": high}
    style = "green" if found.low > 0 else "yellow"
    if is_less:
        screen.say("El plan ahorra {minutes} minutos por sesión (95 %: de {low} a {high}).", style=style, **said)
    else:
        screen.say("El plan toma {minutes} minutos más por sesión (95 %: de {low} a {high}).", style=style, **said)
    if found.low <= 0 <= found.high:
        screen.say("Con tan pocos clientes no se ve una diferencia clara.", style="dim")


def _rows(screen: Screen, author: OrderResult, plan: OrderResult) -> Iterator[tuple[str, str, str]]:
    both: Sequence[OrderResult] = (author, plan)
    yield screen.tr("Minutos por sesión"), *_two([minutes_words(screen, each.minutes) for each in both])
    yield screen.tr("Pasos por sesión"), *_two([minutes_words(screen, each.steps) for each in both])
    yield screen.tr("Resueltas sin una persona"), *_two([percent(screen, each.solved, 1) for each in both])
    yield screen.tr("Pasan a una persona"), *_two([percent(screen, each.escalated, 1) for each in both])
    yield screen.tr("Se van sin solución"), *_two([percent(screen, each.left, 1) for each in both])
    yield screen.tr("Dicen que se resolvió y no"), *_two([percent(screen, each.false, 1) for each in both])


def _two(words: list[str]) -> tuple[str, str]:
    return words[0], words[1]
