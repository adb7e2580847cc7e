"""`guiado events`: list events, count deliveries and send them again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from guiado import clock
from guiado.cli.console import Json, Screen, read_time, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import given_of, operator
from guiado.errors import FieldProblem, InvalidInput, Message

if TYPE_CHECKING:
    from guiado.app.sessions.views import View
    from guiado.store.events import StoredEvent

app = typer.Typer(cls=ManualGroup, help="Eventos: verlos, contarlos y enviarlos otra vez.", no_args_is_help=True)
Event = Annotated[str | None, typer.Option("--event", metavar="TIPO", help="Solo los de este tipo.")]
Begin = Annotated[str | None, typer.Option("--from", metavar="FECHA", help="Lo que pasó desde esta fecha y hora.")]
End = Annotated[str | None, typer.Option("--to", metavar="FECHA", help="Lo que pasó antes de esta fecha y hora.")]
Failed = Annotated[bool, typer.Option("--failed", help="Todo lo que no llegó.")]
_LOOK_S = 0.5
_SECONDS_A_MINUTE, _SECONDS_AN_HOUR = 60, 3_600
_STYLES = {"pending": "yellow", "delivered": "green", "exhausted": "red", "disabled": "dim", "cancelled": "dim"}


@app.command(cls=Manual, help="Muestra los últimos eventos y el resultado de sus envíos.")
def tail(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Cuántos, como máximo (20).")] = 20,
    session: Annotated[str | None, typer.Option("--session", metavar="SESIÓN", help="Solo los de esta sesión.")] = None,
    event: Event = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Sigue mostrando los que lleguen, hasta Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Muestra JSON, un evento por línea.")] = False,
) -> None:
    """Show the latest events."""
    from guiado.app.outbound import events

    screen = screen_of(context)
    found = operator().read(events.latest, limit, session, event)[::-1]
    for each in found:
        _show(screen, each, as_json=as_json)
    if not found and not as_json:
        screen.say("Todavía no hay eventos.")
    if follow:
        for each in _follow(found, session, event):
            _show(screen, each, as_json=as_json)


@app.command(
    cls=Manual,
    help="Envía otra vez lo que no llegó: un evento, los de un tipo, lo que pasó en un intervalo, o todo con --failed.\n"
    "Los envíos conservan su identificador, así que el receptor reconoce lo que ya tiene.",
)
def replay(
    context: typer.Context,
    event_id: Annotated[str | None, typer.Argument(metavar="EVENTO", help="Identificador de un evento.")] = None,
    webhook: Annotated[str | None, typer.Option("--webhook", metavar="ID", help="Solo a este destino; si no, a todos.")] = None,
    event: Event = None,
    begin: Begin = None,
    end: End = None,
    failed: Failed = False,
    delivered: Annotated[bool, typer.Option("--all", "--delivered", help="También lo que ya llegó.")] = False,
    as_json: Json = False,
) -> None:
    """Send events again."""
    given = {"event_id": event_id, "event": event, "begin": begin, "end": end, "delivered": delivered and not failed}
    send_again(screen_of(context), given, webhook, failed=failed, as_json=as_json)


def send_again(screen: Screen, given: View, webhook_id: str | None, *, failed: bool, as_json: bool) -> None:
    """Send events again, and show how many.

    Args:
        given: fields of the command `Replay`, times as they were typed.
        webhook_id: to this endpoint only.
        failed: everything that did not arrive.
    """
    from guiado.app import commands
    from guiado.app.outbound import events
    from guiado.app.validation import check

    if given["event"] is not None:
        events.check_kind("--event", given["event"])
    begin, end = read_time("--from", given["begin"]), read_time("--to", given["end"])
    if begin and end and begin >= end:
        raise InvalidInput([FieldProblem("--to", Message("Debe ser posterior a --from."))])
    command = check(commands.Replay, given_of({**given, "begin": begin, "end": end}))
    counts = operator().write(events.replay, command, webhook_id, failed=failed)
    count = sum(counts.values())
    if as_json:
        screen.print_json({"replayed": count, "webhooks": counts})
    elif count:
        screen.say("✓ Envíos en camino otra vez: {count}.", style="green", count=count)
    elif given["delivered"]:
        screen.say("No había nada que enviar otra vez.")
    else:
        screen.say("No había nada que enviar otra vez. Con --all, también lo que ya llegó.")


@app.command(cls=Manual, help="Cuenta los eventos y muestra el estado de las colas de cada destino y de cada canal.")
def stats(context: typer.Context, as_json: Json = False) -> None:
    """Show figures of events and queues."""
    from guiado.app.outbound import events

    screen, found = screen_of(context), operator().read(events.stats)
    if as_json:
        screen.print_json(found)
        return
    screen.say("Eventos", style="bold")
    if not found.events:
        screen.say("  Ninguno en el último día.")
    for row in found.events:
        screen.say(
            "  {event}: {hour} en la última hora, {day} en el último día",
            event=row.event,
            hour=row.last_hour,
            day=row.last_day,
        )
    screen.say("Webhooks", style="bold")
    if not found.webhooks:
        screen.say("  Ninguno registrado. Se registra con guiado webhooks add.")
    for row in found.webhooks:
        _show_queue(screen, row.webhook_id, row.pending, row.oldest_s, row.successes, row.failed)
    screen.say("Avisos a personas", style="bold")
    if not found.channels:
        screen.say("  Ninguno en el último día.")
    for row in found.channels:
        _show_queue(screen, row.channel, row.pending, row.oldest_s, row.sent, row.failed)


def _follow(seen: list[StoredEvent], session_id: str | None, kind: str | None) -> Iterator[StoredEvent]:
    """Yield new events until the caller stops."""
    from guiado.app.outbound import events

    known, looked_at = {event.event_id for event in seen}, clock.now()
    while True:
        time.sleep(_LOOK_S)
        begin = clock.now()
        for event in operator().read(events.since, looked_at, session_id, kind, known):
            known.add(event.event_id)
            yield event
        looked_at = begin


def _show_queue(screen: Screen, name: str, pending: int, oldest_s: float, sent: int, failed: int) -> None:
    waits = screen.tr(", el más antiguo hace {age}", age=_age(oldest_s)) if pending and oldest_s >= 1 else ""
    line = screen.tr(
        "{pending} en espera{waits}; enviados: {sent}, fallidos: {failed}", pending=pending, waits=waits, sent=sent, failed=failed
    )
    screen.show(f"  {name}: {line}", style="yellow" if failed else "")


def _age(seconds: float) -> str:
    if seconds < _SECONDS_A_MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < _SECONDS_AN_HOUR else f"{seconds / 3_600:.1f} h"


def _show(screen: Screen, event: StoredEvent, *, as_json: bool) -> None:
    from rich.text import Text

    if as_json:
        screen.print_json(event, on_one_line=True)
        return
    words = {
        "pending": screen.tr("en espera"),
        "delivered": screen.tr("entregado"),
        "exhausted": screen.tr("sin más intentos"),
        "disabled": screen.tr("destino desactivado"),
        "cancelled": screen.tr("cancelado"),
    }
    counts = {state: getattr(event, state) for state in words}
    told = [(f" · {words[state]}: {count}", _STYLES[state]) for state, count in counts.items() if count]
    session = (f"  {event.session_id}" if event.session_id else "", "dim")
    screen.verbatim(
        Text.assemble((event.event_id, "dim"), f"  {shown_time(event.occurred_at)}  ", (event.event, "bold"), session, *told)
    )
