"""A team's own colour on the pages: a style sheet that sets the accent so that it can be read on light and on dark paper.

Source: WCAG 2.2, 1.4.3 and 1.4.11: contrast by relative luminance.
"""

from __future__ import annotations

import json

_LIGHT_PAPER, _DARK_PAPER = "#faf9f6", "#12171c"
_ACCENT = "#0b6b5b"
_WIDGET_BRAND = "const BRAND = "
_WHITE, _BLACK = "#ffffff", "#000000"
_READABLE = 4.6
"""Least contrast of text; a little above WCAG's 4.5, because of rounding."""
_STEPS = 50
_LINEAR_BELOW = 0.04045

_Rgb = tuple[int, int, int]


def style_of(color: str) -> str:
    """The style sheet that makes a colour the accent of the pages.

    Args:
        color: as #1a5fb4; empty for guiado's own, whose style sheet is empty.
    """
    if not color:
        return ""
    light, dark = readable(color, _LIGHT_PAPER, _BLACK), readable(color, _DARK_PAPER, _WHITE)
    by_day = _tokens(light, mix(light, _BLACK, 0.2), _WHITE, mix(light, _WHITE, 0.9))
    by_night = _tokens(dark, mix(dark, _WHITE, 0.3), _DARK_PAPER, mix(dark, _DARK_PAPER, 0.82))
    return f":root{{{by_day}}}@media (prefers-color-scheme: dark){{:root{{{by_night}}}}}"


def _tokens(accent: str, strong: str, on_accent: str, tint: str) -> str:
    return f"--g-accent:{accent};--g-accent-strong:{strong};--g-on-accent:{on_accent};--g-accent-tint:{tint}"


def branded_widget(script: str, color: str, name: str) -> str:
    """The script of the widget with a team's brand in it.

    Args:
        color: as #1a5fb4; empty for guiado's own.
        name: of the team; empty where it has none.
    """
    before, mark, rest = script.partition(_WIDGET_BRAND)
    _, own, after = rest.partition(";")
    if not (mark and own):
        raise ValueError(f"widget.js has no line {_WIDGET_BRAND}…;")
    return f"{before}{mark}{json.dumps({'color': color or _ACCENT, 'name': name})};{after}"


def readable(color: str, paper: str, towards: str) -> str:
    """The colour nearest to this one that can be read on a paper, moved towards black or white."""
    moved = (mix(color, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next((each for each in moved if contrast(each, paper) >= _READABLE), towards)


def mix(one: str, other: str, share: float) -> str:
    """A colour between two.

    Args:
        share: of the other one, 0..1.
    """
    mixed = (round(a + (b - a) * share) for a, b in zip(_rgb(one), _rgb(other), strict=True))
    return "#" + "".join(f"{each:02x}" for each in mixed)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1..21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _rgb(color: str) -> _Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(each / 255) for each in _rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= _LINEAR_BELOW else ((value + 0.055) / 1.055) ** 2.4
