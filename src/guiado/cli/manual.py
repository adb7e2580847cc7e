"""`--help` and misuse, in the language of the screen."""

from __future__ import annotations

import re
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from guiado.cli.screen import Screen, screen_of
from guiado.errors import printable

TEXT = "text"
"""Name of the hidden command of a `ManualOfText`."""
_NAME = re.compile(r"'([^']*)'")
_SURPLUS = re.compile(r"unexpected extra argument(?:s|\(s\))? \((.*)\)", re.DOTALL)


class Manual(TyperCommand):
    """A command whose help speaks the screen's language."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002, D102
        _print_manual(self, ctx)


class ManualGroup(TyperGroup):
    """A group of commands whose help speaks the screen's language."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002, D102
        _print_manual(self, ctx)


class ManualOfText(ManualGroup):
    """A group whose first word may be a text that is handed to its hidden command `text`, unless it names another command.

    `group -- WORD` is always a text.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401, D102
        is_text = bool(args) and args[0] != "--help" and args[0] not in {*self.commands} - {TEXT}
        return super().parse_args(ctx, [TEXT, *args] if is_text else args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401, D102
        return self._of_text(ctx).collect_usage_pieces(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002, D102
        _print_manual(self, ctx, of_parameters=self._of_text(ctx))

    def _of_text(self, ctx: Any) -> Any:  # noqa: ANN401
        return self.get_command(ctx, TEXT)


def _print_manual(
    command: TyperCommand | TyperGroup, context: typer.Context, of_parameters: TyperCommand | TyperGroup | None = None
) -> None:
    screen = screen_of(context)
    words = {"[OPTIONS]": screen.tr("[OPCIONES]"), "COMMAND [ARGS]...": screen.tr("ORDEN")}
    pieces = [words.get(piece, piece) for piece in cast("list[str]", cast("Any", command).collect_usage_pieces(context))]
    screen.show()
    screen.verbatim(screen.tr("Uso: {command}", command=" ".join([context.command_path, *pieces])), style="bold")
    if command.help:
        for paragraph in screen.tr(command.help).split("\n"):
            screen.show(paragraph)
    _print_rows(screen, screen.tr("Órdenes"), _commands(screen, command, context))
    _print_rows(screen, screen.tr("Argumentos y opciones"), _parameters(screen, of_parameters or command, context))


def _commands(screen: Screen, command: TyperCommand | TyperGroup, context: typer.Context) -> list[tuple[str, str]]:
    if not isinstance(command, TyperGroup):
        return []
    found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [(name, screen.tr(each.help or "").split("\n")[0]) for name, each in found if each and not each.hidden]


def _parameters(screen: Screen, command: TyperCommand | TyperGroup, context: typer.Context) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for each in cast("list[Any]", command.get_params(context)):
        if "--help" in each.opts:
            rows.append(("--help", screen.tr("Muestra esta ayuda.")))
        elif not getattr(each, "hidden", False):
            metavar = each.metavar or ""
            name = ", ".join(each.opts) if each.param_type_name == "option" else metavar or each.name.upper()
            value = f" {metavar or 'TEXT'}" if each.param_type_name == "option" and not each.is_flag else ""
            rows.append((name + value, screen.tr(getattr(each, "help", None) or "")))
    return rows


def _print_rows(screen: Screen, title: str, rows: list[tuple[str, str]]) -> None:
    from rich.table import Table

    if not rows:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, meaning in rows:
        grid.add_row(" " * screen.indent + name, meaning)
    screen.show()
    screen.show(title, style="bold")
    screen.show(grid)


def explain_usage(screen: Screen, error: typer.TyperException) -> str:
    """What is wrong with a command line, and where to look.

    Args:
        error: as the parser of the command line raised it.
    """
    known: Any = error
    context = getattr(known, "ctx", None)
    path = context.command_path if context else "guiado"
    look = screen.tr("Mira la ayuda: {command} --help", command=path)
    return f"{_misuse(screen, known)}\n{look}"


def _misuse(screen: Screen, error: Any) -> str:  # noqa: ANN401
    name = _parameter_name(error)
    match type(error).__name__:
        case "NoSuchOption":
            return screen.tr("No existe la opción {name}.", name=printable(str(error.option_name)))
        case "MissingParameter":
            return screen.tr("Falta {name}.", name=name)
        case "BadParameter":
            return screen.tr("{name}: ese valor no sirve.", name=name)
        case "BadOptionUsage":
            return screen.tr("La opción {name} necesita un valor.", name=error.option_name)
        case _:
            return _unknown_command(screen, str(error.message))


def _unknown_command(screen: Screen, said: str) -> str:
    found = _NAME.search(said) if said.startswith("No such command") else None
    if found:
        return screen.tr("No existe la orden {name}.", name=printable(found[1]))
    surplus = _SURPLUS.search(said)
    return screen.tr("Sobra {words}.", words=printable(surplus[1])) if surplus else screen.tr("No entiendo la orden.")


def _parameter_name(error: Any) -> str:  # noqa: ANN401
    parameter = getattr(error, "param", None)
    if parameter is None:
        return ""
    return str(parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar or parameter.name.upper())
