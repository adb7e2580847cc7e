"""The synthetic year: sessions written per second with all their facts, the roll-up after it, and the removal."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation

from guiado import clock
from guiado.app.demo import loading
from guiado.settings import read_settings
from guiado.wiring import Runtime

SESSIONS, DAYS, SEED, LEAST_PER_S = 40_000, 365, 1, 2_000
_MB = 1_024


async def _measure() -> tuple[loading.LoadedYear, loading.RemovedYear, float]:
    runtime = await Runtime.open(read_settings())
    try:
        parts, caller = runtime.parts, runtime.parts.scope("operator", "terminal")
        span, before = loading.span_until(SESSIONS, DAYS, SEED, clock.now()), _peak_mb()
        done = await loading.load(parts, caller, runtime.knowledge.snapshot, span, beside_real=False, progress=lambda _: None)
        return done, await loading.clear(parts, caller, lambda _: None), _peak_mb() - before
    finally:
        await runtime.close()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB


def main() -> list[tuple[str, float, str, str]]:
    """Sessions per second against the least, seconds of the roll-up, and what the load adds to the memory of the process."""
    with Installation() as made:
        os.environ.update({name: value for name, value in made.environment.items() if name.startswith(("GUIADO_", "PORT"))})
        os.environ["GUIADO_ENCODER"] = "lexical"
        done, removed, more_mb = asyncio.run(_measure())
    rate = done.sessions / done.seconds
    rows = done.sessions + done.attempts + done.decisions + done.ratings + done.tickets
    ratio = f"{rate / LEAST_PER_S:.2f} veces el mínimo ({LEAST_PER_S})".replace(".", ",")
    return [
        (f"Cargar {done.sessions} sesiones de muestra ({rows} filas)", rate, "sesiones/s", ratio),
        ("Resumen y vistas después", done.roll_up_seconds, "s", ""),
        ("Quitarlas, con su resumen", removed.sessions / removed.seconds, "sesiones/s", ""),
        ("Memoria que agrega la carga", more_mb, "MB", ""),
    ]


if __name__ == "__main__":
    for row in main():
        print(*row)
