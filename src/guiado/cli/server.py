"""`guiado serve` and `guiado worker`: the long-running processes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from guiado.cli.console import Screen, screen_of
from guiado.cli.help import Manual

if TYPE_CHECKING:
    from guiado.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(cls=Manual, help="Arranca el servicio web, con la API, sus páginas y un proceso en segundo plano (worker).")(
        serve
    )
    app.command(
        cls=Manual,
        help=("Arranca solo un proceso en segundo plano (worker): envía lo pendiente y ejecuta las tareas periódicas."),
    )(worker)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="IP", help="Dirección en la que escucha (GUIADO_HOST).")] = None,
    port: Annotated[int | None, typer.Option(metavar="N", min=1, max=65_535, help="Puerto en el que escucha (PORT).")] = None,
) -> None:
    """Serve until told to stop."""
    from guiado.server import run
    from guiado.settings import read_settings

    given, screen = {"GUIADO_HOST": host, "PORT": port}, screen_of(context)
    greet = partial(_greet, screen) if screen.errors.is_terminal else None
    run(read_settings(**{name: value for name, value in given.items() if value is not None}), greet)


def _greet(screen: Screen, url: str, is_told: bool, has_keys: bool) -> None:
    """Show the address under the lines of the log, and what is still to be set up."""
    silence = screen.tr(
        "Nadie recibe avisos cuando un cliente espera a una persona. Para recibirlos: SLACK_WEBHOOK_URL en .env, "
        "guiado webhooks add o guiado recipients add."
    )
    closed = screen.tr("La API pide una clave de API: guiado keys list las muestra, guiado keys create --name NOMBRE hace otra.")
    opened = screen.tr("Solo responde a este equipo, sin claves de API. La primera la cierra: guiado keys create --name NOMBRE")
    for line, style in (
        ("", ""),
        (screen.tr("guiado está en marcha: {url}", url=url), "bold green"),
        (screen.tr("Deja abierta esta terminal y usa otra para lo demás. Ctrl-C lo detiene."), ""),
        (closed if has_keys else opened, "dim"),
        ("" if is_told else silence, "yellow"),
    ):
        screen.errors.print(line, style=style, soft_wrap=True)


def worker(context: typer.Context) -> None:
    """Work until told to stop."""
    from guiado.settings import read_settings
    from guiado.wiring import loop_factory

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_work(screen_of(context), read_settings()))


async def _work(screen: Screen, settings: Settings) -> None:
    import signal
    import sys

    from guiado import logs
    from guiado.wiring import Runtime

    logs.configure(settings.log_level.upper(), as_json=not sys.stderr.isatty())
    runtime = await Runtime.open(settings)
    try:
        working = runtime.worker()
        for wish in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(wish, working.stop)
        screen.say("Proceso en segundo plano (worker) en marcha. Ctrl-C lo detiene.")
        await working.run()
    finally:
        await runtime.close()
