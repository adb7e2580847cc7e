"""`guiado sessions`: what was tried, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guiado.cli.manual import Manual, ManualGroup
from guiado.cli.screen import Json, Screen, bullets, screen_of, shown_time
from guiado.errors import FieldProblem, InvalidInput, Message, printable

if TYPE_CHECKING:
    from guiado.cli.desk import View

app = typer.Typer(cls=ManualGroup, help="Sesiones: lista y detalle.", no_args_is_help=True)
_STYLES = {"resolved": "green", "escalated": "red", "needs_escalation": "yellow", "abandoned": "dim"}
_MARKS = {"solved": "✓", "done": "✓", "not_helped": "○", "could_not": "✗"}
_WIDE = 110
_TITLE_COLUMNS = 40
_MOST_CANDIDATES = 3


@app.command("list", cls=Manual, help="Muestra las sesiones más recientes.")
def list_(
    context: typer.Context,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="ESTADO",
            help="Solo las de este estado: started, in_progress, needs_escalation, resolved, escalated o abandoned.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Cuántas, como máximo (20).")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest sessions."""
    from guiado.cli.desk import recent

    _check_status(status)
    screen, found = screen_of(context), recent(limit, status)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Todavía no hay sesiones.")
    elif screen.out.width >= _WIDE:
        _show_table(screen, found)
    else:
        _show_cards(screen, found)


@app.command(cls=Manual, help="Muestra una sesión con todos sus intentos.")
def show(
    context: typer.Context,
    session_id: Annotated[str, typer.Argument(metavar="SESIÓN", help="Identificador de la sesión.")],
    as_json: Json = False,
) -> None:
    """Show one session."""
    from guiado.cli.desk import whole

    screen, found = screen_of(context), whole(session_id)
    if as_json:
        screen.print_json(found)
        return
    _show_session(screen, found["session"])
    _show_understood(screen, found["understood"])
    _show_attempts(screen, found["attempts"])


def _check_status(status: str | None) -> None:
    from guiado.domain.session import Status

    if status is not None and status not in set(Status):
        known = ", ".join(Status)
        why = Message("{given} no es un estado. Usa uno de estos: {known}.", {"given": printable(status), "known": known})
        raise InvalidInput([FieldProblem("--status", why)])


def status_words(screen: Screen, status: str) -> str:
    """A status as people say it."""
    words = {
        "started": screen.tr("empezada"),
        "in_progress": screen.tr("en curso"),
        "needs_escalation": screen.tr("espera a una persona"),
        "resolved": screen.tr("resuelta"),
        "escalated": screen.tr("con una persona"),
        "abandoned": screen.tr("abandonada"),
    }
    return words.get(status, status)


def outcome_words(screen: Screen, outcome: str) -> str:
    """An outcome as people say it."""
    words = {
        "solved": screen.tr("se resolvió"),
        "done": screen.tr("hecho"),
        "not_helped": screen.tr("no sirvió"),
        "could_not": screen.tr("no se pudo"),
    }
    return words.get(outcome, outcome)


def _show_table(screen: Screen, found: list[View]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in (screen.tr("Sesión"), screen.tr("Empezó"), screen.tr("Estado"), screen.tr("Pasos"), screen.tr("Problema")):
        table.add_column(heading, no_wrap=True)
    for row in found:
        state = Text(status_words(screen, row["status"]), style=_STYLES.get(row["status"], "cyan"))
        table.add_row(row["session_id"], shown_time(row["started_at"]), state, _steps(row), _title(row)[:_TITLE_COLUMNS])
    screen.show(table)


def _show_cards(screen: Screen, found: list[View]) -> None:
    from rich.text import Text

    for row in found:
        state = (status_words(screen, row["status"]), _STYLES.get(row["status"], "cyan"))
        screen.verbatim(row["session_id"], style="bold")
        screen.show(Text.assemble("  ", state, f" · {_steps(row)} · {shown_time(row['started_at'])}"))
        screen.show(f"  {_title(row)}")


def _show_session(screen: Screen, session: Mapping[str, Any]) -> None:
    screen.verbatim(session["session_id"], style="bold")
    rows = (
        (screen.tr("Estado"), status_words(screen, session["status"])),
        (screen.tr("Problema"), session["detected_problem_title"] or screen.tr("sin reconocer")),
        (screen.tr("Cliente"), " · ".join(filter(None, (session["customer_name"], session["customer_email"])))),
        (screen.tr("Descripción"), session["problem_description"]),
        (screen.tr("Ticket"), session["ticket_id"]),
        (screen.tr("Empezó"), shown_time(session["started_at"])),
        (screen.tr("Terminó"), shown_time(session["ended_at"])),
        (screen.tr("Pasos"), _steps(session)),
        (screen.tr("Solución"), _resolution(screen, session["resolution"])),
        (screen.tr("Motivo para pasar a una persona"), session["escalation_reason"]),
        (screen.tr("Notas"), session["notes"]),
    )
    screen.show(_facts([(name, str(value)) for name, value in rows if value], stacked=screen.out.width < _WIDE // 2))


def _show_understood(screen: Screen, understood: Mapping[str, Any]) -> None:
    """What else it could have been, and what the customer made clear."""
    others = [_candidate(each) for each in understood["candidates"][:_MOST_CANDIDATES]]
    heard = [line for each in understood["clarifications"] if (line := _heard(screen, each))]
    for title, lines in ((screen.tr("También podría ser"), others), (screen.tr("Lo que aclaró el cliente"), heard)):
        if lines:
            screen.show()
            screen.show(title, style="bold")
            screen.show(bullets(screen, lines))


def _candidate(each: Mapping[str, Any]) -> str:
    words = ", ".join(each.get("words") or ())
    return f"{each['problem_id']} · {each['confidence']:.0%}" + (f" · «{words}»" if words else "")


def _heard(screen: Screen, heard: Mapping[str, Any]) -> str:
    said: Mapping[str, Any] | None = heard["said"]
    if said is None:
        return ""
    answers = {"yes": screen.tr("sí"), "no": screen.tr("no"), "unknown": screen.tr("no lo sabe")}
    told = [f"«{said['text']}»"] if "text" in said else []
    told += [f"{heard['question']} {answers[said['answer']]}"] if "answer" in said else []
    told += [screen.tr("ninguno de los que se le mostraron")] if "none" in said else []
    told += [screen.tr("es {problem}", problem=said["problem_id"])] if "problem_id" in said else []
    denied = [screen.tr("no es {problem}", problem=heard["rejected"])] if heard["rejected"] else []
    return " · ".join((*denied, *told))


def _facts(rows: list[tuple[str, str]], *, stacked: bool) -> Any:  # noqa: ANN401
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if stacked:
        return Group(*(Text.assemble((f"{name}: ", "dim"), value) for name, value in rows))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", max_width=22)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def _show_attempts(screen: Screen, attempts: list[Mapping[str, Any]]) -> None:
    screen.show()
    if not attempts:
        screen.say("Sin intentos todavía.", style="dim")
        return
    screen.say("Intentos", style="bold")
    for attempt in attempts:
        _show_attempt(screen, attempt)


def _show_attempt(screen: Screen, attempt: Mapping[str, Any]) -> None:
    from rich.text import Text

    outcome = attempt["outcome"]
    style = {"✓": "green", "✗": "red"}.get(_MARKS.get(outcome, ""), "yellow")
    seconds = attempt["active_seconds"] or attempt["duration_seconds"] or 0
    head = (f"{_MARKS.get(outcome, '·')} {attempt['step_number']}. {outcome_words(screen, outcome)}", style)
    screen.show(Text.assemble(head, (f" · {seconds:.0f} s · {shown_time(attempt['attempted_at'])}", "dim")))
    screen.show(f"  {attempt['step_title'] or ''}")
    for words in (attempt["notes"], attempt["reason"]):
        if words:
            screen.show(f"  «{words}»", style="italic")


def _steps(row: Mapping[str, Any]) -> str:
    return f"{row['current_step']}/{row['total_steps']}"


def _title(row: Mapping[str, Any]) -> str:
    return str(row["detected_problem_title"] or row["problem_description"]).replace("\n", " ")


def _resolution(screen: Screen, resolution: str | None) -> str:
    words = {"confirmed": screen.tr("confirmada"), "assumed": screen.tr("supuesta")}
    return words.get(str(resolution), "") if resolution else ""
