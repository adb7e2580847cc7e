"""The picture of a guide's steps: the chance of each with its interval, in the order in which they are offered. SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from guiado.app.guidance.models import GuidanceOut, GuidanceStepOut
from guiado.cli.console import Screen
from guiado.cli.detection_report import percent
from guiado.cli.guidance_report import minutes_words

_WIDTH, _ROW, _TOP, _FOOT = 900, 44, 110, 60
_LEFT, _SPAN = 380, 460
"""Where the axis from 0 to 100 % begins, and its length."""
_TICKS = 4
_TITLE_CHARS = 42
_INK, _FAINT, _GRID = "#20262e", "#70787f", "#e4e7ec"
_KNOWN, _UNSURE = "#2f6fb3", "#c98a1b"
_FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


def draw(screen: Screen, report: GuidanceOut) -> str:
    """Draw the steps of a report.

    Args:
        screen: gives the language.

    Returns:
        An SVG of its own, without anything from elsewhere.
    """
    steps = offered_first(report)
    height = _TOP + _ROW * (len(steps) + 1) + _FOOT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'font-family="{_FONT}">'
    )
    body = [f"<title>{escape(report.title)}</title>", f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>']
    body += [*_title(screen, report), *_grid(screen, len(steps) + 1)]
    for row, step in enumerate(steps):
        person = sum(each.place is not None for each in steps)
        body += _step(screen, step, row + (row >= person))
    body += _person(screen, sum(each.place is not None for each in steps))
    return "\n".join((head, *body, "</svg>", ""))


def offered_first(report: GuidanceOut) -> list[GuidanceStepOut]:
    """The steps in the order in which they are offered; those that come after a person, in the author's, are last."""
    return sorted(report.steps, key=lambda each: (each.place is None, each.place or each.author_place))


def _title(screen: Screen, report: GuidanceOut) -> Iterator[str]:
    yield _text(30, 42, _short(report.title, 70), size=24, weight=650)
    facts = [screen.tr("Sesiones: {count}", count=report.sessions)]
    facts += [screen.tr("Variante: {variant}", variant=report.variant)] if report.variant else []
    yield _text(30, 70, " · ".join(facts), size=15, fill=_FAINT)
    yield _text(_LEFT, 94, screen.tr("Probabilidad de que el paso lo resuelva, con su intervalo del 95 %"), size=13, fill=_FAINT)


def _grid(screen: Screen, rows: int) -> Iterator[str]:
    bottom = _TOP + _ROW * rows
    for tick in range(_TICKS + 1):
        x = _x(tick / _TICKS)
        yield f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{_GRID}"/>'
        yield _text(x, bottom + 22, percent(screen, tick / _TICKS), size=13, fill=_FAINT, anchor="middle")


def _step(screen: Screen, step: GuidanceStepOut, row: int) -> Iterator[str]:
    y, ink = _TOP + _ROW * (row + 0.5), _UNSURE if step.too_few else _KNOWN
    fill = _FAINT if step.place is None else _INK
    number = f"{step.place}. " if step.place is not None else ""
    yield _text(30, y - 2, number + _short(step.title, _TITLE_CHARS), size=15, fill=fill)
    facts = [
        screen.tr("{minutes} min", minutes=minutes_words(screen, step.minutes)),
        screen.tr("Sesiones: {count}", count=step.sessions),
    ]
    if step.moved:
        facts.append(f"↑ {step.moved}" if step.moved > 0 else f"↓ {-step.moved}")
    yield _text(30, y + 15, " · ".join(facts), size=12, fill=_FAINT)
    dashes = ' stroke-dasharray="4 3"' if step.too_few else ""
    low, high, at = _x(step.low), _x(step.high), _x(step.chance)
    yield f'<line x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}" stroke="{ink}" stroke-width="3"{dashes}/>'
    yield f'<circle cx="{at:.1f}" cy="{y:.1f}" r="6" fill="{ink}"/>'


def _person(screen: Screen, row: int) -> Iterator[str]:
    y = _TOP + _ROW * (row + 0.5)
    yield f'<line x1="30" y1="{y:.1f}" x2="{_LEFT + _SPAN}" y2="{y:.1f}" stroke="{_FAINT}" stroke-dasharray="2 4"/>'
    yield f'<rect x="26" y="{y - 13:.1f}" width="170" height="26" fill="#fff"/>'
    yield _text(30, y + 5, screen.tr("Aquí, una persona"), size=14, fill=_FAINT)


def _text(x: float, y: float, words: str, *, size: int, fill: str = _INK, weight: int = 400, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"'
    extra = (f' font-weight="{weight}"' if weight != 400 else "") + (f' text-anchor="{anchor}"' if anchor != "start" else "")  # noqa: PLR2004 normal
    return f"<text {place}{extra}>{escape(words)}</text>"


def _x(share: float) -> float:
    return _LEFT + share * _SPAN


def _short(words: str, limit: int) -> str:
    clean = "".join(c if c.isprintable() else " " for c in words)
    return clean if len(clean) <= limit else f"{clean[: limit - 1].rstrip()}…"
