"""`guiado sessions`: list, show, close, hand over, rate and reopen sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli import attachments
from guiado.cli.chat_view import reference_line
from guiado.cli.console import Json, Screen, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup, Parsed
from guiado.cli.operator import SessionId, given_of, operator
from guiado.cli.understood_view import show_answers, show_stand, show_understood
from guiado.errors import FieldProblem, InvalidInput, Message, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from guiado.app.sessions.models import (
        AttemptOut,
        FeedbackBody,
        SessionOut,
        SessionRow,
    )
    from guiado.domain.session import Session
    from guiado.store.sessions import Wanted


class SessionsGroup(ManualGroup):
    """A group that runs its `list` when options come first: `guiado sessions --status needs_escalation`."""

    def parse_args(self, ctx: Parsed, args: list[str]) -> list[str]:  # noqa: D102
        is_list = bool(args) and args[0].startswith("-") and args[0] not in {"--help", "-h"}
        return super().parse_args(ctx, ["list", *args] if is_list else args)


app = typer.Typer(
    cls=SessionsGroup, help="Sesiones: buscarlas, verlas, cerrarlas o pasarlas a una persona.", no_args_is_help=True
)
attachments.add_to(app)
_OPTIONS = {
    "ticket_id": "--ticket",
    "customer_email": "--email",
    "problem_id": "--problem",
    "since": "--since",
    "until": "--until",
}
_STYLES = {"resolved": "green", "escalated": "red", "needs_escalation": "yellow", "abandoned": "dim"}
_MARKS = {"solved": "✓", "done": "✓", "not_helped": "○", "could_not": "✗"}
_WIDE = 110
_TITLE_COLUMNS = 40


@app.command("list", cls=Manual, help="Muestra las sesiones más recientes. Quién espera: guiado sessions --status espera")
def list_(
    context: typer.Context,
    ticket: Annotated[str | None, typer.Option(metavar="TICKET", help="Solo las de este ticket.")] = None,
    email: Annotated[str | None, typer.Option(metavar="CORREO", help="Solo las de este cliente.")] = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="ESTADO",
            help="Solo las de este estado, como sale en la lista o: started, in_progress, needs_escalation, resolved, escalated, "
            "abandoned.",
        ),
    ] = None,
    problem: Annotated[str | None, typer.Option(metavar="GUÍA", help="Solo las de este problema.")] = None,
    since: Annotated[str | None, typer.Option(metavar="FECHA", help="Solo las que empezaron desde esta fecha.")] = None,
    until: Annotated[str | None, typer.Option(metavar="FECHA", help="Solo las que empezaron antes de esta fecha.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Cuántas, como máximo (20).")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest sessions."""
    from guiado.app.sessions import search

    conditions = {"ticket_id": ticket, "customer_email": email, "problem_id": problem, "since": since, "until": until}
    wanted = _wanted(given_of({"status": status_of(status), **conditions}))
    screen, found = screen_of(context), operator().read(search.find, limit, wanted)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say(
            "Ninguna sesión cumple esas condiciones." if status or any(conditions.values()) else "Todavía no hay sesiones."
        )
    elif screen.out.width >= _WIDE:
        _show_table(screen, found)
    else:
        _show_cards(screen, found)


@app.command(cls=Manual, help="Muestra una sesión con todos sus intentos y su valoración.")
def show(context: typer.Context, session_id: SessionId, as_json: Json = False) -> None:
    """Show one session."""
    from guiado.app.models import plain
    from guiado.app.sessions.record import read_record, state_view
    from guiado.app.sessions.search import on_session

    screen = screen_of(context)
    record = operator(screen.language).read(on_session, session_id, read_record, with_ratings=True)
    found = state_view(record)
    if as_json:
        screen.print_json({**plain(found), "feedback": record.ratings})
        return
    _show_session(screen, found.session)
    show_understood(screen, found.understood)
    _show_attempts(screen, found.attempts)
    show_answers(screen, found.guide_answers)
    show_stand(screen, found.stand)
    attachments.show_pictures(screen, found.session.reference, found.attachments)
    _show_rating(screen, record.ratings)


@app.command(cls=Manual, help="Cierra una sesión como resuelta y dice cuál era el problema.")
def resolve(
    context: typer.Context,
    session_id: SessionId,
    problem: Annotated[str | None, typer.Option(metavar="GUÍA", help="El problema real, u «otro» si no es ninguno.")] = None,
    step: Annotated[str | None, typer.Option(metavar="PASO", help="El step_id del paso que lo resolvió.")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="N", help="Minutos que dedicaste.")] = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXTO", help="Lo que conviene saber.")] = None,
    as_json: Json = False,
) -> None:
    """Close a session as solved."""
    from guiado.app import commands
    from guiado.app.sessions.escalate import resolve as close
    from guiado.app.sessions.search import on_session
    from guiado.app.validation import check

    given = {"problem_id": problem, "step_id": step, "minutes": minutes, "notes": notes}
    session, _ = operator().write(on_session, session_id, close, check(commands.Resolve, given_of(given)))
    _tell(context, session, as_json)


@app.command(cls=Manual, help="Pasa una sesión a una persona.")
def escalate(
    context: typer.Context,
    session_id: SessionId,
    reason: Annotated[str | None, typer.Option(metavar="TEXTO", help="Motivo.")] = None,
    as_json: Json = False,
) -> None:
    """Hand a session over to a person."""
    from guiado.app import commands
    from guiado.app.sessions.escalate import escalate as hand_over
    from guiado.app.sessions.search import on_session
    from guiado.app.validation import check

    command = check(commands.Escalate, given_of({"reason": reason}))
    _tell(context, operator().write(on_session, session_id, hand_over, command).session, as_json)


@app.command(cls=Manual, help="Guarda la valoración del cliente, de 1 a 5.")
def rate(
    context: typer.Context,
    session_id: SessionId,
    rating: Annotated[int, typer.Argument(metavar="NOTA", help="De 1 (mala) a 5 (excelente).")],
    comment: Annotated[str | None, typer.Option(metavar="TEXTO", help="Lo que dijo el cliente.")] = None,
    as_json: Json = False,
) -> None:
    """Store the customer's rating."""
    from guiado.app import commands
    from guiado.app.sessions.feedback import rate as store
    from guiado.app.sessions.search import on_session
    from guiado.app.validation import check

    command = check(commands.Rate, given_of({"rating": rating, "feedback_text": comment}))
    session, _ = operator().write(on_session, session_id, store, command)
    _tell(context, session, as_json)


@app.command(cls=Manual, help="Abre de nuevo una sesión abandonada, donde se quedó.")
def resume(context: typer.Context, session_id: SessionId, as_json: Json = False) -> None:
    """Open an abandoned session again."""
    from guiado.app.sessions.escalate import resume as open_again
    from guiado.app.sessions.search import on_session

    session, _ = operator().write(on_session, session_id, open_again)
    _tell(context, session, as_json)


@app.command(cls=Manual, help="Crea un enlace con el que el cliente entra en esta sesión, y en ninguna otra. Se muestra una vez.")
def link(context: typer.Context, session_id: SessionId, as_json: Json = False) -> None:
    """Make a customer link to a session."""
    from guiado.app.access.customer_links import create
    from guiado.app.sessions.search import on_session
    from guiado.settings import read_settings

    settings = read_settings()
    base_url = settings.base_url or settings.own_url
    screen, made = screen_of(context), operator().write(on_session, session_id, create, base_url, settings.link_days)
    if as_json:
        screen.print_json(made)
        return
    screen.say("✓ Enlace creado. Envíaselo al cliente: no se volverá a mostrar.", style="green")
    screen.verbatim(made.url or "", style="bold")
    screen.say("  Caduca: {at}", at=shown_time(made.expires_at))
    if not settings.base_url:
        screen.say("Define GUIADO_PUBLIC_URL para que el enlace empiece por la dirección que ven tus clientes.", style="yellow")


def _wanted(given: Mapping[str, object]) -> Wanted:
    from guiado.app import commands
    from guiado.app.sessions.search import wanted_of
    from guiado.app.validation import check

    try:
        return wanted_of(check(commands.Page, given), None)
    except InvalidInput as error:
        problems = [FieldProblem(_OPTIONS.get(each.field, each.field), each.message) for each in error.problems]
        raise InvalidInput(problems) from None


def _tell(context: typer.Context, session: Session, as_json: bool) -> None:
    from guiado.app.sessions.views import session_view

    screen, shown = screen_of(context), session_view(session)
    if as_json:
        screen.print_json(shown)
    else:
        words = status_words(screen, shown.status)
        screen.say("✓ Sesión {reference}: {status}.", style="green", reference=shown.reference, status=words)


_WORDS = {
    "started": Message("empezada"),
    "in_progress": Message("en curso"),
    "needs_escalation": Message("espera a una persona"),
    "resolved": Message("resuelta"),
    "escalated": Message("con una persona"),
    "abandoned": Message("abandonada"),
}
"""Status -> its name for people."""


def status_of(given: str | None) -> str | None:
    """Resolve a status from its name, its words in any language, or the beginning of either.

    Raises:
        InvalidInput: it is none.
    """
    from guiado.i18n import LANGUAGES, translate
    from guiado.text.fold import fold_accents

    if given is None:
        return None
    wanted = " ".join(fold_accents(given).replace("_", " ").replace("-", " ").split())
    names = {
        status: {status.replace("_", " "), *(fold_accents(translate(words, each)) for each in LANGUAGES)}
        for status, words in _WORDS.items()
    }
    exact = [status for status, said in names.items() if wanted in said]
    alike = [status for status, said in names.items() if wanted and any(each.startswith(wanted) for each in said)]
    found = exact or alike
    if len(found) != 1:
        why = Message(
            "{given} no es un estado. Usa uno de estos: {known}.", {"given": printable(given), "known": ", ".join(_WORDS)}
        )
        raise InvalidInput([FieldProblem("--status", why)])
    return found[0]


def status_words(screen: Screen, status: str) -> str:
    """A status in the screen's language."""
    return screen.explain(_WORDS[status]) if status in _WORDS else status


def outcome_words(screen: Screen, outcome: str) -> str:
    """An outcome in the screen's language."""
    words = {
        "solved": screen.tr("se resolvió"),
        "done": screen.tr("hecho"),
        "not_helped": screen.tr("no sirvió"),
        "could_not": screen.tr("no se pudo"),
    }
    return words.get(outcome, outcome)


def _address(screen: Screen, session: SessionRow | SessionOut) -> str:
    return session.customer_email or screen.tr("sin correo")


def _show_table(screen: Screen, found: list[SessionRow]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    who, what = (screen.tr("Referencia"), screen.tr("Empezó"), screen.tr("Estado")), (screen.tr("Cliente"), screen.tr("Problema"))
    for heading in (*who, screen.tr("Pasos"), *what):
        table.add_column(heading, no_wrap=True)
    for row in found:
        state = Text(status_words(screen, row.status), style=_STYLES.get(row.status, "cyan"))
        title = ("⚠ " if row.urgent else "") + _title(row)[:_TITLE_COLUMNS]
        table.add_row(row.reference, shown_time(row.started_at), state, _steps(row), _address(screen, row), title)
    screen.show(table)


def _show_cards(screen: Screen, found: list[SessionRow]) -> None:
    from rich.text import Text

    for row in found:
        state = (status_words(screen, row.status), _STYLES.get(row.status, "cyan"))
        screen.verbatim(reference_line(row.reference, row.session_id))
        told = f" · {_steps(row)} · {shown_time(row.started_at)} · {_address(screen, row)}"
        screen.show(Text.assemble("  ", state, told))
        screen.show(f"  {'⚠ ' if row.urgent else ''}{_title(row)}")


def _show_session(screen: Screen, session: SessionOut) -> None:
    screen.verbatim(session.session_id, style="bold")
    rows = (
        (screen.tr("Referencia"), session.reference),
        (screen.tr("Estado"), status_words(screen, session.status)),
        (screen.tr("Problema"), session.detected_problem_title or screen.tr("sin reconocer")),
        (screen.tr("Cliente"), " · ".join(filter(None, (session.customer_name, _address(screen, session))))),
        (screen.tr("Descripción"), session.problem_description),
        (screen.tr("Ticket"), session.ticket_id),
        (screen.tr("Empezó"), shown_time(session.started_at)),
        (screen.tr("Terminó"), shown_time(session.ended_at)),
        (screen.tr("Pasos"), _steps(session)),
        (screen.tr("Solución"), _resolution(screen, session.resolution)),
        (screen.tr("Motivo para pasar a una persona"), session.escalation_reason),
        (screen.tr("Notas"), session.notes),
    )
    screen.show(_facts([(name, str(value)) for name, value in rows if value], stacked=screen.out.width < _WIDE // 2))


def _facts(rows: list[tuple[str, str]], *, stacked: bool) -> RenderableType:
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


def _show_attempts(screen: Screen, attempts: list[AttemptOut]) -> None:
    screen.show()
    if not attempts:
        screen.say("Sin intentos todavía.", style="dim")
        return
    screen.say("Intentos", style="bold")
    for attempt in attempts:
        _show_attempt(screen, attempt)


def _show_attempt(screen: Screen, attempt: AttemptOut) -> None:
    from rich.text import Text

    outcome = attempt.outcome
    style = {"✓": "green", "✗": "red"}.get(_MARKS.get(outcome, ""), "yellow")
    seconds = attempt.active_seconds or attempt.duration_seconds or 0
    head = (f"{_MARKS.get(outcome, '·')} {attempt.step_number}. {outcome_words(screen, outcome)}", style)
    screen.show(Text.assemble(head, (f" · {seconds:.0f} s · {shown_time(attempt.attempted_at)}", "dim")))
    screen.show(f"  {attempt.step_title or ''}")
    for words in (attempt.notes, attempt.reason):
        if words:
            screen.show(f"  «{words}»", style="italic")


def _show_rating(screen: Screen, ratings: list[FeedbackBody]) -> None:
    """Print the latest rating, which is the one that counts."""
    if not ratings:
        return
    screen.show()
    screen.say("Valoración: {rating} de 5", style="bold", rating=ratings[0].rating)
    if ratings[0].feedback_text:
        screen.show(f"  «{ratings[0].feedback_text}»", style="italic")


def _steps(row: SessionRow | SessionOut) -> str:
    return f"{row.current_step}/{row.total_steps}"


def _title(row: SessionRow | SessionOut) -> str:
    return str(row.detected_problem_title or row.problem_description).replace("\n", " ")


def _resolution(screen: Screen, resolution: str | None) -> str:
    words = {"confirmed": screen.tr("confirmada"), "assumed": screen.tr("supuesta")}
    return words.get(str(resolution), "") if resolution else ""
