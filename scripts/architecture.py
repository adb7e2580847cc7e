"""Draws docs/images/architecture.svg: the packages of guiado in their layers, and which imports which.

An arrow that follows from others is left out: where a leads to b and b to c, a may import c without an arrow of its own.

Usage: python scripts/architecture.py   (after a change of layers or imports; tests/contract/test_architecture.py compares)
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
ABOUT = {
    "__main__": "python -m guiado", "cli": "commands", "server": "the process", "api": "JSON", "web": "pages",
    "agent": "Python facade", "http": "requests, answers", "sync": "blocking callers",
    "checkup": "what doctor says", "wiring": "settings to parts",
    "scheduler": "what happens later", "app": "use cases", "guidance": "what to ask and do",
    "store": "PostgreSQL", "delivery": "the network", "detection": "words to problem", "language_model": "optional help",
    "settings": "environment",
    "clock": "now, ids, chance", "resources": "files that ship", "i18n": "languages", "logs": "log lines",
    "domain": "the rules, pure", "text": "words, pure", "errors": "every error",
}  # fmt: skip
# Middles in pixels, so that few arrows pass behind a box; a package that is not here takes its share of the layer.
PLACE = {
    "__main__": 480, "cli": 480, "server": 620, "api": 240, "agent": 480, "web": 760, "http": 240, "sync": 640,
    "checkup": 860, "wiring": 240,
    "scheduler": 620, "app": 480, "guidance": 300,
    "detection": 300, "store": 490, "language_model": 690, "delivery": 880, "settings": 100, "resources": 254, "logs": 412,
    "clock": 568, "i18n": 724, "domain": 490, "text": 400, "errors": 490,
}  # fmt: skip
WIDTH, HEIGHT, ROW, BOX = 960, 42, 74, 132
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#5b6b7f"/></marker></defs>'
)
Arrow = tuple[str, str]


def layers() -> list[list[str]]:
    """The layers of the import contract, the outermost first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = [each for each in project["tool"]["importlinter"]["contracts"] if each["name"] == "Layers"]
    return [re.split(r"\s*\|\s*", line) for line in contract["layers"]]


def imports() -> set[Arrow]:
    """Which package of guiado imports which."""
    graph = grimp.build_graph("guiado")
    found = {
        (importer.split(".")[1], imported.split(".")[1])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if "." in importer and "." in imported
    }
    return {(importer, imported) for importer, imported in found if importer != imported}


def reachable(start: str, arrows: set[Arrow]) -> set[str]:
    """Where the arrows lead from here, over one or more of them."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        following = {target for source, target in arrows if source == here} - found
        found |= following
        waiting.extend(following)
    return found


def needed(arrows: set[Arrow]) -> set[Arrow]:
    """The arrows without those that follow from others."""
    return {arrow for arrow in arrows if arrow[1] not in reachable(arrow[0], arrows - {arrow})}


def places() -> dict[str, tuple[float, int]]:
    """The middle of each package's upper edge, in pixels."""
    found: dict[str, tuple[float, int]] = {}
    for number, members in enumerate(layers()):
        for position, name in enumerate(members, 1):
            found[name] = (PLACE.get(name, WIDTH * position / (len(members) + 1)), 12 + ROW * number)
    return found


def draw() -> str:
    """The picture."""
    where = places()
    height = 12 + ROW * (len(layers()) - 1) + HEIGHT + 12
    size = f'width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">The packages of guiado in their layers, and which imports which</title>',
        TIP,
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *(band(number) for number in range(0, len(layers()), 2)),
        *(arrow(source, target, where) for source, target in sorted(needed(imports()))),
        *(box(name, *place) for name, place in where.items()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def band(number: int) -> str:
    """A stripe behind every other layer."""
    return f'<rect y="{12 + ROW * number - 15}" width="{WIDTH}" height="{ROW}" fill="#f4f6f9"/>'


def arrow(source: str, target: str, where: dict[str, tuple[float, int]]) -> str:
    """One arrow, downwards."""
    (x1, y1), (x2, y2) = where[source], where[target]
    x1, x2 = x1 + (x2 - x1) / WIDTH * BOX * 0.8, x2 - (x2 - x1) / WIDTH * BOX * 0.8
    start, end = y1 + HEIGHT, y2 - 2
    bend = min(40, (end - start) / 2)
    curve = f"M{x1:.0f} {start}C{x1:.0f} {start + bend:.0f} {x2:.0f} {end - bend:.0f} {x2:.0f} {end}"
    look = 'fill="none" stroke="#5b6b7f" stroke-width="1.3" marker-end="url(#tip)"'
    return f'<path data-from="{source}" data-to="{target}" d="{curve}" {look}/>'


def box(name: str, x: float, y: int) -> str:
    """One package."""
    font = 'text-anchor="middle" font-family="system-ui, sans-serif"'
    return (
        f'<g data-package="{name}"><rect x="{x - BOX / 2:.0f}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6" fill="#ffffff" '
        f'stroke="#1f4e79"/><text x="{x:.0f}" y="{y + 18}" {font} font-size="14" font-weight="600" fill="#12324f">{name}</text>'
        f'<text x="{x:.0f}" y="{y + 34}" {font} font-size="11" fill="#45566b">{ABOUT.get(name, "")}</text></g>'
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), "utf-8")
