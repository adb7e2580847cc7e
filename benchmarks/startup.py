"""From the start of the server to its first answer: in an empty home, where a database exists, and with few guides."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _installation import Installation, share

from guiado.resources import data_path

LIMIT_S, ROUNDS = 3.0, 5
RATIO_LIMIT = 1.2
FIVE = ("instalacion_software", "conexion_internet", "error_aplicacion", "problema_facturacion", "recuperar_cuenta")


def main() -> list[tuple[str, float, str, str]]:
    """Seconds of the first start, the median of the later ones, and the same with five guides in the same run."""
    with Installation() as made, Installation() as small:
        small.environment["GUIADO_KB_PATH"] = str(_five(small.home))
        first = made.start()
        made.stop()
        small.start()
        small.stop()
        later, few = list[float](), list[float]()
        for _ in range(ROUNDS):
            for each, taken in ((made, later), (small, few)):
                taken.append(each.start())
                each.stop()
    again, least = statistics.median(later), statistics.median(few)
    ratio = f"{again / least:.2f} veces lo que tarda con cinco; máximo {RATIO_LIMIT:g}".replace(".", ",")
    return [
        ("Del arranque a la primera respuesta en una carpeta vacía: crea la base", first, "s", ""),
        ("Lo mismo con la base hecha", again, "s", f"{share(again, LIMIT_S, 's')}; {ratio}"),
        ("Lo mismo con cinco guías", least, "s", ""),
    ]


def _five(folder: Path) -> Path:
    """A knowledge base of the five guides that must exist."""
    shipped = json.loads(data_path("integrations", "support_troubleshooting_kb.json").read_text("utf-8"))
    path = folder / "cinco.json"
    path.write_text(json.dumps({name: entry for name, entry in shipped.items() if name in FIVE}), "utf-8")
    return path


if __name__ == "__main__":
    for row in main():
        print(*row)
