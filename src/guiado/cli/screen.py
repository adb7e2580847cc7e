"""What every command shows and asks, in the language of whoever sits before it."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Muestra JSON, para otros programas.")]
_NARROW = 60
"""Below this width, in columns, nothing is indented."""
_LEAST = 10
_USUAL = 80


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
        """Whether somebody sits there: keys count at once, and what moves may move."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def indent(self) -> int:
        """Columns by which a block is moved in."""
        return 0 if self.out.width < _NARROW else 2

    def tr(self, template: str, /, **params: object) -> str:
        """A Spanish template in the screen's language, filled in."""
        from guiado.i18n import text

        return text(self.language, template, **params)

    def explain(self, what: Message | FieldProblem | GuiadoError) -> str:
        """An error or message in the screen's language."""
        from guiado.i18n import translate

        return translate(what, self.language)

    def say(self, template: str, /, *, style: str = "", **params: object) -> None:
        """Print a Spanish template in the screen's language."""
        self.out.print(self.tr(template, **params), style=style)

    def show(self, what: RenderableType = "", style: str = "") -> None:
        """Print something that is no template."""
        self.out.print(what, style=style)

    def verbatim(self, line: str | Text, style: str = "") -> None:
        """Print a line that somebody will copy: never wrapped."""
        self.out.print(line, style=style, soft_wrap=True)

    def print_json(self, value: object, *, on_one_line: bool = False) -> None:
        """Print plain values, times and the like as JSON."""
        import msgspec

        plain = msgspec.to_builtins(value)
        self.verbatim(json.dumps(plain, ensure_ascii=False, indent=None if on_one_line else 2))

    def complain(self, line: str) -> None:
        """Print a line on standard error."""
        self.errors.print(line, style="red", soft_wrap=True)

    def ask(self, label: str) -> str:
        """A line that the customer types.

        Raises:
            EOFError: there is no more input.
            KeyboardInterrupt: the customer pressed Ctrl-C.
        """
        self.out.print(label, style="bold")
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # arrows and deletion work from here on
        return self._read("› ").strip()

    def ask_key(self, meanings: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """What the customer's key means; asks again until it means something.

        Args:
            meanings: lower-case key -> meaning. A terminal needs no Enter; from a pipe, one line is one key.

        Raises:
            EOFError, KeyboardInterrupt: as `ask`.
        """
        while True:
            key = self._key()
            if key in meanings:
                return meanings[key]
            self.say("No conozco esa tecla. Usa una de las que están entre corchetes.", style="yellow")

    def _key(self) -> str:
        if not self.is_interactive:
            return self._read("› ").strip().lower()
        self.out.print("› ", end="")
        key = typer.getchar()[:1]
        self.out.print(key if key.isprintable() else "")
        return key.lower()

    def _read(self, prompt: str) -> str:
        line = input(prompt)
        if not self.is_interactive:
            self.out.print()  # nobody typed the Enter that ends the line of the prompt
        return line


def screen_of(context: typer.Context) -> Screen:
    """The screen of the running command."""
    return cast("Screen", context.find_root().obj)


def bullets(screen: Screen, lines: Sequence[str], mark: str = "•", style: str = "") -> RenderableType:
    """Lines one below the other, each with its mark, wrapped beside it.

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
    """A moment as the operator's clock shows it; nothing for none."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def read_time(option: str, given: str | None) -> datetime | None:
    """The moment that an option names, by the operator's clock.

    Raises:
        InvalidInput: it names none.
    """
    try:
        return datetime.fromisoformat(given).astimezone() if given else None
    except (ValueError, OverflowError):
        why = Message("{given} no es una fecha. Escríbela así: 2026-11-22 o 2026-11-22T10:00.", {"given": printable(given)})
        raise InvalidInput([FieldProblem(option, why)]) from None


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    for each in (sys.stdin, stream):
        reconfigure = getattr(each, "reconfigure", None)
        if reconfigure:  # what a terminal cannot show or sends broken must not end the command
            reconfigure(errors="replace")
    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    if console.width < _LEAST:  # COLUMNS=0 says that nobody knows
        console.width = _USUAL
    return console
