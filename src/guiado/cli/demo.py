"""`guiado demo`: a synthetic year of sessions, loaded to try things out and removed again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from guiado.cli.console import Json, Screen, screen_of
from guiado.cli.help import Manual, ManualGroup
from guiado.cli.operator import OPERATOR
from guiado.cli.progress import progress_bar

if TYPE_CHECKING:
    from guiado.sync import Engine

T = TypeVar("T")
app = typer.Typer(
    cls=ManualGroup, help="Datos de muestra: meses de sesiones inventadas, para probar y mirar.", no_args_is_help=True
)
_INTERRUPTED = 130


@app.command(
    cls=Manual,
    help="Carga sesiones inventadas, repartidas por los últimos meses, sobre las guías que tienes.\n"
    "No se envía ni se aprende nada de ellas. Para quitarlas: guiado demo clear",
)
def load(
    context: typer.Context,
    sessions: Annotated[int, typer.Option(metavar="N", min=1, max=10_000_000, help="Cuántas sesiones.")],
    days: Annotated[int, typer.Option(metavar="N", min=7, max=3_650, help="En cuántos días, hasta hoy (365).")] = 365,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**31 - 1, help="Otro número da otras sesiones; el mismo, las mismas (1).")
    ] = 1,
    yes: Annotated[bool, typer.Option("--yes", help="Carga también donde ya hay sesiones reales.")] = False,
    as_json: Json = False,
) -> None:
    """Load a synthetic year into the tenant's database."""
    from guiado import clock
    from guiado.app.demo import loading
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    parts, caller, snapshot = running.runtime.parts, running.door(*OPERATOR).scope, running.runtime.knowledge.snapshot
    span = loading.span_until(sessions, days, seed, clock.now())
    with progress_bar(screen, screen.tr("Cargando sesiones de muestra"), sessions, shows=not as_json) as progress:
        done = _run(running, screen, lambda: loading.load(parts, caller, snapshot, span, beside_real=yes, progress=progress))
    if as_json:
        screen.print_json(done)
        return
    screen.say(
        "✓ Sesiones de muestra cargadas: {count}, del {first} al {last}.",
        style="green", count=done.sessions, first=done.first_day, last=done.last_day,
    )  # fmt: skip
    screen.say("Para quitarlas, sin tocar nada más: guiado demo clear", style="dim")


@app.command(cls=Manual, help="Quita todas las sesiones de muestra, también las de una carga a medias. No toca nada más.")
def clear(context: typer.Context, as_json: Json = False) -> None:
    """Remove the synthetic sessions."""
    from guiado.app.demo import loading
    from guiado.sync import engine

    screen, running = screen_of(context), engine()
    parts, caller = running.runtime.parts, running.door(*OPERATOR).scope
    total = running.run(loading.count) if screen.is_interactive else 0
    with progress_bar(screen, screen.tr("Quitando sesiones de muestra"), total, shows=not as_json) as progress:
        done = _run(running, screen, lambda: loading.clear(parts, caller, progress))
    if as_json:
        screen.print_json(done)
    elif done.sessions:
        screen.say("✓ Sesiones de muestra quitadas: {count}.", style="green", count=done.sessions)
    else:
        screen.say("No hay datos de muestra.")


def _run(running: Engine, screen: Screen, work: Callable[[], Awaitable[T]]) -> T:
    """Run a load or removal; Ctrl-C ends it at any moment, with the batch that is being written undone."""
    from anyio import CancelScope

    scope = running.portal.call(CancelScope)

    async def until_cancelled() -> T | None:
        with scope:
            return await work()

    try:
        done = running.portal.call(until_cancelled)
    except KeyboardInterrupt:
        screen.complain(
            screen.tr("Interrumpido: quedó una parte. Quítala con guiado demo clear; después puedes cargar otra vez.")
        )
        running.portal.call(scope.cancel)
        done = None
    if done is None:
        raise typer.Exit(_INTERRUPTED)
    return done
