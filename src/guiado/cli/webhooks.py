"""`guiado webhooks`: register, test and monitor webhooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from guiado.cli.console import Json, Screen, screen_of, shown_time
from guiado.cli.events import Begin, End, Event, Failed
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import given_of, operator
from guiado.errors import FieldProblem, InvalidInput, Message, printable

if TYPE_CHECKING:
    from guiado.app.outbound.models import DeliveryAttempt, WebhookBody
    from guiado.app.validation import Command
    from guiado.store.webhooks import Endpoint

C = TypeVar("C", bound="Command")
app = typer.Typer(cls=ManualGroup, help="Webhooks: registrarlos, probarlos y ver su estado.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Identificador del webhook.")]
Secret = Annotated[
    str | None,
    typer.Option("--secret", metavar="TEXTO", help=("Secreto con el que se firman los envíos; si no lo indicas, se genera uno.")),
]
NewId = Annotated[str | None, typer.Option("--id", metavar="ID", help="Identificador; si no lo indicas, se genera uno.")]
OtherSecret = Annotated[
    str | None, typer.Option("--secret", metavar="TEXTO", help="Secreto nuevo; el anterior sigue firmando unas horas.")
]
Events = Annotated[
    list[str] | None, typer.Option("--event", metavar="TIPO", help="De qué eventos; se puede repetir. «*» son todos.")
]
Header = Annotated[
    list[str] | None, typer.Option("--header", metavar="NOMBRE:VALOR", help=("Cabecera que va en cada envío; se puede repetir."))
]
DropHeader = Annotated[
    list[str] | None, typer.Option("--drop-header", metavar="NOMBRE", help="Quita esta cabecera; se puede repetir.")
]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="SEGUNDOS", help="Segundos para cada intento (10).")]
Attempts = Annotated[int | None, typer.Option("--retry-attempts", "--attempts", metavar="N", help="Intentos en total (10).")]
Rate = Annotated[
    float | None, typer.Option("--max-per-second", "--rate", metavar="N", help="Envíos por segundo, como máximo; 0 son todos.")
]
Parallel = Annotated[
    int | None,
    typer.Option("--max-parallel", "--parallel", metavar="N", help="Envíos a la vez (1); con más, sin el orden de los eventos."),
]
Thin = Annotated[bool | None, typer.Option("--thin/--no-thin", help="Envía solo identificadores, sin datos de clientes.")]
Overlap = Annotated[
    float, typer.Option("--overlap", metavar="HORAS", help=("Horas durante las que también firma el secreto anterior (24)."))
]


@app.command("list", cls=Manual, help="Muestra los webhooks registrados.")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show all endpoints."""
    from guiado.app.outbound import webhooks

    screen, found = screen_of(context), [webhooks.view(each) for each in operator().read(webhooks.every)]
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Todavía no hay webhooks. Registra uno con: guiado webhooks add URL --event session_escalated")
    for each in [] if as_json else found:
        _show(screen, each)


@app.command(cls=Manual, help="Muestra un webhook, sin su secreto.")
def show(context: typer.Context, webhook_id: Id, as_json: Json = False) -> None:
    """Show one endpoint."""
    from guiado.app.outbound import webhooks

    screen, found = screen_of(context), webhooks.view(operator().read(webhooks.find, webhook_id))
    if as_json:
        screen.print_json(found)
        return
    _show(screen, found)
    rate = "" if found.max_per_second is None else screen.tr(" · {rate:g} por segundo", rate=found.max_per_second)
    rate += "" if found.max_parallel == 1 else screen.tr(" · {count} a la vez", count=found.max_parallel)
    screen.say(
        "  {timeout:g} s por intento · {attempts} intentos{rate}",
        timeout=found.timeout,
        attempts=found.retry_attempts,
        rate=rate,
    )
    if found.headers:
        screen.say("  Cabeceras: {names}", names=", ".join(found.headers))
    screen.say("  Con secreto." if found.has_secret else "  Sin secreto: los envíos no van firmados.")


@app.command(
    cls=Manual,
    help="Registra un webhook. El secreto se muestra solo esta vez.\n"
    "Con un identificador que ya existe, cambia lo que indiques y conserva lo demás, también el secreto.",
)
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Dirección a la que se envía.")],
    event: Events = None,
    webhook_id: NewId = None,
    secret: Secret = None,
    header: Header = None,
    timeout: Timeout = None,
    attempts: Attempts = None,
    rate: Rate = None,
    parallel: Parallel = None,
    thin: Thin = None,
    as_json: Json = False,
) -> None:
    """Register an endpoint."""
    from guiado.app import commands
    from guiado.app.outbound import webhooks

    given = {
        "webhook_id": webhook_id, "url": url, "events": event or [], "secret": secret,
        "headers": _headers(header) if header else None, **_sending(timeout, attempts, rate, parallel, thin),
    }  # fmt: skip
    command = _checked(commands.Webhook, given, event)
    endpoint = operator().write(webhooks.register, command, make_secret=True)
    _show_stored(context, endpoint, secret, show_secret=webhooks.shows_secret(command, endpoint), as_json=as_json)


@app.command(cls=Manual, help="Cambia lo que indiques de un webhook y conserva lo demás.")
def edit(
    context: typer.Context,
    webhook_id: Id,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Dirección a la que se envía.")] = None,
    event: Events = None,
    secret: OtherSecret = None,
    overlap: Overlap = 24,
    header: Header = None,
    drop_header: DropHeader = None,
    timeout: Timeout = None,
    attempts: Attempts = None,
    rate: Rate = None,
    parallel: Parallel = None,
    thin: Thin = None,
    as_json: Json = False,
) -> None:
    """Change an endpoint."""
    from guiado.app import commands
    from guiado.app.outbound import webhooks

    given = {
        "url": url, "events": event, "secret": secret, "overlap_hours": overlap,
        **_sending(timeout, attempts, rate, parallel, thin),
    }  # fmt: skip
    headers = _changed_headers(webhook_id, _headers(header or []), drop_header or [])
    command = _checked(commands.WebhookChange, {**given, "headers": headers}, event)
    endpoint = operator().write(webhooks.edit, webhook_id, command)
    _show_stored(context, endpoint, secret, show_secret=secret is not None, as_json=as_json)


@app.command(cls=Manual, help="Elimina un webhook; lo que faltaba por enviarle se cancela.")
def remove(context: typer.Context, webhook_id: Id, as_json: Json = False) -> None:
    """Remove an endpoint."""
    from guiado.app.outbound import webhooks

    operator().write(webhooks.remove, webhook_id)
    screen = screen_of(context)
    _done(screen, {"webhook_id": webhook_id, "removed": True}, screen.tr("✓ Webhook eliminado."), as_json=as_json)


@app.command(
    "test", cls=Manual, help=("Envía un evento de prueba por la misma vía que los reales, y dice qué contestó el receptor.")
)
def try_(context: typer.Context, webhook_id: Id, as_json: Json = False) -> None:
    """Send a test event."""
    from guiado.app.models import plain
    from guiado.app.outbound import webhooks
    from guiado.app.outbound.first_attempts import first_results

    screen, door = screen_of(context), operator()
    event_id = door.write(webhooks.test, webhook_id)
    # Through the normal queue; this process sends it if no other does.
    (first,) = door.engine.run(lambda parts: first_results(parts, event_id, [webhook_id]))
    if as_json:
        screen.print_json({**plain(first), "event_id": event_id})
    elif first.success:
        screen.say("✓ Llegó: HTTP {status}.", style="green", status=first.response_status)
    else:
        screen.complain(screen.tr("No llegó: {problem}", problem=first.error))
    raise typer.Exit(0 if first.success else 1)


@app.command(cls=Manual, help="Muestra los últimos intentos de envío a un webhook.")
def attempts(
    context: typer.Context,
    webhook_id: Id,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Cuántos, como máximo (20).")] = 20,
    as_json: Json = False,
) -> None:
    """Show the latest attempts."""
    from guiado.app.outbound import webhooks

    screen, found = screen_of(context), operator().read(webhooks.attempts, webhook_id, limit)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Todavía no se le envió nada.")
    for each in [] if as_json else found:
        _show_attempt(screen, each)


@app.command(
    cls=Manual,
    help="Envía otra vez lo que no llegó: un evento, los de un tipo, lo que pasó en un intervalo, o todo con --failed.\n"
    "Sin ID, a todos los webhooks activados.",
)
def replay(
    context: typer.Context,
    webhook_id: Annotated[str | None, typer.Argument(metavar="ID", help="Identificador del webhook; si falta, todos.")] = None,
    event_id: Annotated[str | None, typer.Option("--event-id", metavar="EVENTO", help="Identificador de un evento.")] = None,
    event: Event = None,
    begin: Begin = None,
    end: End = None,
    failed: Failed = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Con --failed, a todos los webhooks; sin él, también lo que ya llegó.")
    ] = False,
    delivered: Annotated[bool, typer.Option("--delivered", help="También lo que ya llegó.")] = False,
    as_json: Json = False,
) -> None:
    """Send events again, to one endpoint or to all that are enabled."""
    from guiado.cli.events import send_again

    if webhook_id and failed and everything:
        raise InvalidInput([FieldProblem("--all", Message("Con --failed son todos los webhooks. Quita el ID, o --all."))])
    if event and _is_uuid(event):  # earlier versions took an event's id in this option
        event_id, event = event, None
    is_delivered = delivered or (everything and not failed)
    given = {"event_id": event_id, "event": event, "begin": begin, "end": end, "delivered": is_delivered}
    send_again(screen_of(context), given, webhook_id, failed=failed, as_json=as_json)


@app.command(
    cls=Manual, help="Cambia el secreto; durante unas horas firma también el anterior. El nuevo se muestra solo esta vez."
)
def rotate(
    context: typer.Context,
    webhook_id: Id,
    secret: Secret = None,
    overlap: Overlap = 24,
    as_json: Json = False,
) -> None:
    """Give an endpoint a new secret."""
    from guiado.app import commands
    from guiado.app.outbound import webhooks
    from guiado.app.outbound.endpoint_fields import problems
    from guiado.app.validation import check_with

    given = {"secret": secret, "overlap_hours": overlap}
    command = check_with(commands.Rotate, given, problems(given))
    endpoint = operator().write(webhooks.rotate, webhook_id, command)
    _show_stored(context, endpoint, secret, show_secret=True, as_json=as_json)


@app.command(cls=Manual, help="Activa de nuevo un webhook; lo que llegó mientras tanto se envía con guiado webhooks replay.")
def enable(context: typer.Context, webhook_id: Id, as_json: Json = False) -> None:
    """Enable an endpoint."""
    screen = screen_of(context)
    said = screen.tr("✓ Activado. Lo que no se le envió mientras tanto: guiado webhooks replay {id} --failed", id=webhook_id)
    _done(screen, _switch(webhook_id, enabled=True), said, as_json=as_json)


@app.command(cls=Manual, help="Deja de enviar a un webhook; lo que llegue mientras tanto se guarda.")
def disable(context: typer.Context, webhook_id: Id, as_json: Json = False) -> None:
    """Disable an endpoint."""
    screen = screen_of(context)
    said = screen.tr("✓ Desactivado. Lo que llegue mientras tanto se guarda.")
    _done(screen, _switch(webhook_id, enabled=False), said, as_json=as_json)


def _switch(webhook_id: str, *, enabled: bool) -> WebhookBody:
    from guiado.app.outbound import webhooks

    return webhooks.view(operator().write(webhooks.switch, webhook_id, enabled=enabled))


def _sending(
    timeout_s: float | None, attempts: int | None, rate: float | None, parallel: int | None, thin: bool | None
) -> dict[str, object]:
    """Return an endpoint's delivery options, by the command's field names."""
    return {
        "timeout": timeout_s, "retry_attempts": attempts, "max_per_second": rate, "max_parallel": parallel, "thin": thin,
    }  # fmt: skip


def _changed_headers(webhook_id: str, added: Mapping[str, str], dropped: Collection[str]) -> dict[str, str] | None:
    """All headers of an endpoint after the change; None where none changes."""
    from guiado.app.outbound import webhooks

    if not added and not dropped:
        return None
    gone = {name.lower() for name in (*dropped, *added)}
    present = operator().read(webhooks.find, webhook_id).headers
    return {**{name: value for name, value in present.items() if name.lower() not in gone}, **added}


def _checked(command: type[C], given: Mapping[str, object], kinds: Sequence[str] | None) -> C:
    """Validate the command; an unknown event is reported under its option's name."""
    from guiado.app.outbound.endpoint_fields import problems
    from guiado.app.validation import check_with

    wrong = _event_problems(kinds or [])
    return check_with(command, given_of({**given, "events": ["*"]} if wrong else given), [*wrong, *problems(given)])


def _event_problems(kinds: Sequence[str]) -> list[FieldProblem]:
    from guiado.app.outbound.events import check_kind

    found: list[FieldProblem] = []
    for kind in kinds:
        try:
            check_kind("--event", kind, more=("*",))
        except InvalidInput as error:
            found += error.problems
    return found


def _warnings(endpoint: Endpoint, secret: str | None) -> list[Message]:
    """Warnings of what keeps an endpoint from working; its host name is looked up."""
    from guiado.app.outbound import webhooks

    running, is_enabled = operator().engine, endpoint.enabled
    return running.portal.call(
        lambda: webhooks.warnings(running.runtime.client, endpoint.webhook_id, endpoint.url, is_enabled=is_enabled, secret=secret)
    )


def _done(screen: Screen, told: object, said: str, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(told)
    else:
        screen.show(said, style="green")


def _is_uuid(given: str) -> bool:
    try:
        UUID(given)
    except ValueError:
        return False
    return True


def _headers(given: list[str]) -> dict[str, str]:
    pairs = [line.partition(":") for line in given]
    if wrong := [name for name, colon, _ in pairs if not colon]:
        why = Message("{given} no es una cabecera. Escríbela como «Nombre: valor».", {"given": printable(wrong[0])})
        raise InvalidInput([FieldProblem("--header", why)])
    return {name.strip(): value.strip() for name, _, value in pairs}


def _show(screen: Screen, webhook: WebhookBody) -> None:
    screen.verbatim(webhook.webhook_id, style="bold")
    screen.verbatim(f"  {webhook.url}")
    screen.show(f"  {', '.join(webhook.events)}", style="dim")
    if not webhook.enabled:
        screen.say("  desactivado. {why}", style="yellow", why=webhook.disabled_reason or "")


def _show_stored(
    context: typer.Context, endpoint: Endpoint, given_secret: str | None, *, show_secret: bool, as_json: bool
) -> None:
    from guiado.app.models import plain
    from guiado.app.outbound import webhooks

    screen, told = screen_of(context), webhooks.view(endpoint, show_secret=show_secret)
    warnings = [screen.explain(message) for message in _warnings(endpoint, given_secret)]
    if as_json:
        screen.print_json({**plain(told), "warnings": warnings})
        return
    screen.say("✓ Webhook: {id}", style="green", id=told.webhook_id)
    if told.secret:
        screen.verbatim(screen.tr("Secreto: {secret}", secret=told.secret))
        screen.say("Guárdalo ahora: no se volverá a mostrar.", style="yellow")
    elif told.has_secret:
        screen.say("Conserva su secreto.")
    for warning in warnings:
        screen.say("Aviso: {what}", style="yellow", what=warning)


def _show_attempt(screen: Screen, attempt: DeliveryAttempt) -> None:
    mark, style = ("✓", "green") if attempt.success else ("✗", "red")
    said = f"HTTP {attempt.response_status}" if attempt.success else attempt.error_message
    ms = f"{attempt.duration_ms or 0:.0f} ms"
    line = f"{mark} {shown_time(attempt.sent_at)}  {attempt.event}  {said}  ({attempt.attempt}, {ms})"
    screen.verbatim(line, style=style)
    screen.verbatim(f"  {attempt.event_id or ''}", style="dim")
