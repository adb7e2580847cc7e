"""`guiado secrets`: the key that encrypts the secrets in the database.

The commands work where nothing else starts: with another key than the database was written with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual, ManualGroup

if TYPE_CHECKING:
    from guiado.store.secret_box import SecretBox
    from guiado.store.stored_secrets import SecretCount

app = typer.Typer(cls=ManualGroup, help="Secretos guardados: con qué clave de cifrado.", no_args_is_help=True)
T = TypeVar("T")


@app.command(cls=Manual, help="Muestra con qué clave de cifrado está guardado cada secreto. Nunca muestra la clave de cifrado.")
def status(context: typer.Context, as_json: Json = False) -> None:
    """Show which keys are there, and with which one the secrets are encrypted."""
    from guiado.store import stored_secrets

    async def look(dsn: str, _box: SecretBox, tenant: str) -> stored_secrets.SecretStatus:
        return await stored_secrets.status(dsn, tenant)

    screen, (known, found) = screen_of(context), _run(look)
    if as_json:
        screen.print_json({"keys": known, "database_keys": found.key_ids, "secrets": found.counts})
        return
    screen.say("Clave de cifrado de este equipo: {keys}", keys=", ".join(known))
    screen.say("Clave de cifrado de la base de datos: {keys}", keys=", ".join(found.key_ids) or "—")
    for one in found.counts:
        _show(screen, one, known)


@app.command(cls=Manual, help="Cifra todos los secretos con la primera clave de cifrado; se puede repetir sin daño.")
def rotate(context: typer.Context, as_json: Json = False) -> None:
    """Encrypt all secrets with the first key."""
    from guiado.store import stored_secrets

    screen, (known, count) = screen_of(context), _run(stored_secrets.rotate)
    if as_json:
        screen.print_json({"key": known[0], "rows": count})
        return
    screen.say("✓ Todo está cifrado con {key}. Filas que cambiaron: {count}.", style="green", key=known[0], count=count)
    if len(known) > 1:
        screen.say("Ya puedes quitar las demás: {keys}", keys=", ".join(known[1:]))


@app.command(
    cls=Manual,
    help="Sigue sin la clave de cifrado que se perdió. Los secretos cifrados con ella no se pueden leer: muestra cuáles son, "
    "para que los escribas otra vez.",
)
def forget(context: typer.Context, as_json: Json = False) -> None:
    """Go on without a lost key, and show what cannot be read."""
    from guiado.store import stored_secrets

    screen, (known, lost) = screen_of(context), _run(stored_secrets.forget)
    if as_json:
        screen.print_json({"keys": known, "lost": lost})
        return
    for one in lost:
        _show(screen, one, known)
    if lost:
        screen.say(
            "Escríbelos otra vez: guiado webhooks rotate --overlap 0, guiado webhooks add y guiado recipients add.",
            style="yellow",
        )
    screen.say("✓ guiado empieza con {key}.", style="green", key=known[0])


def _run(work: Callable[[str, SecretBox, str], Awaitable[T]]) -> tuple[list[str], T]:
    """Do something with the database and the keys of this installation; returns the ids of the keys too."""
    from guiado.settings import read_settings
    from guiado.store.migrate import migrate
    from guiado.wiring import DatabaseLocation, secret_box

    settings = read_settings()
    box, site = secret_box(settings), DatabaseLocation(settings)

    async def run(dsn: str) -> T:
        await migrate(dsn)
        return await work(dsn, box, settings.tenant)

    try:
        return [key.id for key in box.keys], asyncio.run(run(site.join()))
    finally:
        site.leave()


def _show(screen: Screen, one: SecretCount, known: Sequence[str]) -> None:
    names = {"webhooks": "Webhooks", "recipients": "Destinatarios", "notifications": "Avisos"}
    is_lost = one.key_id is not None and one.key_id not in known
    screen.say(
        "{kind}, {key}: {count}{names}",
        style="yellow" if is_lost or one.key_id is None else "",
        kind=screen.tr(names[one.kind]),
        key=screen.tr("sin cifrar") if one.key_id is None else one.key_id,
        count=one.count,
        names=f" ({', '.join(one.names)})" if is_lost and one.names else "",
    )
