"""`guiado recipients`: recipients of notifications, and their preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import given_of, operator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guiado.app.outbound.models import RecipientBody

app = typer.Typer(cls=ManualGroup, help="Destinatarios: a quién se avisa, de qué y cómo.", no_args_is_help=True)
ChannelArgument = Annotated[str, typer.Argument(metavar="CANAL", help="Uno de estos: {channels}.")]
RecipientArgument = Annotated[str, typer.Argument(metavar="DESTINATARIO", help="Dirección, número, tema o nombre del canal.")]


@app.command("list", cls=Manual, help="Muestra a quién se avisa, de qué y cómo.")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show all recipients."""
    from guiado.app.outbound import recipients

    screen, found = screen_of(context), [recipients.view(one) for one in operator().read(recipients.every)]
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say(
            "Todavía no se avisa a nadie. Agrega a alguien: guiado recipients add email ana@example.com --event session_escalated"
        )
    for each in [] if as_json else found:
        _show(screen, each)


@app.command(cls=Manual, help="Agrega un destinatario y de qué se le avisa; si ya existe, lo reemplaza.")
def add(
    context: typer.Context,
    channel: ChannelArgument,
    recipient: RecipientArgument,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="EVENTO", help="De qué eventos; se puede repetir.")
    ] = None,
    mute: Annotated[
        list[str] | None, typer.Option("--mute", metavar="TIPO", help="Eventos de los que no quiere avisos; se puede repetir.")
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="es|en|pt", help="En qué idioma.")] = None,
    time_zone: Annotated[str | None, typer.Option(metavar="ZONA", help="Su zona horaria (UTC).")] = None,
    quiet_from: Annotated[str | None, typer.Option(metavar="HORA", help="Principio de sus horas de silencio: 22:00.")] = None,
    quiet_to: Annotated[str | None, typer.Option(metavar="HORA", help="Fin de sus horas de silencio: 07:30.")] = None,
    digest: Annotated[
        int | None, typer.Option(metavar="MINUTOS", help="Un resumen cada tantos minutos (0: sin resumen).")
    ] = None,
    webhook_url: Annotated[str | None, typer.Option(metavar="URL", help="Dirección del canal, donde hace falta una.")] = None,
    secret: Annotated[str | None, typer.Option(metavar="TEXTO", help="Firma los mensajes del canal webhook.")] = None,
    as_json: Json = False,
) -> None:
    """Add or replace a recipient."""
    given = {
        "channel": channel, "recipient": recipient, "events": event or [], "muted": mute or [], "language": language,
        "time_zone": time_zone, "quiet_from": quiet_from, "quiet_to": quiet_to, "digest_minutes": digest,
        "webhook_url": webhook_url, "secret": secret,
    }  # fmt: skip
    screen, stored = screen_of(context), _put(given, event or [])
    if as_json:
        screen.print_json(stored)
        return
    screen.say("✓ Guardado.", style="green")
    _show(screen, stored)


@app.command(cls=Manual, help="Deja de avisar a alguien; lo que ya está en camino se envía.")
def remove(context: typer.Context, channel: ChannelArgument, recipient: RecipientArgument, as_json: Json = False) -> None:
    """Remove a recipient."""
    from guiado.app.outbound import recipients

    operator().write(recipients.remove, channel, recipient)
    screen = screen_of(context)
    if as_json:
        screen.print_json({"removed": True})
    else:
        screen.say("✓ Destinatario eliminado.", style="green")


def _put(given: Mapping[str, object], kinds: Iterable[str]) -> RecipientBody:
    from guiado.app import commands
    from guiado.app.outbound import events, recipients
    from guiado.app.validation import check

    for kind in kinds:
        events.check_kind("--event", kind)
    return recipients.view(operator().write(recipients.put, check(commands.Recipient, given_of(given))))


def _show(screen: Screen, one: RecipientBody) -> None:
    screen.verbatim(f"{one.channel}  {one.recipient}", style="bold")
    screen.show(f"  {', '.join(one.events) or '—'}", style="dim")
    if one.quiet_from:
        screen.verbatim(f"  {one.quiet_from}–{one.quiet_to} {one.time_zone}", style="dim")
