"""Render a ranking for people: bars, the words that count, the nearest known phrase and the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guiado.app.sessions.detect import Detected, clauses_view
from guiado.app.sessions.explanation import (
    LEAST_TOLD,
    MOST_CLAUSES,
    ROLES,
    explanation,
    reasons_of,
    shortened,
    titles_of,
    verdict_message,
)
from guiado.app.sessions.models import CandidateOut
from guiado.cli.console import Screen
from guiado.cli.detection_setup import Workbench
from guiado.detection.explain import TextReading, read_as
from guiado.detection.problem import Candidate
from guiado.detection.verdict import Verdict
from guiado.i18n import translate
from guiado.text.fold import fold

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_BAR = 20
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SHOWN_CHARS = 1_200
_MOST_REPAIRS = 8
_SENTENCE_CHARS = 400
_WORD = re.compile(r"[^\W_]+")
_STYLES = {Verdict.ACCEPT: "green", Verdict.UNCLEAR: "yellow", Verdict.NONE: "red"}
_MARKS = {Verdict.ACCEPT: "✓", Verdict.UNCLEAR: "?", Verdict.NONE: "✗"}


@dataclass(frozen=True, slots=True)
class Found:
    """The ranking of a text, and the detector that made it.

    Args:
        text: what the customer wrote.
        rows: the candidates as the API shows them.
    """

    text: str
    detected: Detected
    rows: Sequence[CandidateOut]
    bench: Workbench


def as_json(found: Found, language: str) -> dict[str, object]:
    """Return the ranking in the form of `POST /detect`.

    Args:
        language: of the explanation.
    """
    return {
        "verdict": found.detected.verdict.value,
        "detector": found.bench.index.version,
        "threshold": found.bench.none_below,
        "accept_from": found.bench.accept_from,
        "language": found.detected.language,
        "message_kind": found.detected.kind.value,
        "written_in": found.detected.foreign,
        "candidates": found.rows,
        "clauses": clauses_view(found.detected),
        "denied": list(found.detected.reading.denied),
        "several": list(found.detected.reading.several),
        "unknown_codes": list(found.detected.reading.unknown_codes),
        "explanation": explanation(found.detected, found.bench.guides, language),
    }


def tell(screen: Screen, found: Found) -> None:
    """Print one line per candidate, and the verdict."""
    for row in _worth_telling(found):
        line = f"{percent(screen, row.confidence):>6}  {row.problem_id}  {row.problem_title}"
        screen.verbatim(line)
    if unknown := found.detected.reading.unknown_codes:
        screen.verbatim(screen.tr("Código desconocido: {codes}.", codes=", ".join(unknown)))
    screen.verbatim(_verdict(screen, found), style=_STYLES[found.detected.verdict])


def _worth_telling(found: Found) -> list[CandidateOut]:
    """The candidates whose confidence is above 0 %."""
    return [row for row in found.rows if row.confidence >= LEAST_TOLD]


def explain(screen: Screen, found: Found) -> None:
    """Print how the ranking was reached: in colour on a terminal, as plain lines elsewhere."""
    reading = read_as(found.text, found.bench.index)
    if screen.out.is_terminal:
        _paint(screen, found, reading)
    else:
        _list(screen, found, reading)


def percent(screen: Screen, share: float | None, digits: int = 0) -> str:
    """Format a share, 0..1, as a percentage in the screen's language; a dash for None."""
    if share is None:
        return "—"
    number = f"{100 * share:.{digits}f}"
    return f"{number}%" if screen.language == "en" else f"{number.replace('.', ',')} %"


def _verdict(screen: Screen, found: Found) -> str:
    said = verdict_message(found.detected, found.bench.guides, screen.language)
    return f"{_MARKS[found.detected.verdict]} {translate(said, screen.language)}"


def _facts(screen: Screen, found: Found, reading: TextReading) -> Iterator[tuple[str, str]]:
    """Label and value of each fact about how the text was read."""
    languages = {"es": screen.tr("español"), "en": screen.tr("inglés"), "pt": screen.tr("portugués")}
    foreign = found.detected.foreign
    unknown = screen.tr("{code}: guiado no lo habla", code=foreign) if foreign else screen.tr("no se sabe")
    yield screen.tr("Idioma"), languages.get(found.detected.language or "", unknown)
    yield screen.tr("Leído como"), shortened(reading.sentence, _SENTENCE_CHARS) or screen.tr("nada: no quedan palabras que leer")
    if reading.unread:
        yield (
            screen.tr("Descartado"),
            screen.tr("palabras: {count} (correo citado, saludo, firma, texto sobrante)", count=reading.unread),
        )
    if reading.repaired:
        yield screen.tr("Reparado"), ", ".join(reading.repaired[:_MOST_REPAIRS])
    if reading.spelled_out:
        yield screen.tr("Abreviaturas"), _pairs(reading.spelled_out)
    if reading.respelled:
        yield screen.tr("Ortografía corregida"), _pairs(reading.respelled)
    yield from _understood(screen, found)


def _understood(screen: Screen, found: Found) -> Iterator[tuple[str, str]]:
    """Label and value of what each part of the text does, what it denies, and the codes that nobody knows."""
    reading, guides = found.detected.reading, found.bench.guides
    for clause in reading.clauses[:MOST_CLAUSES]:
        yield translate(ROLES[clause.role], screen.language), f"«{shortened(clause.text)}»"
    if len(reading.clauses) > MOST_CLAUSES:
        yield screen.tr("Otras partes"), str(len(reading.clauses) - MOST_CLAUSES)
    if reading.denied:
        yield screen.tr("Niega que sea"), titles_of(guides, reading.denied, screen.language)
    if len(reading.several) > 1:
        yield screen.tr("Nombra a la vez"), titles_of(guides, reading.several, screen.language)
    if reading.unknown_codes:
        yield screen.tr("Código desconocido"), ", ".join(reading.unknown_codes)


def _pairs(changes: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{written} → {read}" for written, read in changes[:_MOST_REPAIRS])


def _thresholds(screen: Screen, found: Found) -> str:
    low, high = percent(screen, found.bench.none_below), percent(screen, found.bench.accept_from)
    return screen.tr("ninguno por debajo de {low}; se reconoce desde {high}; entre los dos, se pregunta", low=low, high=high)


def _list(screen: Screen, found: Found, reading: TextReading) -> None:
    for label, value in _facts(screen, found, reading):
        screen.verbatim(f"{label}: {value}")
    for number, row in enumerate(_worth_telling(found), 1):
        screen.verbatim(f"{number}. {percent(screen, row.confidence)} {row.problem_title} ({row.problem_id})")
        for label, value in _reasons(screen, found, row):
            screen.verbatim(f"   {label}: {value}")
    screen.verbatim(f"{screen.tr('Umbrales')}: {_thresholds(screen, found)}")
    screen.verbatim(f"{screen.tr('Detector')}: {found.bench.index.version}")
    screen.verbatim(_verdict(screen, found))


def _reasons(screen: Screen, found: Found, row: CandidateOut) -> Iterator[tuple[str, str]]:
    evidence = row.evidence
    for side, why in reasons_of(_candidate(found, row)):
        yield translate(side, screen.language), translate(why, screen.language)
    if evidence.words:
        yield screen.tr("Palabras que cuentan"), ", ".join(evidence.words)
    if evidence.example:
        yield screen.tr("Lo más parecido"), f"«{shortened(evidence.example, 160)}»"


def _candidate(found: Found, row: CandidateOut) -> Candidate:
    return next(each for each in found.detected.candidates if each.problem_id == row.problem_id)


def _paint(screen: Screen, found: Found, reading: TextReading) -> None:
    from rich.box import ROUNDED
    from rich.panel import Panel

    telling = {fold(word) for row in found.rows[:1] for word in row.evidence.words}
    title = screen.tr("Lo que escribió el cliente")
    screen.show(Panel(_marked(shortened(found.text, _SHOWN_CHARS), telling), title=title, title_align="left", box=ROUNDED))
    screen.show(_grid(_facts(screen, found, reading), telling))
    screen.show()
    screen.show(_candidates(screen, found))
    screen.show()
    last = [(screen.tr("Umbrales"), _thresholds(screen, found)), (screen.tr("Detector"), found.bench.index.version)]
    screen.show(_grid(last, set()))
    screen.show()
    screen.show(_verdict(screen, found), style=f"bold {_STYLES[found.detected.verdict]}")


def _grid(rows: Iterable[tuple[str, str]], telling: set[str]) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(f"  {label}", _marked(value, telling))
    return grid


def _candidates(screen: Screen, found: Found) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, width=_BAR)
    table.add_column(overflow="fold", ratio=1)
    for row in _worth_telling(found):
        style = _style(found, row.confidence)
        table.add_row(
            _coloured(f"  {percent(screen, row.confidence)}", f"bold {style}"),
            _bar(found, row, style),
            _about(screen, found, row),
        )
    return table


def _style(found: Found, confidence: float) -> str:
    if confidence >= found.bench.accept_from:
        return "green"
    return "yellow" if confidence >= found.bench.none_below else "bright_black"


def _bar(found: Found, row: CandidateOut, style: str) -> Text:
    """The confidence as a bar; where it ends short of a threshold, a mark shows the threshold."""
    eighths = round(row.confidence * _BAR * 8)
    drawn = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    rest = list("─" * (_BAR - len(drawn)))
    for threshold in (found.bench.none_below, found.bench.accept_from):
        place = round(threshold * _BAR) - len(drawn)
        if 0 <= place < len(rest):
            rest[place] = "┼"
    bar = _coloured(drawn, style)
    bar.append("".join(rest), "bright_black")
    return bar


def _about(screen: Screen, found: Found, row: CandidateOut) -> Text:
    about = _coloured("", "")
    about.append(row.problem_title, "bold").append(f"  {row.problem_id}", "dim cyan")
    telling = {fold(word) for word in row.evidence.words}
    for label, value in _reasons(screen, found, row):
        about.append(f"\n{label}: ", "dim")
        about.append_text(_marked(value, telling))
    return about


def _coloured(words: str, style: str) -> Text:
    from rich.text import Text

    return Text(words, style)


def _marked(words: str, telling: set[str]) -> Text:
    """The text with the words that count in bold."""
    from rich.text import Text

    text = Text("".join(c if c.isprintable() or c == "\n" else " " for c in words))
    for word in _WORD.finditer(text.plain):
        if fold(word.group()) in telling:
            text.stylize("bold underline cyan", *word.span())
    return text
