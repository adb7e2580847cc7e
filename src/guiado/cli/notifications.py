"""`guiado notifications`: list, test and resend notifications to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, read_time, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import given_of, operator
from guiado.errors import FieldProblem, InvalidInput, Message

if TYPE_CHECKING:
    from guiado.app import commands
    from guiado.app.outbound.models import NotificationRow
    from guiado.app.sessions.views import View

app = typer.Typer(cls=ManualGroup, help="Avisos a personas: verlos, probar un canal y enviarlos otra vez.", no_args_is_help=True)
Channel = Annotated[str | None, typer.Option(metavar="CANAL", help="Solo este: {channels}.")]
_MARKS = {"sent": ("✓", "green"), "failed": ("✗", "red"), "pending": ("…", "yellow"), "cancelled": ("-", "dim")}


@app.command("list", cls=Manual, help="Muestra los últimos avisos y su estado.")
def list_(
    context: typer.Context,
    channel: Channel = None,
    status: Annotated[str | None, typer.Option(metavar="ESTADO", help="Solo estos: pending, sent, failed o cancelled.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Solo los de esta sesión.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Cuántos, como máximo (20).")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest notifications."""
    from guiado.app import commands
    from guiado.app.outbound import notifications
    from guiado.app.validation import check

    screen = screen_of(context)
    wanted = check(commands.NotificationPage, given_of({"limit": limit, "channel": channel, "status": status}))
    found, _ = operator().read(notifications.page, wanted, session_id=session)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Ningún aviso cumple esas condiciones.")
    for each in [] if as_json else found:
        _show(screen, each)


@app.command(cls=Manual, help="Muestra un aviso completo: su texto y su estado.")
def show(
    context: typer.Context,
    notification_id: Annotated[str, typer.Argument(metavar="ID", help="Identificador del aviso.")],
    as_json: Json = False,
) -> None:
    """Show one notification."""
    from guiado.app.outbound import notifications

    screen, found = screen_of(context), operator().read(notifications.one, notification_id)
    if as_json:
        screen.print_json(found)
        return
    _show(screen, found)
    for words in (found.subject, found.message):
        if words:
            screen.show()
            screen.show(words)


@app.command(cls=Manual, help="Envía otra vez un aviso que falló, o con --all todos los que fallaron o esperan otro intento.")
def retry(
    context: typer.Context,
    notification_id: Annotated[str | None, typer.Argument(metavar="ID", help="Identificador de un aviso.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Todos los que fallaron o esperan otro intento.")] = False,
    channel: Channel = None,
    status: Annotated[
        str | None, typer.Option(metavar="ESTADO", help="Solo los perdidos (failed) o los que esperan otro intento (pending).")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="FECHA", help="Los que se guardaron desde esta fecha.")] = None,
    as_json: Json = False,
) -> None:
    """Send notifications again."""
    from guiado.app import commands
    from guiado.app.outbound import notifications
    from guiado.app.validation import check

    screen = screen_of(context)
    if everything == (notification_id is not None):
        why = Message("Indica el identificador de un aviso, o --all para todos.")
        raise InvalidInput([FieldProblem("ID", why)])
    given = {"channel": channel, "status": status, "since": read_time("--from", since)}
    wanted = check(commands.RetryNotifications, given_of(given))
    if notification_id:
        count = operator().write(notifications.again, notification_id)
    else:
        count = operator().write(notifications.retry, wanted)
    if as_json:
        screen.print_json({"retried": count})
    elif count:
        screen.say("✓ En camino otra vez: {count}.", style="green", count=count)
    else:
        screen.say("No hay nada que enviar otra vez.")


@app.command("test", cls=Manual, help="Envía un aviso de prueba por un canal y dice qué pasó.")
def try_(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CANAL", help="Por dónde: {channels}.")],
    recipient: Annotated[str, typer.Argument(metavar="DESTINATARIO", help="Dirección, número, tema o nombre del canal.")],
    webhook_url: Annotated[str | None, typer.Option(metavar="URL", help="Dirección del canal, donde hace falta una.")] = None,
    as_json: Json = False,
) -> None:
    """Send a test message."""
    from guiado.app import commands
    from guiado.app.validation import check

    screen = screen_of(context)
    words = screen.tr("Si lees esto, los avisos de guiado llegan por este canal.")
    given = {
        "notification_type": "test", "channel": channel, "recipient": recipient, "webhook_url": webhook_url,
        "subject": screen.tr("Prueba de guiado"), "message": words, "priority": "urgent",
    }  # fmt: skip
    told = _send(check(commands.Notification, given_of(given)))
    if as_json:
        screen.print_json(told)
    elif told["status"] == "sent":
        screen.say("✓ Enviado.", style="green")
    else:
        screen.complain(screen.tr("No salió: {problem}", problem=told["error_message"] or told["note"] or told["status"]))
    raise typer.Exit(0 if told["status"] == "sent" else 1)


def _send(command: commands.Notification) -> View:
    """Store a message and wait for its first attempt; this process sends it if no other does."""
    from guiado.app.models import plain
    from guiado.app.outbound import notifications

    door = operator()
    stored, _ = door.write(notifications.store, command)
    told = door.engine.run(lambda parts: notifications.first_result(parts, stored.id))
    return {**plain(stored), **{name: told[name] for name in ("status", "error_message", "note", "provider_message_id")}}


def _show(screen: Screen, one: NotificationRow) -> None:
    mark, style = _MARKS[one.status]
    line = f"{mark} {shown_time(one.created_at)}  {one.channel}  {one.recipient}  {one.notification_type}"
    screen.verbatim(line, style=style)
    screen.verbatim(f"  {one.id}", style="dim")
    if said := one.error_message or one.note:
        screen.verbatim(f"  {said}")
