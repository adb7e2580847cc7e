"""The reliability diagram: accuracy by confidence.

Drawn thrice as large and made smaller, since the library smooths letters only.
"""

from __future__ import annotations

import io
import unicodedata
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from guiado.cli.console import Screen
from guiado.cli.detection_report import percent
from guiado.detection.evaluation import Bin, Figures

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_SCALE = 3
_WIDTH, _HEIGHT = 900, 1_020
_LEFT, _TOP, _SIDE = 96, 132, 740
"""The square of the plot."""
_COUNTS_TOP, _COUNTS_HEIGHT = 908, 56
_TICKS = 5
_INK, _FAINT, _GRID, _PAPER = (32, 38, 46), (112, 120, 130), (228, 231, 236), (255, 255, 255)
_RIGHT, _OVER, _UNDER, _COUNT = (47, 111, 179), (226, 119, 95), (126, 178, 132), (176, 190, 207)


def draw(screen: Screen, figures: Figures, name: str) -> bytes:
    """Draw the diagram of an evaluation.

    Args:
        screen: gives the language.
        name: of the evaluation, for the title.

    Returns:
        A PNG.
    """
    image = Image.new("RGB", (_WIDTH * _SCALE, _HEIGHT * _SCALE), _PAPER)
    pen = _Pen(ImageDraw.Draw(image))
    _draw_title(pen, screen, figures, name)
    _draw_grid(pen, screen)
    for each in figures.bins:
        _draw_bin(pen, each)
    _draw_diagonal(pen)
    for each in figures.bins:
        _draw_point(pen, each)
    _draw_counts(pen, screen, figures)
    _draw_legend(pen, screen)
    made = io.BytesIO()
    image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(made, "PNG", optimize=True)
    return made.getvalue()


class _Pen:
    """Draws in the units of the finished picture.

    Args:
        on: the large picture.
    """

    def __init__(self, on: ImageDraw.ImageDraw) -> None:
        self._on = on
        self._fonts: dict[int, FreeTypeFont | ImageFont.ImageFont] = {}

    def write(self, x: float, y: float, words: str, size: int = 15, ink: tuple[int, int, int] = _INK, anchor: str = "la") -> None:
        if size not in self._fonts:
            self._fonts[size] = ImageFont.load_default(size * _SCALE)
        self._on.text((x * _SCALE, y * _SCALE), _plain(words), ink, self._fonts[size], anchor)

    def box(self, x0: float, y0: float, x1: float, y1: float, ink: tuple[int, int, int], round_by: float = 0) -> None:
        if x1 > x0 and y1 > y0:
            corners = (x0 * _SCALE, y0 * _SCALE, x1 * _SCALE, y1 * _SCALE)
            self._on.rounded_rectangle(corners, round_by * _SCALE, fill=ink)

    def line(self, x0: float, y0: float, x1: float, y1: float, ink: tuple[int, int, int], width: float = 1) -> None:
        self._on.line((x0 * _SCALE, y0 * _SCALE, x1 * _SCALE, y1 * _SCALE), ink, round(width * _SCALE))

    def dot(self, x: float, y: float, radius: float, ink: tuple[int, int, int]) -> None:
        for size, colour in ((radius + 2, _PAPER), (radius, ink)):
            self._on.ellipse([(c + d * size) * _SCALE for d in (-1, 1) for c in (x, y)], colour)


def _plain(words: str) -> str:
    """Remove accents: the library's built-in font lacks them."""
    return "".join(c for c in unicodedata.normalize("NFKD", words) if c.isascii() and c.isprintable())


def _x(share: float) -> float:
    return _LEFT + share * _SIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE


def _draw_title(pen: _Pen, screen: Screen, figures: Figures, name: str) -> None:
    pen.write(_LEFT, 36, screen.tr("Fiabilidad de la confianza"), 28)
    pen.write(_x(1), 40, f"ECE {percent(screen, figures.ece, 1)}", 23, anchor="ra")
    total = figures.in_scope + figures.out_of_scope
    pen.write(_LEFT, 80, f"{name[:60]} - {screen.tr('Frases: {count}', count=total)}", 15, _FAINT)
    pen.write(_x(1), 80, f"ECE20 {percent(screen, figures.ece20, 1)}", 15, _FAINT, "ra")


def _draw_grid(pen: _Pen, screen: Screen) -> None:
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        pen.line(_x(0), _y(share), _x(1), _y(share), _GRID)
        pen.line(_x(share), _y(0), _x(share), _y(1), _GRID)
        label = percent(screen, share) if tick < _TICKS else screen.tr("Aciertos")
        pen.write(_x(0) - 12, _y(share), label, 15, _FAINT if tick < _TICKS else _INK, "rm")
        pen.write(_x(share), _y(0) + 10, percent(screen, share), 15, _FAINT, "ma")


def _draw_bin(pen: _Pen, each: Bin) -> None:
    """The share of right answers as a bar, and what lies between it and the confidence."""
    left, right = _x(each.low) + 3, _x(each.high) - 3
    pen.box(left, _y(max(each.right, each.confidence)), right, _y(0), _OVER if each.confidence > each.right else _UNDER, 3)
    pen.box(left, _y(min(each.right, each.confidence)), right, _y(0), _RIGHT)


def _draw_diagonal(pen: _Pen) -> None:
    dashes = 60
    for dash in range(dashes):
        start, end = dash / dashes, (dash + 0.55) / dashes
        pen.line(_x(start), _y(start), _x(end), _y(end), _INK, 1.6)


def _draw_point(pen: _Pen, each: Bin) -> None:
    pen.dot(_x(each.confidence), _y(each.right), 5, _INK)


def _draw_counts(pen: _Pen, screen: Screen, figures: Figures) -> None:
    most = max((each.count for each in figures.bins), default=1)
    bottom = _COUNTS_TOP + _COUNTS_HEIGHT
    pen.line(_x(0), bottom, _x(1), bottom, _GRID)
    for each in figures.bins:
        top = bottom - max(2, each.count / most * (_COUNTS_HEIGHT - 4))
        pen.box(_x(each.low) + 3, top, _x(each.high) - 3, bottom, _COUNT, 2)
        pen.write(_x((each.low + each.high) / 2), bottom + 6, str(each.count), 13, _FAINT, "ma")
    pen.write(_x(0) - 12, bottom - 2, screen.tr("Frases"), 14, _INK, "rd")
    pen.write(_x(1), bottom + 30, screen.tr("Confianza"), 15, _INK, "ra")


def _draw_legend(pen: _Pen, screen: Screen) -> None:
    rows = (
        (_RIGHT, screen.tr("aciertos reales")),
        (_OVER, screen.tr("exceso de confianza")),
        (_UNDER, screen.tr("falta de confianza")),
        (None, screen.tr("ideal: la confianza coincide con los aciertos")),
    )
    for number, (ink, words) in enumerate(rows):
        x, y = _x(0) + 18, _TOP + 18 + 26 * number
        if ink:
            pen.box(x, y, x + 18, y + 14, ink, 3)
        else:
            pen.line(x, y + 7, x + 18, y + 7, _INK, 1.6)
        pen.write(x + 28, y + 7, words, 15, _INK, "lm")
