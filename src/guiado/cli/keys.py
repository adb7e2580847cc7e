"""`guiado keys`: API keys, created, listed, rotated and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Json, Screen, screen_of, shown_time
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import given_of, operator

if TYPE_CHECKING:
    from guiado.app.access.models import KeyBody

app = typer.Typer(cls=ManualGroup, help="Claves de API: quién puede usarla y para qué.", no_args_is_help=True)
KeyArgument = Annotated[str, typer.Argument(metavar="CLAVE", help="Identificador, nombre o comienzo de la clave de API.")]


@app.command(
    cls=Manual,
    help="Crea una clave de API y la muestra solo esta vez.\n"
    "Sin permisos indicados puede todo menos administrar claves de API. La primera cierra la API: desde entonces pide una.",
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="NOMBRE", help="Quién la usará, para reconocerla.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="PERMISO", help="Qué puede hacer; se puede repetir: sessions:write…")
    ] = None,
    expires_in_days: Annotated[
        int | None, typer.Option("--expires-in-days", metavar="DÍAS", help="Cuándo caduca; si no lo indicas, nunca.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key."""
    from guiado.app import commands
    from guiado.app.access import keys
    from guiado.app.validation import check

    given = given_of({"name": name, "scopes": scope or None, "expires_in_days": expires_in_days})
    made = operator().write(keys.create, check(commands.CreateKey, given))
    screen = screen_of(context)
    _reveal(screen, made, screen.tr("✓ Clave de API creada. Guárdala: no se volverá a mostrar."), as_json=as_json)


@app.command("list", cls=Manual, help="Muestra las claves de API, sin sus secretos.")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show all keys."""
    from guiado.app.access import keys

    screen, found = screen_of(context), operator().read(keys.every)
    if as_json:
        screen.print_json(found)
    elif not found:
        screen.say("Todavía no hay claves de API: responde solo a este equipo. Crea una: guiado keys create --name NOMBRE")
    for each in [] if as_json else found:
        _show(screen, each)


@app.command(cls=Manual, help="Cambia el secreto de una clave de API; durante unas horas sirve también el anterior.")
def rotate(
    context: typer.Context,
    key: KeyArgument,
    overlap: Annotated[
        float, typer.Option("--overlap", metavar="HORAS", help="Horas durante las que sirve también el secreto anterior (24).")
    ] = 24.0,
    as_json: Json = False,
) -> None:
    """Give a key a new secret."""
    from guiado.app import commands
    from guiado.app.access import keys
    from guiado.app.validation import check

    changed = operator().write(keys.rotate, key, check(commands.RotateKey, {"overlap_hours": overlap}))
    screen = screen_of(context)
    _reveal(screen, changed, screen.tr("✓ Secreto cambiado. Guárdalo: no se volverá a mostrar."), as_json=as_json)


@app.command(cls=Manual, help="Revoca una clave de API: deja de servir en un segundo.")
def revoke(context: typer.Context, key: KeyArgument, as_json: Json = False) -> None:
    """End a key."""
    from guiado.app.access import keys

    screen, ended = screen_of(context), operator().write(keys.revoke, key)
    if as_json:
        screen.print_json(ended)
    else:
        screen.say("✓ Clave de API revocada.", style="green")


def _reveal(screen: Screen, made: KeyBody, said: str, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(made)
        return
    screen.verbatim(said, style="green")
    screen.verbatim(made.key or "", style="bold")
    _show(screen, made)


def _show(screen: Screen, one: KeyBody) -> None:
    screen.verbatim(f"{one.prefix}…  {one.name}", style="bold" if one.status == "live" else "dim")
    screen.show(f"  {one.key_id} · {_status(screen, one)} · {', '.join(one.scopes)}", style="dim")
    if one.last_used_at:
        screen.say("  Usada por última vez: {at}", at=shown_time(one.last_used_at))
    if one.expires_at:
        screen.say("  Caduca: {at}", at=shown_time(one.expires_at))
    if one.previous_until:
        screen.say("  El secreto anterior sirve hasta: {at}", at=shown_time(one.previous_until))


def _status(screen: Screen, one: KeyBody) -> str:
    if one.status == "live":
        return screen.tr("viva")
    return screen.tr("caducada") if one.status == "expired" else screen.tr("revocada")
