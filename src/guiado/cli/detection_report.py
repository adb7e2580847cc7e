"""Render a ranking for people: bars, the words that count, the nearest known phrase and the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guiado.app.sessions.detect import Detected, clauses_view
from guiado.app.sessions.models import CandidateOut
from guiado.cli.console import Screen
from guiado.cli.detection_setup import Workbench
from guiado.detection.explain import TextReading, read_as
from guiado.detection.roles.role import Role
from guiado.detection.verdict import Verdict
from guiado.domain.message_kind import MessageKind
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.text.fold import fold

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_BAR = 20
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SHOWN_CHARS = 1_200
_MOST_REPAIRS = 8
_MOST_CLAUSES, _CLAUSE_CHARS = 12, 160
_LEAST_TOLD = 0.005
"""Least confidence of a candidate that is shown: lower ones round to 0 %."""
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


def as_json(found: Found) -> dict[str, object]:
    """Return the ranking in the form of `POST /detect`."""
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
    }


def tell(screen: Screen, found: Found) -> None:
    """Print one line per candidate, and the verdict."""
    for row in _worth_telling(found):
        line = f"{percent(screen, row.confidence):>6}  {row.problem_id}  {row.problem_title}"
        screen.verbatim(line)
    screen.verbatim(_verdict(screen, found), style=_STYLES[found.detected.verdict])


def _worth_telling(found: Found) -> list[CandidateOut]:
    """The candidates whose confidence is above 0 %."""
    return [row for row in found.rows if row.confidence >= _LEAST_TOLD]


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
    verdict = found.detected.verdict
    if verdict is Verdict.NONE and found.detected.kind is not MessageKind.PROBLEM:
        return f"{_MARKS[verdict]} {_kinds(screen)[found.detected.kind]}"
    said = {
        Verdict.ACCEPT: screen.tr("Se reconoce: {title}.", title=found.rows[0].problem_title if found.rows else ""),
        Verdict.UNCLEAR: screen.tr("No está claro: conviene preguntar cuál es."),
        Verdict.NONE: screen.tr("No es ninguno de los problemas conocidos: lo atiende una persona."),
    }
    return f"{_MARKS[verdict]} {said[verdict]}"


def _facts(screen: Screen, found: Found, reading: TextReading) -> Iterator[tuple[str, str]]:
    """Label and value of each fact about how the text was read."""
    languages = {"es": screen.tr("español"), "en": screen.tr("inglés"), "pt": screen.tr("portugués")}
    foreign = found.detected.foreign
    unknown = screen.tr("{code}: guiado no lo habla", code=foreign) if foreign else screen.tr("no se sabe")
    yield screen.tr("Idioma"), languages.get(found.detected.language or "", unknown)
    yield screen.tr("Leído como"), _shortened(reading.sentence) or screen.tr("nada: no quedan palabras que leer")
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
    roles = _roles(screen)
    for clause in found.detected.reading.clauses[:_MOST_CLAUSES]:
        yield roles[clause.role], f"«{_shortened(clause.text, _CLAUSE_CHARS)}»"
    if titles := [_title(found, each) for each in found.detected.reading.denied]:
        yield screen.tr("Niega que sea"), ", ".join(titles)


def _title(found: Found, problem_id: str) -> str:
    guide = found.bench.guides.get(problem_id)
    return guide.in_language(found.detected.language or DEFAULT_LANGUAGE).problem_title if guide else problem_id


def _roles(screen: Screen) -> dict[Role, str]:
    """Roles of the parts of a message, in words."""
    return {
        Role.WRONG: screen.tr("Algo falla"),
        Role.WORKS: screen.tr("Ya funciona"),
        Role.DENIED: screen.tr("Dice que no es esto"),
        Role.WISH: screen.tr("Pide o pregunta algo"),
        Role.THANKS: screen.tr("Agradece o felicita"),
        Role.NOTHING: screen.tr("No dice nada del problema"),
        Role.PERSON: screen.tr("Quiere una persona"),
        Role.TRIED: screen.tr("Ya lo probó"),
        Role.AUTOMATIC: screen.tr("Texto automático o citado"),
    }


def _kinds(screen: Screen) -> dict[MessageKind, str]:
    """The verdict on a message that reports no problem."""
    return {
        MessageKind.SOLVED: screen.tr("Dice que ya está resuelto: no se empieza ninguna guía."),
        MessageKind.PERSON: screen.tr("Pide hablar con una persona: lo atiende una persona."),
        MessageKind.NOTHING_SAID: screen.tr("No dice qué pasa: se le pregunta."),
        MessageKind.OTHER: screen.tr("No cuenta ningún problema: lo atiende una persona."),
    }


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
        for label, value in _reasons(screen, row):
            screen.verbatim(f"   {label}: {value}")
    screen.verbatim(f"{screen.tr('Umbrales')}: {_thresholds(screen, found)}")
    screen.verbatim(f"{screen.tr('Detector')}: {found.bench.index.version}")
    screen.verbatim(_verdict(screen, found))


def _reasons(screen: Screen, row: CandidateOut) -> Iterator[tuple[str, str]]:
    evidence = row.evidence
    if evidence.words:
        yield screen.tr("Palabras que cuentan"), ", ".join(evidence.words)
    if evidence.example:
        yield screen.tr("Lo más parecido"), f"«{_shortened(evidence.example, 160)}»"


def _paint(screen: Screen, found: Found, reading: TextReading) -> None:
    from rich.box import ROUNDED
    from rich.panel import Panel

    telling = {fold(word) for row in found.rows[:1] for word in row.evidence.words}
    title = screen.tr("Lo que escribió el cliente")
    screen.show(Panel(_marked(_shortened(found.text, _SHOWN_CHARS), telling), title=title, title_align="left", box=ROUNDED))
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
            _coloured(f"  {percent(screen, row.confidence)}", f"bold {style}"), _bar(found, row, style), _about(screen, row)
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


def _about(screen: Screen, row: CandidateOut) -> Text:
    about = _coloured("", "")
    about.append(row.problem_title, "bold").append(f"  {row.problem_id}", "dim cyan")
    telling = {fold(word) for word in row.evidence.words}
    for label, value in _reasons(screen, row):
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


def _shortened(text: str, limit: int = 400) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"
