"""`--help` and usage errors in the screen's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from guiado.cli.console import Screen, screen_of
from guiado.errors import printable

Parsed = Any
"""An object of Typer's parser, a context, a parameter or an error: their classes are private to it."""
HELP = ("-h", "--help")
"""Options that show the help of any command."""
CHANNELS = "{channels}"
"""Placeholder in a help text for the names of all channels."""
TEXT = "text"
"""Name of the hidden command of a `ManualOfText`."""
_ALIKE = 0.6
"""Least similarity of a misspelt name and its suggestion, 0..1."""
_LONGEST = 60
_NAME = re.compile(r"'([^']*)'")
_SURPLUS = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", re.DOTALL)


COMPLETION = {
    "--install-completion": "Instala en tu terminal el autocompletado con la tecla Tab.",
    "--show-completion": "Muestra el autocompletado, para instalarlo a mano.",
}
"""Help texts of Typer's own options for completion."""


class Manual(TyperCommand):
    """A command whose help speaks the screen's language."""

    def format_help(self, ctx: Parsed, formatter: object) -> None:  # noqa: ARG002, D102
        _print_manual(self, ctx)


class ManualGroup(TyperGroup):
    """A group of commands whose help speaks the screen's language."""

    def format_help(self, ctx: Parsed, formatter: object) -> None:  # noqa: ARG002, D102
        _print_manual(self, ctx)


class ManualOfText(ManualGroup):
    """A group whose first word may be a text that is handed to its hidden command `text`, unless it names another command.

    `group -- WORD` is always a text.
    """

    def parse_args(self, ctx: Parsed, args: list[str]) -> list[str]:  # noqa: D102
        is_text = bool(args) and args[0] not in HELP and args[0] not in {*self.commands} - {TEXT}
        return super().parse_args(ctx, [TEXT, *args] if is_text else args)

    def collect_usage_pieces(self, ctx: Parsed) -> list[str]:  # noqa: D102
        return self._of_text(ctx).collect_usage_pieces(ctx)

    def format_help(self, ctx: Parsed, formatter: object) -> None:  # noqa: ARG002, D102
        _print_manual(self, ctx, of_parameters=self._of_text(ctx))

    def _of_text(self, ctx: Parsed) -> Parsed:
        return self.get_command(ctx, TEXT)


def _print_manual(
    command: TyperCommand | TyperGroup, context: typer.Context, of_parameters: TyperCommand | TyperGroup | None = None
) -> None:
    screen = screen_of(context)
    words = {"[OPTIONS]": screen.tr("[OPCIONES]"), "COMMAND [ARGS]...": screen.tr("COMANDO")}
    parsing: Parsed = command
    collected: list[str] = parsing.collect_usage_pieces(context)
    pieces = [words.get(piece, piece.replace("{", "").replace("}", "")) for piece in collected]
    screen.show()
    screen.verbatim(screen.tr("Uso: {command}", command=" ".join([context.command_path, *pieces])), style="bold")
    if command.help:
        for paragraph in screen.tr(command.help).split("\n"):
            screen.show(paragraph)
    _print_rows(screen, screen.tr("Comandos"), _commands(screen, command, context))
    _print_rows(screen, screen.tr("Argumentos y opciones"), _parameters(screen, of_parameters or command, context))


def _commands(screen: Screen, command: TyperCommand | TyperGroup, context: typer.Context) -> list[tuple[str, str]]:
    if not isinstance(command, TyperGroup):
        return []
    found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [(name, screen.tr(each.help or "").split("\n")[0]) for name, each in found if each and not each.hidden]


def _parameters(screen: Screen, command: TyperCommand | TyperGroup, context: typer.Context) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for each in _parameters_of(command, context):
        if "--help" in each.opts:
            rows.append((", ".join(HELP), screen.tr("Muestra esta ayuda.")))
        elif each.opts[0] in COMPLETION:
            rows.append((each.opts[0], screen.tr(COMPLETION[each.opts[0]])))
        elif not getattr(each, "hidden", False):
            metavar = each.metavar or ""
            name = ", ".join(each.opts) if each.param_type_name == "option" else metavar or each.name.upper()
            value = f" {metavar or 'TEXT'}" if each.param_type_name == "option" and not each.is_flag else ""
            rows.append((name + value, _meaning(screen, getattr(each, "help", None) or "")))
    return rows


def _parameters_of(command: Parsed, context: Parsed) -> list[Parsed]:
    return command.get_params(context)


def _meaning(screen: Screen, template: str) -> str:
    """The help of a parameter, with the names of the channels filled in."""
    from guiado.delivery.channels import names

    return screen.tr(template, channels=", ".join(names())) if CHANNELS in template else screen.tr(template)


def _print_rows(screen: Screen, title: str, rows: list[tuple[str, str]]) -> None:
    from rich.table import Table

    if not rows:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    widest = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        # Lined up in a pipe too: a help is read by people.
        grid.add_row(" " * screen.indent + (name if screen.out.is_terminal else name.ljust(widest)), meaning)
    screen.show()
    screen.show(title, style="bold")
    screen.show(grid)


def explain_usage(screen: Screen, error: typer.TyperException) -> str:
    """Describe a usage error and name the help to read.

    Args:
        error: as the parser of the command line raised it.
    """
    known: Parsed = error
    context = getattr(known, "ctx", None)
    path = context.command_path if context else "guiado"
    look = screen.tr("Mira la ayuda: {command} --help", command=path)
    return f"{_misuse(screen, known)}\n{look}"


def _misuse(screen: Screen, error: Parsed) -> str:
    name = _parameter_name(error)
    match type(error).__name__:
        case "NoSuchOption":
            complaint = screen.tr("No existe la opción {name}.", name=printable(str(error.option_name)))
            return complaint + _suggestion(screen, str(error.option_name), _options(error.ctx))
        case "MissingParameter":
            return screen.tr("Falta {name}.", name=name)
        case "BadParameter":
            return _bad_value(screen, error, name)
        case "BadOptionUsage" if "does not take" in str(error.message):
            return screen.tr("La opción {name} no lleva ningún valor.", name=printable(str(error.option_name)))
        case "BadOptionUsage":
            return screen.tr("La opción {name} necesita un valor.", name=error.option_name)
        case _:
            return _unknown_command(screen, error)


def _unknown_command(screen: Screen, error: Parsed) -> str:
    said = str(error.message)
    found = _NAME.search(said) if said.startswith("No such command") else None
    if found:
        complaint = screen.tr("No existe el comando {name}.", name=printable(found[1]))
        return complaint + _suggestion(screen, found[1], _commands_of(error.ctx))
    surplus = _SURPLUS.match(said)
    if surplus:
        return screen.tr("Sobra «{words}»: este comando no lo espera.", words=printable(surplus[1]))
    return screen.tr("No entiendo el comando.")


def _suggestion(screen: Screen, given: str, known: Sequence[str]) -> str:
    """Suggest a similar name; empty if there is none."""
    near = get_close_matches(given[:_LONGEST], known, 1, _ALIKE)
    return f" {screen.tr('¿Quisiste decir {near}?', near=near[0])}" if near else ""


def _options(context: Parsed) -> list[str]:
    parameters = _parameters_of(context.command, context) if context else []
    return [name for each in parameters if each.param_type_name == "option" for name in each.opts if name.startswith("--")]


def _commands_of(context: Parsed) -> list[str]:
    known: list[str] = context.command.list_commands(context) if context else []
    return [name for name in known if name != TEXT]


def _bad_value(screen: Screen, error: Parsed, name: str) -> str:
    """Describe the values that a parameter accepts."""
    parameter = getattr(error, "param", None)
    least, most = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if least is not None and most is not None:
        return screen.tr("{name}: escribe un número de {least} a {most}.", name=name, least=least, most=most)
    if least is not None:
        return screen.tr("{name}: escribe un número, {least} como mínimo.", name=name, least=least)
    if getattr(getattr(parameter, "type_descriptor", None), "annotation", None) in {int, float}:
        return screen.tr("{name}: escribe un número.", name=name)
    return screen.tr("{name}: ese valor no es válido.", name=name)


def _parameter_name(error: Parsed) -> str:
    parameter = getattr(error, "param", None)
    if parameter is None:
        return ""
    return str(parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar or parameter.name.upper())
