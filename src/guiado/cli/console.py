"""Input and output of every command, in the user's language."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from guiado.cli.invocation import name_program, program
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Muestra JSON, para programas.")]
_NARROW = 60
"""Below this width, in columns, nothing is indented."""
_LEAST = 10
_USUAL = 80
_PIPE = 1_000
"""Columns of a pipe, where lines are not wrapped."""
_PASTE_S = 0.05


class Screen:
    """Standard output and input of one command.

    Args:
        language: es, en or pt, as the operator asked for; None when nobody did.
    """

    def __init__(self, language: str | None) -> None:
        self.is_chosen = language is not None
        self.language = language or "es"

    @cached_property
    def out(self) -> Console:
        """Standard output."""
        return _console(sys.stdout)

    @cached_property
    def errors(self) -> Console:
        """Standard error."""
        return _console(sys.stderr)

    @property
    def is_interactive(self) -> bool:
        """Whether input and output are a terminal."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def indent(self) -> int:
        """Columns of indentation of a block."""
        return 0 if self.out.width < _NARROW else 2

    def tr(self, template: str, /, **params: object) -> str:
        """A Spanish template in the screen's language, filled in."""
        from guiado.i18n import text

        return name_program(text(self.language, template, **params))

    def explain(self, what: Message | FieldProblem | GuiadoError) -> str:
        """An error or message in the screen's language."""
        from guiado.i18n import translate

        return name_program(translate(what, self.language))

    def say(self, template: str, /, *, style: str = "", **params: object) -> None:
        """Print a Spanish template in the screen's language."""
        self.show(self.tr(template, **params), style=style)

    def show(self, what: RenderableType = "", style: str = "") -> None:
        """Print something that is no template; in a pipe a row is one line, without padding."""
        if self.out.is_terminal:
            self.out.print(what, style=style)
            return
        for line in _plain(what):
            self.out.print(line, style=style, soft_wrap=True)

    def command(self, *words: str) -> str:
        """A command of guiado as it has to be typed here."""
        return " ".join((program(), *words))

    def verbatim(self, line: str | Text, style: str = "") -> None:
        """Print a line to be copied, never wrapped."""
        self.out.print(line, style=style, soft_wrap=True)

    def print_json(self, value: object, *, on_one_line: bool = False) -> None:
        """Print plain values, times and the like as JSON."""
        import msgspec

        from guiado.cli.harmless_console import escaped

        plain = msgspec.to_builtins(value)
        self.verbatim(escaped(json.dumps(plain, ensure_ascii=False, indent=None if on_one_line else 2)))

    def complain(self, line: str) -> None:
        """Print a line on standard error."""
        self.errors.print(line, style="red", soft_wrap=True)

    def ask(self, label: str, *, is_first: bool = False, is_long: bool = True) -> str:
        """Read a line that the customer types.

        Args:
            is_first: whether it is the first question, which input typed before it answers.
            is_long: whether several lines that are pasted at a terminal are one answer.

        Raises:
            EOFError: there is no more input.
            KeyboardInterrupt: the customer pressed Ctrl-C.
        """
        if label:
            self.show(label, style="bold")
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # arrows and deletion work from here on
        if not self.is_interactive:
            return self._read("› ").strip()
        if not is_first:
            _forget_typed_ahead()
        line = self._read("› ")
        return (f"{line}\n{_rest_of_paste()}" if is_long else line.partition("\n")[0]).strip()

    def read_answer(self) -> str:
        """Read one line that chooses something; input typed or pasted before the question is discarded.

        Raises:
            EOFError, KeyboardInterrupt: as `ask`.
        """
        if self.is_interactive:
            _forget_typed_ahead()
        return self._read("› ").strip()

    def _read(self, prompt: str) -> str:
        line = input(prompt)
        if not self.is_interactive:
            self.out.print()  # ends the line of the prompt, since input from a pipe is not echoed
        return line


def screen_of(context: typer.Context) -> Screen:
    """The screen of the running command."""
    return context.find_root().obj


def _forget_typed_ahead() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # no terminal of the usual kind
        termios = importlib.import_module("termios")
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _rest_of_paste() -> str:
    """Read the lines that were pasted together with the one just read."""
    pieces: list[str] = []
    with contextlib.suppress(OSError, ValueError):
        while select.select([sys.stdin], [], [], _PASTE_S)[0]:
            piece = os.read(sys.stdin.fileno(), 65_536)
            if not piece:
                break
            pieces.append(piece.decode("utf-8", "replace"))
    return "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")


def _plain(what: RenderableType) -> Iterator[RenderableType]:
    """Render lines for a pipe: no padding, no wrapping."""
    from rich.console import Group
    from rich.table import Table

    if isinstance(what, Table):
        nothing = "-" if what.show_header else ""
        headings = [column.header for column in what.columns] if what.show_header else []
        for row in (headings, *zip(*(column.cells for column in what.columns), strict=False)):
            if any(map(str, row)):
                yield "  ".join(filter(None, (str(cell) or nothing for cell in row))).rstrip()
    elif isinstance(what, Group):
        for part in what.renderables:
            yield from _plain(part)
    else:
        yield what


def bullets(screen: Screen, lines: Sequence[str], mark: str = "•", style: str = "") -> RenderableType:
    """A list of lines, each with its mark and wrapped beside it.

    Args:
        mark: what stands before each; "1" numbers them.
    """
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style=style)
    grid.add_column(style=style, overflow="fold")
    for number, line in enumerate(lines, 1):
        grid.add_row(f"{' ' * screen.indent}{number}." if mark == "1" else f"{' ' * screen.indent}{mark}", line)
    return grid


def shown_time(moment: datetime | None) -> str:
    """Format a time in the operator's time zone; empty for None."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def read_time(option: str, given: str | None) -> datetime | None:
    """Read the time that an option gives, in the operator's time zone.

    Raises:
        InvalidInput: it is no time.
    """
    try:
        return datetime.fromisoformat(given).astimezone() if given else None
    except (ValueError, OverflowError):
        why = Message("{given} no es una fecha. Escríbela así: 2026-11-22 o 2026-11-22T10:00.", {"given": printable(given)})
        raise InvalidInput([FieldProblem(option, why)]) from None


def _console(stream: TextIO) -> Console:
    from guiado.cli.harmless_console import HarmlessConsole

    for each in (sys.stdin, stream):
        reconfigure = getattr(each, "reconfigure", None)
        if reconfigure:  # characters that the terminal cannot encode or decode must not end the command
            reconfigure(errors="replace")
    console = HarmlessConsole(file=stream, markup=False, highlight=False, emoji=False)
    if console.width < _LEAST:  # COLUMNS=0 means that the width is unknown
        console.width = _USUAL
    if not console.is_terminal:
        console.width = _PIPE
    return console
