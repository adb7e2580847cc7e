"""`guiado webhooks`: who is told of what, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.manual import Manual, ManualGroup
from guiado.cli.screen import Json, Screen, screen_of, shown_time
from guiado.errors import FieldProblem, InvalidInput, Message, printable

if TYPE_CHECKING:
    from guiado.app.views import View

app = typer.Typer(cls=ManualGroup, help="Webhooks: registrarlos, probarlos y ver cómo les va.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Identificador del webhook.")]
Secret = Annotated[str | None, typer.Option("--secret", metavar="TEXTO", help="Firma los envíos; si no, se inventa uno.")]


@app.command("list", cls=Manual, help="Muestra los webhooks registrados.")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show all endpoints."""
    from guiado.cli.postman import registered

    screen, found = screen_of(context), registered()
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Todavía no hay webhooks. Registra uno con: guiado webhooks add URL --event session_escalated")
    for each in [] if as_json else found:
        _show(screen, each)


@app.command(
    cls=Manual, help="Registra un webhook; el mismo identificador otra vez lo reemplaza. El secreto se muestra solo esta vez."
)
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Adónde se envía.")],
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="EVENTO", help="De qué eventos; se puede repetir.")
    ] = None,
    webhook_id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Identificador; si no, se inventa uno.")] = None,
    secret: Secret = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="NOMBRE:VALOR", help="Se envía siempre; se puede repetir.")
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SEGUNDOS", help="Para cada intento (10).")] = 10,
    attempts: Annotated[int, typer.Option(metavar="N", help="Intentos en total (10).")] = 10,
    rate: Annotated[float | None, typer.Option(metavar="N", help="Envíos por segundo, como máximo.")] = None,
    thin: Annotated[bool, typer.Option("--thin", help="Envía solo identificadores, sin datos de clientes.")] = False,
    as_json: Json = False,
) -> None:
    """Register an endpoint."""
    from guiado.cli.postman import register

    given = {
        "webhook_id": webhook_id, "url": url, "events": event or [], "secret": secret, "headers": _headers(header or []),
        "timeout": timeout, "retry_attempts": attempts, "max_per_second": rate, "thin": thin,
    }  # fmt: skip
    _show_secret(screen_of(context), register(given), as_json=as_json)


@app.command(cls=Manual, help="Quita un webhook; lo que faltaba por enviarle se cancela.")
def remove(context: typer.Context, webhook_id: Id) -> None:
    """Remove an endpoint."""
    from guiado.cli.postman import remove as take_away

    take_away(webhook_id)
    screen_of(context).say("✓ Webhook eliminado.", style="green")


@app.command("test", cls=Manual, help="Envía un evento de prueba por el camino de todos, y dice qué contestó el receptor.")
def try_(context: typer.Context, webhook_id: Id, as_json: Json = False) -> None:
    """Send a test event."""
    from guiado.cli.postman import test as send

    screen, result = screen_of(context), send(webhook_id)
    if as_json:
        screen.print_json(result)
    elif result["success"]:
        screen.say("✓ Llegó: HTTP {status}.", style="green", status=result["response_status"])
    else:
        screen.complain(screen.tr("No llegó: {problem}", problem=result["error"]))
    raise typer.Exit(0 if result["success"] else 1)


@app.command(cls=Manual, help="Muestra los últimos intentos de envío a un webhook.")
def attempts(
    context: typer.Context,
    webhook_id: Id,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Cuántos, como máximo (20).")] = 20,
    as_json: Json = False,
) -> None:
    """Show the latest attempts."""
    from guiado.cli.postman import attempts as look

    screen, found = screen_of(context), look(webhook_id, limit)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Todavía no se le envió nada.")
    for each in [] if as_json else found:
        _show_attempt(screen, each)


@app.command(cls=Manual, help="Envía otra vez a un webhook lo que no le llegó: un evento, o lo que pasó en un intervalo.")
def replay(
    context: typer.Context,
    webhook_id: Id,
    event_id: Annotated[str | None, typer.Option("--event", metavar="EVENTO", help="Identificador de un evento.")] = None,
    begin: Annotated[str | None, typer.Option("--from", metavar="FECHA", help="Lo que pasó desde entonces.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="FECHA", help="Lo que pasó antes de entonces.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="También lo que ya llegó.")] = False,
) -> None:
    """Send events to one endpoint again; the same as `guiado events replay --webhook`."""
    from guiado.cli.events import replay as send_again

    send_again(context, event_id, webhook_id, begin, end, everything)


@app.command(
    cls=Manual, help="Cambia el secreto; durante unas horas firma también el anterior. El nuevo se muestra solo esta vez."
)
def rotate(
    context: typer.Context,
    webhook_id: Id,
    secret: Secret = None,
    overlap: Annotated[float, typer.Option(metavar="HORAS", help="Cuánto tiempo firma también el anterior (24).")] = 24,
    as_json: Json = False,
) -> None:
    """Give an endpoint a new secret."""
    from guiado.cli.postman import rotate as change

    _show_secret(screen_of(context), change(webhook_id, secret, overlap), as_json=as_json)


@app.command(cls=Manual, help="Vuelve a enviar a un webhook desactivado; lo que llegó entretanto se pide con replay.")
def enable(context: typer.Context, webhook_id: Id) -> None:
    """Begin to send to an endpoint."""
    from guiado.cli.postman import switch

    switch(webhook_id, enabled=True)
    screen_of(context).say(
        "✓ Activado. Lo que no se le envió mientras tanto: guiado webhooks replay {id} --from FECHA", style="green", id=webhook_id
    )


@app.command(cls=Manual, help="Deja de enviar a un webhook; lo que llegue mientras tanto se guarda.")
def disable(context: typer.Context, webhook_id: Id) -> None:
    """Cease to send to an endpoint."""
    from guiado.cli.postman import switch

    switch(webhook_id, enabled=False)
    screen_of(context).say("✓ Desactivado. Lo que llegue mientras tanto se guarda.", style="green")


def _headers(given: list[str]) -> dict[str, str]:
    pairs = [line.partition(":") for line in given]
    if wrong := [name for name, colon, _ in pairs if not colon]:
        why = Message("{given} no es una cabecera. Escríbela como «Nombre: valor».", {"given": printable(wrong[0])})
        raise InvalidInput([FieldProblem("--header", why)])
    return {name.strip(): value.strip() for name, _, value in pairs}


def _show(screen: Screen, webhook: View) -> None:
    screen.verbatim(webhook["webhook_id"], style="bold")
    screen.verbatim(f"  {webhook['url']}")
    screen.show(f"  {', '.join(webhook['events'])}", style="dim")
    if not webhook["enabled"]:
        screen.say("  desactivado. {why}", style="yellow", why=webhook["disabled_reason"] or "")


def _show_secret(screen: Screen, told: View, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(told)
        return
    screen.say("✓ Webhook: {id}", style="green", id=told["webhook_id"])
    screen.verbatim(screen.tr("Secreto: {secret}", secret=told["secret"]))
    screen.say("Guárdalo ahora: no se volverá a mostrar.", style="yellow")


def _show_attempt(screen: Screen, attempt: View) -> None:
    mark, style = ("✓", "green") if attempt["success"] else ("✗", "red")
    said = f"HTTP {attempt['response_status']}" if attempt["success"] else attempt["error_message"]
    ms = f"{attempt['duration_ms'] or 0:.0f} ms"
    line = f"{mark} {shown_time(attempt['sent_at'])}  {attempt['event']}  {said}  ({attempt['attempt']}, {ms})"
    screen.verbatim(line, style=style)
    screen.verbatim(f"  {attempt['event_id'] or ''}", style="dim")
